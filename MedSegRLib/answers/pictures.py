"""Pictures: which slices show an answer best, drawn with outlines and the letters of orientation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers.answer import Answer
from MedSegRLib.answers.extent import slice_areas
from MedSegRLib.answers.outlines import draw_slice
from MedSegRLib.imaging import Plane, SliceStack, gather_canonical

# What lies at the left, right, top and bottom edge of a canonical picture.
EDGE_LETTERS: dict[Plane, tuple[str, str, str, str]] = {
    Plane.AXIAL: ("R", "L", "A", "P"),
    Plane.CORONAL: ("R", "L", "S", "I"),
    Plane.SAGITTAL: ("A", "P", "S", "I"),
}
COUNTED: dict[Plane, str] = {
    Plane.AXIAL: "from foot to head",
    Plane.CORONAL: "from back to front",
    Plane.SAGITTAL: "from the patient's right to the left",
}

_MOST_SLICES = 6
_WELL_SHOWN = 0.6  # of the largest cross-section of a finding


@dataclass(frozen=True, eq=False)
class Picture:
    """One slice of an answer.

    Attributes
    ----------
    rgb
        uint8 [row, column, 3].
    plane, slice_index
        Which slice it is.
    shown
        Indices of the findings that cross it.
    letters
        At the left, right, top and bottom edge; None where the orientation is unknown.
    """

    rgb: npt.NDArray[np.uint8] = field(repr=False)
    plane: Plane
    slice_index: int
    shown: tuple[int, ...]
    letters: tuple[str, str, str, str] | None


def pictures_of(answer: Answer) -> tuple[Picture, ...]:
    """Draw an answer's key slices.

    In the plane that was looked at: as few slices as show every finding near its largest, at most six.
    Of a scan with depth also the best slice of each other plane. Without findings: the middle slice of
    those looked at.
    """
    plane = answer.provenance.plane
    if not answer.findings:
        stack = SliceStack.of(answer.volume, plane)
        looked_at = [index for index in answer.provenance.slices_looked_at if index < stack.count]
        middle = looked_at[len(looked_at) // 2] if looked_at else stack.count // 2
        return (_draw(answer, stack, middle, ()),)
    planes = [plane]
    if not answer.volume.is_single_slice:
        planes += [other for other in Plane if other is not plane]
    pictures = []
    for shown_in in planes:
        stack = SliceStack.of(answer.volume, shown_in)
        views = [gather_canonical(finding.mask, stack.order) for finding in answer.findings]
        areas = np.stack([slice_areas(finding.mask, stack.order) for finding in answer.findings])
        most = _MOST_SLICES if shown_in is plane else 1
        pictures += [_draw(answer, stack, index, views) for index in key_slices(areas, most)]
    return tuple(pictures)


def key_picture(answer: Answer) -> Picture:
    """Draw the one slice of the plane looked at that shows most findings well."""
    if not answer.findings:
        return pictures_of(answer)[0]
    stack = SliceStack.of(answer.volume, answer.provenance.plane)
    views = [gather_canonical(finding.mask, stack.order) for finding in answer.findings]
    areas = np.stack([slice_areas(finding.mask, stack.order) for finding in answer.findings])
    return _draw(answer, stack, key_slices(areas, 1)[0], views)


def key_slices(areas: npt.NDArray[np.integer], most: int) -> tuple[int, ...]:
    """Choose slices so that each finding is well shown on one of them.

    Parameters
    ----------
    areas
        [finding, slice], pixels; every finding lies somewhere.
    most
        How many slices at most.

    Returns
    -------
    Rising indices.

    Examples
    --------
    >>> key_slices(np.array([[0, 4, 9, 8, 0], [0, 0, 3, 5, 0], [7, 0, 0, 0, 0]]), 6)
    (0, 3)
    """
    share = areas / areas.max(axis=1, keepdims=True)
    waiting = np.ones(len(areas), dtype=np.bool_)
    chosen: list[int] = []
    while waiting.any() and len(chosen) < most:
        # A slice counts by the findings that it shows well, and then by how well.
        well = np.where(share >= _WELL_SHOWN, 1.0 + share, 0.0)
        best = int(well[waiting].sum(axis=0).argmax())
        chosen.append(best)
        waiting &= share[:, best] < _WELL_SHOWN
    return tuple(sorted(chosen))


def _draw(answer: Answer, stack: SliceStack, index: int, views: Sequence[npt.NDArray[np.bool_]]) -> Picture:
    windowed = answer.provenance.window.apply(stack.voxels[index])
    masks = [view[index] for view in views]
    colours = [finding.colour for finding in answer.findings] if views else []
    spacing_mm = (stack.spacing_mm[1], stack.spacing_mm[2])
    rgb = draw_slice(windowed, masks, colours, spacing_mm)
    shown = tuple(number for number, mask in enumerate(masks) if mask.any())
    letters = EDGE_LETTERS[stack.plane] if answer.volume.orientation_known else None
    return Picture(rgb, stack.plane, index, shown, letters)
