"""Surfaces: those of a segmentation in 3-D, put aside while an answer changes its segments.

While they are there, every change makes them anew, which holds up the whole application; so what an answer
has not changed gets its surface back in the end, and only what it has changed a new one.
"""

from __future__ import annotations

from typing import Any

from MedSegRLib.scene.nodes import NodeRef
from MedSegRLib.scene.segments import LABELMAP

_SURFACE = "Closed surface"


class Surfaces:
    """Surfaces that are put aside for one answer."""

    def __init__(self) -> None:
        self._aside: list[tuple[NodeRef, dict[str, tuple[int, Any]]]] = []

    def put_aside(self, segmentation_node: Any) -> None:
        """Take the surfaces of a segmentation out of the scene; does nothing where there are none."""
        segmentation = segmentation_node.GetSegmentation()
        if not segmentation.ContainsRepresentation(_SURFACE):
            return
        kept = {}
        for segment_id in segmentation.GetSegmentIDs():
            surface = segmentation.GetSegment(segment_id).GetRepresentation(_SURFACE)
            if surface is not None:
                kept[segment_id] = _state(segmentation.GetSegment(segment_id)), surface
        segmentation_node.RemoveClosedSurfaceRepresentation()
        self._aside.append((NodeRef(segmentation_node), kept))

    def bring_back(self) -> None:
        """Put them back, and make those of segments that were changed since."""
        for reference, kept in self._aside:
            node = reference.get()
            if node is None:
                continue
            for segment_id, (state, surface) in kept.items():
                segment = node.GetSegmentation().GetSegment(segment_id)
                if segment is not None and _state(segment) == state:
                    segment.AddRepresentation(_SURFACE, surface)
            node.CreateClosedSurfaceRepresentation()
        self._aside = []


def _state(segment: Any) -> int:
    """Changes with the voxels; no two images ever have the same."""
    image = segment.GetRepresentation(LABELMAP)
    return 0 if image is None else int(image.GetMTime())
