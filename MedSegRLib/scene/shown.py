"""ShownAnswer: which segments of the scene an answer became."""

from __future__ import annotations

from typing import Any

from MedSegRLib.answers import Question
from MedSegRLib.scene.nodes import NodeRef
from MedSegRLib.scene.surfaces import Surfaces


class ShownAnswer:
    """An answer in the scene; made by `AnswerScene.begin`, `show` and `recall`.

    Attributes
    ----------
    question
        What was asked; None for an answer that came back with a saved scene.
    update
        Whether its findings replace earlier ones of the same structure and side.
    surfaces
        Those that are put aside until it is whole.
    """

    def __init__(self, volume_node: Any, question: Question | None, update: bool = False) -> None:
        self.question, self.update, self.surfaces = question, update, Surfaces()
        self._volume = NodeRef(volume_node)
        self._segments: list[tuple[NodeRef, str]] = []

    @property
    def volume_node(self) -> Any:
        """The volume node, or None where it is gone."""
        return self._volume.get()

    @property
    def segment_ids(self) -> tuple[str, ...]:
        """One id for each finding, in their order; also of segments that were deleted since."""
        return tuple(segment_id for _, segment_id in self._segments)

    def add(self, segmentation_node: Any, segment_id: str) -> None:
        """Note the segment of the next finding."""
        self._segments.append((NodeRef(segmentation_node), segment_id))

    def segment(self, index: int) -> tuple[Any, str] | None:
        """Segmentation node and segment id of a finding, or None where either is gone.

        Parameters
        ----------
        index
            Which of the answer's findings, counted from 0.
        """
        if not 0 <= index < len(self._segments):
            return None
        reference, segment_id = self._segments[index]
        node = reference.get()
        if node is None or node.GetSegmentation().GetSegment(segment_id) is None:
            return None
        return node, segment_id
