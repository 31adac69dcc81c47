"""Pointing: from a finding to the slices that show it, and from a clicked point to what is drawn there.

Conventions: positions are RAS millimetres in the world; indices are [K, J, I].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from MedSegRLib.scene.nodes import array_of, move_point
from MedSegRLib.scene.segments import LABELMAP, box_of


def jump_to(segmentation_node: Any, segment_id: str) -> bool:
    """Move every slice view onto a segment; False where it is empty."""
    position = position_of(segmentation_node, segment_id)
    if position is None:
        return False
    slicer.vtkMRMLSliceNode.JumpAllSlices(segmentation_node.GetScene(), *position)
    return True


def position_of(segmentation_node: Any, segment_id: str) -> tuple[float, float, float] | None:
    """A point of a segment near its middle, in the world; None where it is empty.

    The middle of a bent structure may lie outside of it; then a voxel of its own near by is taken.
    """
    segment = segmentation_node.GetSegmentation().GetSegment(segment_id)
    image = segment.GetRepresentation(LABELMAP)
    if image is None or image.GetNumberOfPoints() == 0:
        return None
    mask = array_of(image) == segment.GetLabelValue()
    if not mask.any():
        return None
    k, j, i = _middle(mask) + np.array(image.GetExtent()[4::-2])
    local = _matrix(image, "GetImageToWorldMatrix").MultiplyPoint((i, j, k, 1.0))[:3]
    return move_point(local, segmentation_node.GetParentTransformNode(), None)


def covers(segmentation_node: Any, segment: Any, position_ras_mm: Sequence[float]) -> bool:
    """Whether the voxel at a position in the world is a segment's."""
    image = segment.GetRepresentation(LABELMAP)
    if image is None or image.GetNumberOfPoints() == 0:
        return False
    local = move_point(position_ras_mm, None, segmentation_node.GetParentTransformNode())
    exact = _matrix(image, "GetWorldToImageMatrix").MultiplyPoint((*local, 1.0))[:3]
    ijk = np.rint(exact).astype(int)
    low, high = np.array(image.GetExtent()).reshape(3, 2).T
    if (ijk < low).any() or (ijk > high).any():
        return False
    k, j, i = (ijk - low)[::-1]
    return bool(array_of(image)[k, j, i] == segment.GetLabelValue())


def _middle(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int_]:
    box = box_of(mask)
    inner = mask[box]
    # From the sums along the axes, so that a whole brain takes no list of its voxels.
    sums = [inner.sum(axis=others) for others in ((1, 2), (0, 2), (0, 1))]
    centroid = np.array([(np.arange(len(s)) * s).sum() / s.sum() for s in sums])
    middle = np.rint(centroid).astype(int)
    if not inner[tuple(middle)]:
        slabs = np.flatnonzero(sums[0])
        slab = slabs[np.abs(slabs - centroid[0]).argmin()]
        pixels = np.argwhere(inner[slab])
        middle = np.array([slab, *pixels[((pixels - centroid[1:]) ** 2).sum(axis=1).argmin()]])
    return np.asarray(middle + [side.start for side in box])


def _matrix(image: Any, getter: str) -> Any:
    matrix = vtk.vtkMatrix4x4()
    getattr(image, getter)(matrix)
    return matrix
