"""SlicerGateway: the scans and what is drawn on them, in Slicer's scene; a key is a volume node's ID."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers import Answer, Finding, Question
from MedSegRLib.imaging import Modality, Plane, Volume
from MedSegRLib.panel.gateway import Drawn, Position, Scan, Visibility
from MedSegRLib.scene import (
    AnswerScene,
    ConversationStore,
    PointPick,
    ShownAnswer,
    VolumeCache,
    modality_of,
    segment_names,
    segments_at,
    segments_on,
    slice_in_view,
    volume_nodes,
)

__all__ = ["SlicerGateway"]


class SlicerGateway:
    """What the panel asks of one scene (`SceneGateway`).

    Parameters
    ----------
    answers
        Writes answers into the scene.
    volumes
        Takes scans out of it.
    later
        Calls a function after all that goes on now, such as a timer without delay.
    """

    def __init__(
        self, answers: AnswerScene, volumes: VolumeCache, later: Callable[[Callable[[], None]], None]
    ) -> None:
        self._answers, self._scene = answers, answers.scene
        self._store, self._volumes = ConversationStore(answers.scene), volumes
        self._pick = PointPick(answers.scene, later)

    # Scans

    def scans(self) -> list[Scan]:
        """As of `SceneGateway`."""
        return [Scan(node.GetID(), node.GetName()) for node in volume_nodes(self._scene)]

    def volume(self, key: str) -> Volume:
        """As of `SceneGateway`."""
        return self._volumes.of(self._node(key))

    def modality(self, key: str) -> Modality:
        """As of `SceneGateway`."""
        node = self._node(key)
        return Modality.UNKNOWN if node is None else modality_of(node)

    def slice_in_view(self, key: str, plane: Plane) -> tuple[int, int]:
        """As of `SceneGateway`."""
        return slice_in_view(self._scene, self.volume(key), plane)

    # An answer

    def begin(self, key: str, question: Question, update: bool) -> ShownAnswer:
        """As of `SceneGateway`."""
        return self._answers.begin(self._node(key), question, update=update)

    def add_finding(self, shown: ShownAnswer, finding: Finding) -> None:
        """As of `SceneGateway`."""
        self._answers.add_finding(shown, finding)

    def finish(self, shown: ShownAnswer, answer: Answer | None) -> None:
        """As of `SceneGateway`."""
        self._answers.finish(shown, answer)

    def visibility(self, shown: ShownAnswer, index: int) -> Visibility:
        """As of `SceneGateway`."""
        if shown.segment(index) is None:
            return Visibility.GONE
        return Visibility.SHOWN if self._answers.visible(shown, index) else Visibility.HIDDEN

    def set_visible(self, shown: ShownAnswer, index: int, visible: bool) -> None:
        """As of `SceneGateway`."""
        self._answers.set_visible(shown, index, visible)

    def jump_to(self, shown: ShownAnswer, index: int) -> bool:
        """As of `SceneGateway`."""
        return self._answers.jump_to(shown, index)

    def delete(self, shown: ShownAnswer, index: int) -> None:
        """As of `SceneGateway`."""
        self._answers.delete(shown, index)

    def masks(self, shown: ShownAnswer) -> list[npt.NDArray[np.bool_] | None]:
        """As of `SceneGateway`."""
        return [self._answers.mask_of(shown, index) for index in range(len(shown.segment_ids))]

    def undo(self) -> bool:
        """As of `SceneGateway`."""
        return self._answers.undo()

    def redo(self) -> bool:
        """As of `SceneGateway`."""
        return self._answers.redo()

    @property
    def can_undo(self) -> bool:
        """As of `SceneGateway`."""
        return self._answers.can_undo

    @property
    def can_redo(self) -> bool:
        """As of `SceneGateway`."""
        return self._answers.can_redo

    # Views

    def preview(
        self,
        shown: ShownAnswer,
        plane: Plane,
        slice_index: int,
        masks: Mapping[str, npt.NDArray[np.bool_]],
        colours: Mapping[str, tuple[float, float, float]],
    ) -> None:
        """As of `SceneGateway`."""
        node = shown.volume_node
        if node is not None:
            self._answers.preview(node, plane, slice_index, masks, colours)

    def clear_preview(self) -> None:
        """As of `SceneGateway`."""
        self._answers.clear_preview()

    def show_3d(self, key: str, shown: bool) -> None:
        """As of `SceneGateway`."""
        node = self._node(key)
        if node is not None:
            self._answers.show_3d(node, shown)

    def drawn(self, key: str) -> list[str]:
        """As of `SceneGateway`."""
        node = self._node(key)
        return [] if node is None else segment_names(node)

    def drawn_as(self, key: str, name: str) -> list[Drawn]:
        """As of `SceneGateway`."""
        node = self._node(key)
        found = [] if node is None else segments_on(node, name)
        return [Drawn(one.name, one.volume_ml) for one in found]

    def drawn_at(self, key: str, position_ras_mm: Position) -> list[Drawn]:
        """As of `SceneGateway`."""
        node = self._node(key)
        found = [] if node is None else segments_at(node, position_ras_mm)
        return [Drawn(one.name, one.volume_ml) for one in found]

    def pick_point(self, on_point: Callable[[Position], None]) -> None:
        """As of `SceneGateway`."""
        self._pick.begin(on_point)

    def cancel_pick(self) -> None:
        """As of `SceneGateway`."""
        self._pick.cancel()

    # Conversations

    def save_conversation(self, key: str, entries: Sequence[dict[str, Any]]) -> None:
        """As of `SceneGateway`."""
        node = self._node(key)
        if node is not None:
            self._store.save(node, entries)

    def load_conversation(self, key: str) -> list[dict[str, Any]]:
        """As of `SceneGateway`."""
        node = self._node(key)
        return [] if node is None else self._store.load(node)

    def segment_ids(self, shown: ShownAnswer) -> tuple[str, ...]:
        """As of `SceneGateway`."""
        return shown.segment_ids

    def recall(self, key: str, segment_ids: Sequence[str]) -> ShownAnswer | None:
        """As of `SceneGateway`."""
        node = self._node(key)
        return None if node is None else self._answers.recall(node, segment_ids)

    def _node(self, key: str) -> Any:
        return self._scene.GetNodeByID(key) if key else None
