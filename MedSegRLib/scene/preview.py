"""Preview: outlines of what is seen on single slices while an answer is on its way.

It lives in a segmentation node of its own, which is never saved and taken away before the findings come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.imaging import Plane, canonical_order, scatter_canonical
from MedSegRLib.scene.nodes import NodeRef, ijk_to_local, local_to_world
from MedSegRLib.scene.segmentation import preview_for
from MedSegRLib.scene.segments import add_segment, add_to_segment

_GREY = (0.7, 0.7, 0.7)


class Preview:
    """The outlines for one volume at a time."""

    def __init__(self) -> None:
        self._volume = NodeRef(None)
        self._node = NodeRef(None)

    def draw(
        self,
        volume_node: Any,
        plane: Plane,
        slice_index: int,
        masks: Mapping[str, npt.NDArray[np.bool_]],
        colours: Mapping[str, Sequence[float]],
    ) -> None:
        """Add the masks [row, column] of a canonical slice; see `AnswerScene.preview`."""
        if self._volume.get() is not volume_node:
            self.clear()
        node = self._node.get()
        if node is None:
            node = preview_for(volume_node)
            self._volume, self._node = NodeRef(volume_node), NodeRef(node)
        order = canonical_order(local_to_world(volume_node) @ ijk_to_local(volume_node), plane)
        sliced = order.axes[0]
        count = volume_node.GetImageData().GetDimensions()[2 - sliced]
        start_kji = [0, 0, 0]
        start_kji[sliced] = count - 1 - slice_index if order.flips[0] else slice_index
        for name, mask in masks.items():
            if mask.any():
                if node.GetSegmentation().GetSegment(name) is None:
                    add_segment(node, name, name, colours.get(name, _GREY))
                thin = scatter_canonical(mask[np.newaxis], order)
                add_to_segment(node, name, thin, volume_node, start_kji)

    def clear(self) -> None:
        """Take all outlines out of the scene."""
        node = self._node.get()
        if node is not None:
            display = node.GetDisplayNode()
            scene = node.GetScene()
            scene.RemoveNode(display)
            scene.RemoveNode(node)
        self._volume = self._node = NodeRef(None)
