"""Volume: one scan, its voxels and where they lie in the patient.

A `Volume` that exists is fit to be asked about: three-dimensional, every voxel a number, not
all of them the same, with a size in millimetres. Everything later trusts that.

Conventions: voxels are [K, J, I] as acquired, float32, in the scan's own units (HU for CT);
`ijk_to_ras` gives RAS millimetres.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from MedSegRLib.errors import UnsupportedVolumeError
from MedSegRLib.imaging.arrays import read_only
from MedSegRLib.imaging.geometry import Plane, nearest_plane, spacing_of


class Modality(Enum):
    """How a scan was made, as far as its file says."""

    MR = "MR"
    CT = "CT"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan.

    Parameters
    ----------
    voxels
        [K, J, I], any number type; kept as a read-only float32 copy.
    ijk_to_ras
        4 x 4, from (i, j, k, 1) to RAS millimetres; kept as a read-only float64 copy.
    modality
        What the file says, or `UNKNOWN`.
    name
        For people: a file name, a series description.
    source
        Path that it was read from, if any.
    spacing_known
        False where the file gives no size in millimetres and 1 mm was assumed.
    orientation_known
        False where the file does not say how the patient lay: left and right are then an assumption.
    made_symmetric
        True for a template whose halves are mirror images: its sides are not compared.
    notes
        Sentences about what was assumed or changed while reading.

    Raises
    ------
    UnsupportedVolumeError
        If it is not fit to be asked about; the sentence says why.

    Examples
    --------
    >>> volume = Volume(np.arange(24).reshape(2, 3, 4), np.diag([-1.0, -2.0, 5.0, 1.0]))
    >>> volume.shape_kji, volume.spacing_mm, volume.acquisition_plane.value
    ((2, 3, 4), (1.0, 2.0, 5.0), 'axial')
    """

    voxels: npt.NDArray[np.float32] = field(repr=False)
    ijk_to_ras: npt.NDArray[np.float64] = field(repr=False)
    modality: Modality = Modality.UNKNOWN
    name: str = "volume"
    source: str | None = None
    spacing_known: bool = True
    orientation_known: bool = True
    made_symmetric: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _refuse_wrong_shape(self.name, np.shape(self.voxels))
        # float64 values beyond float32 become infinite here and are refused below.
        with np.errstate(over="ignore"):
            voxels = read_only(self.voxels, np.float32)
        _refuse_bad_values(self.name, voxels)
        ijk_to_ras = read_only(self.ijk_to_ras, np.float64)
        _refuse_bad_geometry(self.name, ijk_to_ras)
        object.__setattr__(self, "voxels", voxels)
        object.__setattr__(self, "ijk_to_ras", ijk_to_ras)
        object.__setattr__(self, "notes", tuple(self.notes))

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """Number of voxels along K, J, I."""
        k, j, i = self.voxels.shape
        return k, j, i

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Millimetres between neighbours along I, J, K."""
        return spacing_of(self.ijk_to_ras)

    @property
    def voxel_ml(self) -> float:
        """Millilitres of one voxel, right for sheared grids too."""
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3])) / 1000.0)

    @property
    def is_single_slice(self) -> bool:
        """Whether one axis has a single voxel, so that there is nothing above or below."""
        return 1 in self.shape_kji

    @property
    def acquisition_plane(self) -> Plane:
        """Plane of the slices as acquired: across K, or across the axis of a single voxel."""
        array_axis = self.shape_kji.index(1) if self.is_single_slice else 0
        return nearest_plane(self.ijk_to_ras, array_axis)

    def fingerprint(self) -> str:
        """SHA-256 of voxels and geometry, hexadecimal; name and source do not count."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        digest.update(repr(self.shape_kji).encode())
        # Adding zero turns -0.0 into 0.0: equal numbers must have equal bytes.
        digest.update((self.ijk_to_ras + 0.0).astype("<f8").tobytes())
        for plane in self.voxels:
            digest.update((plane + np.float32(0.0)).astype("<f4").tobytes())
        return digest.hexdigest()


def _refuse_wrong_shape(name: str, shape: tuple[int, ...]) -> None:
    if len(shape) != 3:
        raise UnsupportedVolumeError(
            f"{name} is {len(shape)}-D with shape {tuple(shape)}; give one three-dimensional "
            "grey-value volume, for a series over time a single time point."
        )
    if 0 in shape or shape == (1, 1, 1):
        count = "no voxel" if 0 in shape else "a single voxel"
        raise UnsupportedVolumeError(f"{name} has {count}; give a scan with a picture in it.")


def _refuse_bad_values(name: str, voxels: npt.NDArray[np.float32]) -> None:
    low, high = voxels.min(), voxels.max()
    # The minimum of an array with a NaN in it is NaN, so two numbers tell about all of them.
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int(np.count_nonzero(~np.isfinite(voxels)))
        raise UnsupportedVolumeError(
            f"{name} has {count} voxels that are not finite numbers (NaN or infinite); "
            "replace them, for example by the background value, and try again."
        )
    if low == high:
        raise UnsupportedVolumeError(
            f"{name} is constant, every voxel is {float(low):g}; check that the right file was given."
        )


def _refuse_bad_geometry(name: str, ijk_to_ras: npt.NDArray[np.float64]) -> None:
    if ijk_to_ras.shape != (4, 4) or not np.isfinite(ijk_to_ras).all():
        raise UnsupportedVolumeError(
            f"{name} has no valid position in the patient (ijk_to_ras must be 4 x 4 finite numbers); "
            "repair the file's geometry."
        )
    if not np.array_equal(ijk_to_ras[3], (0.0, 0.0, 0.0, 1.0)):
        raise UnsupportedVolumeError(
            f"{name} has a perspective geometry (last row {ijk_to_ras[3].tolist()} instead of 0 0 0 1); "
            "resample it onto a straight grid."
        )
    spacing_mm = spacing_of(ijk_to_ras)
    if min(spacing_mm) <= 0.0:
        listed = " x ".join(f"{value:g}" for value in spacing_mm)
        raise UnsupportedVolumeError(
            f"{name} has voxels of spacing 0 ({listed} mm); write the true spacing into the file."
        )
    # Relative to the box of the spacings: 1 for right angles, 0 for axes in one plane.
    if abs(np.linalg.det(ijk_to_ras[:3, :3])) < 1e-6 * float(np.prod(spacing_mm)):
        raise UnsupportedVolumeError(
            f"{name} has axes in one plane, so its voxels have no extent; repair the file's geometry."
        )
