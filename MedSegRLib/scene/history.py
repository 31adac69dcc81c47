"""History: what answers changed, so that each can be undone and done again as one step.

A step remembers for every segment that it touched what was there before, or that nothing was. To undo is
to exchange this for what is there now; to redo is the same once more, so that what the user edited in
between comes back too.
"""

from __future__ import annotations

from collections import deque
from operator import itemgetter
from typing import Any

import slicer

from MedSegRLib.scene.nodes import NodeRef

_STEPS_KEPT = 20


class Step:
    """What one answer changed in one segmentation node.

    Attributes
    ----------
    owner
        Whose step it is.
    """

    def __init__(self, segmentation_node: Any, owner: object = None) -> None:
        self.owner = owner
        self.segmentation = NodeRef(segmentation_node)
        self._before: dict[str, _Kept | None] = {}

    def remember(self, segment_id: str) -> None:
        """Note what a segment holds, or that there is none; to be called before it is changed."""
        if segment_id not in self._before:
            self._before[segment_id] = _keep(self.segmentation.get(), segment_id)

    def exchange(self) -> bool:
        """Put back what was there, and remember what is there instead; False where the node is gone."""
        node = self.segmentation.get()
        if node is None:
            return False
        now = {segment_id: _keep(node, segment_id) for segment_id in self._before}
        for segment_id in [segment_id for segment_id, kept in now.items() if kept]:
            node.GetSegmentation().RemoveSegment(segment_id)
        # In the order of the list, so that each finds its place.
        there = [(kept.index, segment_id, kept) for segment_id, kept in self._before.items() if kept]
        for _, segment_id, kept in sorted(there, key=itemgetter(0)):
            kept.put_back(node, segment_id)
        self._before = now
        return True


class History:
    """The last steps, and those that were undone."""

    def __init__(self) -> None:
        self._done: deque[Step] = deque(maxlen=_STEPS_KEPT)
        self._undone: list[Step] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a step whose segmentation node is still there."""
        return any(step.segmentation.get() is not None for step in self._done)

    @property
    def can_redo(self) -> bool:
        """Whether an undone step's segmentation node is still there."""
        return any(step.segmentation.get() is not None for step in self._undone)

    def step_of(self, owner: object, segmentation_node: Any) -> Step:
        """The last step if it is this owner's and in this node, else a new one.

        What was undone before cannot be done again then.
        """
        last = self._done[-1] if self._done else None
        if last is None or last.owner is not owner or last.segmentation.get() is not segmentation_node:
            last = Step(segmentation_node, owner)
            self._done.append(last)
        self._undone.clear()
        return last

    def undo(self) -> bool:
        """Take the last step back; False where there is none left whose node is there."""
        while self._done:
            step = self._done.pop()
            if step.exchange():
                self._undone.append(step)
                return True
        return False

    def redo(self) -> bool:
        """Do the step that was undone last once more; False where there is none."""
        while self._undone:
            step = self._undone.pop()
            if step.exchange():
                self._done.append(step)
                return True
        return False


class _Kept:
    """A copy of one segment, apart from the scene, with its place in the list and whether it was shown."""

    def __init__(self, node: Any, segment_id: str) -> None:
        segmentation = node.GetSegmentation()
        self.index = segmentation.GetSegmentIndex(segment_id)
        self._shown = node.GetDisplayNode() is None or node.GetDisplayNode().GetSegmentVisibility(segment_id)
        self._copy = slicer.vtkSegmentation()
        self._copy.CopySegmentFromSegmentation(segmentation, segment_id)

    def put_back(self, node: Any, segment_id: str) -> None:
        segmentation = node.GetSegmentation()
        segmentation.CopySegmentFromSegmentation(self._copy, segment_id)
        segmentation.SetSegmentIndex(segment_id, min(self.index, segmentation.GetNumberOfSegments() - 1))
        if node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetSegmentVisibility(segment_id, self._shown)


def _keep(node: Any, segment_id: str) -> _Kept | None:
    return None if node.GetSegmentation().GetSegment(segment_id) is None else _Kept(node, segment_id)
