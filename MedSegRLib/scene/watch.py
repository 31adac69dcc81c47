"""Watch: tells when scans or segments come, go or are changed by others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from MedSegRLib.scene.nodes import NodeRef, nodes_of_class

__all__ = ["SceneWatch"]


class SceneWatch:
    """Observes a scene until it is closed.

    Parameters
    ----------
    scene
        The vtkMRMLScene.
    on_change
        Called once for changes that come in a row, and at once when the scene is closed: what is loaded next
        may take the same IDs.
    later
        Calls a function after all that goes on now, such as a timer without delay.
    """

    def __init__(
        self, scene: Any, on_change: Callable[[], None], later: Callable[[Callable[[], None]], None]
    ) -> None:
        self._on_change, self._later, self._is_due = on_change, later, False
        self._observed: list[tuple[NodeRef, int]] = []
        self._scene = scene
        self._tags = [scene.AddObserver(slicer.vtkMRMLScene.EndCloseEvent, lambda caller, event: on_change())]
        for event in (slicer.vtkMRMLScene.NodeRemovedEvent, slicer.vtkMRMLScene.EndImportEvent):
            self._tags.append(scene.AddObserver(event, self._changed))
        self._tags.append(scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, self._added))
        self._added(scene, "")

    def close(self) -> None:
        """Observe no more."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        for reference, tag in self._observed:
            node = reference.get()
            if node is not None:
                node.RemoveObserver(tag)
        self._tags, self._observed = [], []

    def _added(self, scene: Any, event: str) -> None:
        # Those that are gone are let go, and hidden ones, such as a preview, are nobody's drawings.
        self._observed = [(node, tag) for node, tag in self._observed if node.get() is not None]
        known = [node.get() for node, _ in self._observed]
        for node in nodes_of_class(scene, "vtkMRMLSegmentationNode"):
            if node not in known and not node.GetHideFromEditors():
                for change in (
                    slicer.vtkSegmentation.SegmentAdded,
                    slicer.vtkSegmentation.SegmentRemoved,
                    slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent,
                ):
                    self._observed.append((NodeRef(node), node.AddObserver(change, self._changed)))
        self._changed(scene, event)

    def _changed(self, caller: Any, event: str) -> None:
        if not self._is_due:
            self._is_due = True
            self._later(self._tell)

    def _tell(self) -> None:
        self._is_due = False
        if self._tags:
            self._on_change()
