"""Measure: millilitres, millimetres and grey values of a mask, and the sentences that tell them.

Every number that an answer tells comes from here, and from masks, never from the language model.

Conventions: masks are bool [K, J, I] on the volume's own grid; grey values are in the scan's own
units (HU for CT). A scan of unknown spacing has no millilitres and millimetres, only pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers.diameter import longest_diameters_mm
from MedSegRLib.answers.extent import indices_kji
from MedSegRLib.imaging import Plane, Volume

if TYPE_CHECKING:
    from MedSegRLib.answers.finding import Finding


@dataclass(frozen=True)
class Measurements:
    """What was measured of one mask.

    Attributes
    ----------
    volume_ml
        Millilitres; None where the spacing is unknown.
    longest_in_plane_mm, longest_3d_mm
        Longest distance between centres of voxels, within one slice and in space, millimetres; None
        where the spacing is unknown.
    mean_intensity, sd_intensity
        Mean and sample standard deviation (n - 1) of the grey values; of one voxel the latter is 0.
    voxels
        Number of voxels.
    longest_in_plane_pixels
        Longest distance within one slice in pixels; None where the spacing is known.
    """

    volume_ml: float | None
    longest_in_plane_mm: float | None
    longest_3d_mm: float | None
    mean_intensity: float
    sd_intensity: float
    voxels: int
    longest_in_plane_pixels: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold of it, which is all."""
        return asdict(self)


def measure(mask: npt.NDArray[np.bool_], volume: Volume, plane: Plane | None = None) -> Measurements:
    """Measure a mask.

    Parameters
    ----------
    mask
        bool [K, J, I] of the volume's shape, not empty.
    volume
        The scan.
    plane
        The plane of the slices for the in-plane length; None for that of the acquisition.

    Raises
    ------
    ValueError
        If the mask is empty or has another shape than the volume.
    """
    if mask.shape != volume.shape_kji:
        raise ValueError(f"the mask has shape {mask.shape}, the volume {volume.shape_kji}")
    kji = indices_kji(mask)
    voxels = len(kji[0])
    if voxels == 0:
        raise ValueError("an empty mask has no size; ask whether there is one before measuring it")
    values = volume.voxels[kji].astype(np.float64)
    # Lengths do not depend on where the mask lies, so that all around it can be left out.
    box = tuple(slice(int(along.min()), int(along.max()) + 1) for along in kji)
    in_plane, in_space = longest_diameters_mm(mask[box], volume.ijk_to_ras, plane or volume.acquisition_plane)
    known = volume.spacing_known
    return Measurements(
        volume_ml=voxels * volume.voxel_ml if known else None,
        longest_in_plane_mm=in_plane if known else None,
        longest_3d_mm=in_space if known else None,
        mean_intensity=float(values.mean()),
        sd_intensity=float(values.std(ddof=1)) if voxels > 1 else 0.0,
        voxels=voxels,
        # Unknown spacing is read as 1 mm, so what came out is in pixels.
        longest_in_plane_pixels=None if known else in_plane,
    )


def asymmetry(left_ml: float, right_ml: float) -> float:
    """Difference of two sides in percent of their mean; positive where the left is larger.

    Raises
    ------
    ValueError
        If a volume is negative or both are 0.

    Examples
    --------
    >>> asymmetry(3.3, 2.7)
    20.0
    """
    if min(left_ml, right_ml) < 0 or left_ml + right_ml == 0:
        raise ValueError(f"{left_ml} ml and {right_ml} ml are not the sizes of two sides")
    return round(100.0 * (left_ml - right_ml) / ((left_ml + right_ml) / 2.0), 10)


def sentences(findings: Sequence[Finding], volume: Volume) -> tuple[str, ...]:
    """Tell the measurements in words: one sentence for each finding, then one for each pair of sides.

    A finding that reaches the edge of the scan is said to, and is not compared with its other side,
    since the scan does not show all of it.

    Parameters
    ----------
    findings
        In the order in which they are to be told.
    volume
        The scan that they lie in.
    """
    cut = [_reaches_edge(finding.mask) for finding in findings]
    told = [_size_sentence(*pair, volume) for pair in zip(findings, cut, strict=True)]
    if findings and not volume.spacing_known:
        told.append("The spacing of this image is unknown, so sizes are in pixels.")
    whole = [finding for finding, is_cut in zip(findings, cut, strict=True) if not is_cut]
    if not volume.made_symmetric:
        told += [_asymmetry_sentence(left, right) for left, right in _pairs(whole)]
    return tuple(told)


def format_ml(volume_ml: float) -> str:
    """Millilitres with as many digits as they are worth: "3.4 ml", "0.34 ml", "135 ml"."""
    digits = 0 if volume_ml >= 99.5 else 1 if volume_ml >= 0.95 else 2 if volume_ml >= 0.095 else 3
    return f"{volume_ml:.{digits}f} ml"


def format_mm(length_mm: float) -> str:
    """Millimetres: "45 mm", "4.5 mm"."""
    return f"{length_mm:.{0 if length_mm >= 9.95 else 1}f} mm"


def _size_sentence(finding: Finding, is_cut: bool, volume: Volume) -> str:
    size, name = finding.measurements, finding.name
    verb, be = ("measure", "are") if finding.is_plural else ("measures", "is")
    if size.volume_ml is None:
        amount = f"{size.voxels} pixels"
    elif volume.is_single_slice:
        amount = f"{size.voxels * _pixel_mm2(volume) / 100.0:.2f} cm² in this slice"
    else:
        amount = format_ml(size.volume_ml)
    sentence = f"The {name} {verb} {amount}"
    if size.longest_in_plane_pixels:
        sentence += f" and {be} {size.longest_in_plane_pixels:.0f} pixels long at most"
    elif size.longest_3d_mm:
        sentence += f" and {be} {format_mm(size.longest_3d_mm)} long at most"
        if not volume.is_single_slice and size.longest_in_plane_mm:
            sentence += f" ({format_mm(size.longest_in_plane_mm)} within one {finding.plane.value} slice)"
    if is_cut:
        sentence += "; it reaches the edge of the scan, so the whole may be larger"
    return sentence + "."


def _pixel_mm2(volume: Volume) -> float:
    """Area of a pixel of a single slice: the parallelogram of the two axes that lie in it."""
    across = 2 - volume.shape_kji.index(1)
    a, b = (volume.ijk_to_ras[:3, axis] for axis in range(3) if axis != across)
    return float(np.linalg.norm(np.cross(a, b)))


def _reaches_edge(mask: npt.NDArray[np.bool_]) -> bool:
    ends = (np.moveaxis(mask, axis, 0)[[0, -1]] for axis in range(3) if mask.shape[axis] > 1)
    return any(bool(end.any()) for end in ends)


def _pairs(findings: Sequence[Finding]) -> Iterator[tuple[Finding, Finding]]:
    """Left and right of each structure that was found on both sides, once each."""
    for structure in dict.fromkeys(finding.structure for finding in findings if finding.structure):
        sides = {finding.side.value: finding for finding in findings if finding.structure == structure}
        if "left" in sides and "right" in sides:
            yield sides["left"], sides["right"]


def _asymmetry_sentence(left: Finding, right: Finding) -> str:
    percent = asymmetry(left.measurements.voxels, right.measurements.voxels)
    if abs(percent) < 0.05:
        return f"The {left.name} and the {right.name} are equally large."
    larger, smaller = (left, right) if percent > 0 else (right, left)
    verb = "are" if larger.is_plural else "is"
    return f"The {larger.name} {verb} {abs(percent):.1f} % larger than the {smaller.name} (of their mean)."
