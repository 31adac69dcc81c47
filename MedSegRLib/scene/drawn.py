"""What is drawn on a scan, by us or by others: names and sizes of segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from MedSegRLib.scene.nodes import array_of, nodes_of_class
from MedSegRLib.scene.pointing import covers
from MedSegRLib.scene.segments import LABELMAP

_MM3_PER_ML = 1000.0


@dataclass(frozen=True)
class Segment:
    """A segment that is drawn.

    Attributes
    ----------
    name
        As it is shown.
    volume_ml
        Millilitres of its voxels; transforms that scale do not count.
    """

    name: str
    volume_ml: float


def segment_names(volume_node: Any) -> list[str]:
    """Names of the segments of a scan, in the scene's order; none is measured, since there may be many."""
    return [segment.GetName() for node in _segmentations(volume_node) for _, segment in _segments(node)]


def segments_on(volume_node: Any, name: str | None = None) -> list[Segment]:
    """The segments of a scan, or those of a name, in the scene's order."""
    return [
        _told(segment)
        for node in _segmentations(volume_node)
        for _, segment in _segments(node)
        if name in (None, segment.GetName())
    ]


def segments_at(volume_node: Any, position_ras_mm: Sequence[float]) -> list[Segment]:
    """The segments of a scan that are shown at a position in the world."""
    found = []
    for node in _segmentations(volume_node):
        display = node.GetDisplayNode()
        if display is not None and display.GetVisibility():
            found += [
                _told(segment)
                for segment_id, segment in _segments(node)
                if display.GetSegmentVisibility(segment_id) and covers(node, segment, position_ras_mm)
            ]
    return found


def _segmentations(volume_node: Any) -> list[Any]:
    """Those drawn on the scan; and those that say nothing of what they were drawn on."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    nodes = nodes_of_class(volume_node.GetScene(), "vtkMRMLSegmentationNode")
    about = (None, "", volume_node.GetID())
    return [n for n in nodes if not n.GetHideFromEditors() and n.GetNodeReferenceID(role) in about]


def _segments(node: Any) -> Iterator[tuple[str, Any]]:
    segmentation = node.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        yield segment_id, segmentation.GetSegment(segment_id)


def _told(segment: Any) -> Segment:
    image = segment.GetRepresentation(LABELMAP)
    if image is None or image.GetNumberOfPoints() == 0:
        return Segment(segment.GetName(), 0.0)
    voxels = int(np.count_nonzero(array_of(image) == segment.GetLabelValue()))
    return Segment(segment.GetName(), voxels * float(np.prod(image.GetSpacing())) / _MM3_PER_ML)
