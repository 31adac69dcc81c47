"""Parts of scans: slabs and halves of a brain, in which some of its structures surely are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import Side
from MedSegRLib.imaging import Plane, Volume, canonical_order

from .structures16 import Protocol

__all__ = ["crop", "half", "halves", "slabs"]

Part = tuple[str, Side]
Labels = npt.NDArray[np.integer]
_SLAB_MM, _MARGIN_MM = 36.0, 4.0


def crop(volume: Volume, axis: int, start: int, stop: int) -> Volume:
    """The voxels from `start` to before `stop` along an array axis (0 is K), left where they lie."""
    box = [slice(None)] * 3
    box[axis] = slice(start, stop)
    offset = np.zeros(4)
    offset[2 - axis], offset[3] = start, 1.0
    matrix = volume.ijk_to_ras.copy()
    matrix[:, 3] = volume.ijk_to_ras @ offset
    return replace(volume, voxels=volume.voxels[tuple(box)], ijk_to_ras=matrix, name=f"slab of {volume.name}")


def slabs(volume: Volume, labels: Labels, protocol: Protocol) -> Iterator[tuple[Volume, tuple[Part, ...]]]:
    """The top and the bottom of a brain, each with the parts that have no voxel in it or just beside it.

    A slab is 36 mm thick, measured from the end of the brain.
    """
    axis = canonical_order(volume.ijk_to_ras, Plane.AXIAL).axes[0]
    step_mm = volume.spacing_mm[2 - axis]
    other_axes = tuple(a for a in range(3) if a != axis)
    profiles = {part: np.asarray(protocol.mask(labels, part).any(axis=other_axes)) for part in protocol.parts}
    brain = np.flatnonzero(np.stack(list(profiles.values())).any(axis=0))
    thick, margin = round(_SLAB_MM / step_mm), int(np.ceil(_MARGIN_MM / step_mm))
    first, last = int(brain[0]), int(brain[-1]) + 1
    for start, stop in ((max(0, last - thick), last), (first, min(last, first + thick))):
        near = slice(max(0, start - margin), stop + margin)
        absent = tuple(part for part, rows in profiles.items() if rows.any() and not rows[near].any())
        if absent:
            yield crop(volume, axis, start, stop), absent


def half(volume: Volume, labels: Labels, protocol: Protocol, lost: Side) -> Volume:
    """The scan with one side of the head set to the background, that side's parts wholly."""
    right_of_middle = _x_mm(volume) - _middle_mm(volume, labels, protocol) > 0
    gone = right_of_middle if lost is Side.RIGHT else ~right_of_middle
    for part in protocol.parts:
        if part[1] is lost:
            gone = gone | protocol.mask(labels, part)
    voxels = np.where(gone, volume.voxels.min(), volume.voxels)
    return replace(volume, voxels=voxels, name=f"half of {volume.name}")


def halves(volume: Volume, labels: Labels, protocol: Protocol) -> Iterator[tuple[Volume, tuple[Part, ...]]]:
    """The scan without its left and without its right side, each with the parts that are lost."""
    for lost in (Side.LEFT, Side.RIGHT):
        yield half(volume, labels, protocol, lost), tuple(p for p in protocol.parts if p[1] is lost)


def _x_mm(volume: Volume) -> npt.NDArray[np.float64]:
    """Millimetres towards the patient's right of every voxel, [K, J, I]."""
    k, j, i = np.ogrid[tuple(slice(n) for n in volume.shape_kji)]
    row = volume.ijk_to_ras[0]
    return np.asarray(row[0] * i + row[1] * j + row[2] * k + row[3])


def _middle_mm(volume: Volume, labels: Labels, protocol: Protocol) -> float:
    """Where the sides meet: half way between the white matter of both."""
    x = _x_mm(volume)
    white = ("cerebral_white_matter", Side.LEFT), ("cerebral_white_matter", Side.RIGHT)
    return float(np.mean([x[protocol.mask(labels, part)].mean() for part in white]))
