"""Watch: tells when scans or segments come, go or are changed by others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from MedSegRLib.scene.nodes import nodes_of_class

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
        self._observed: list[tuple[Any, int]] = []
        self._observe(scene, slicer.vtkMRMLScene.EndCloseEvent, lambda caller, event: on_change())
        for event in (slicer.vtkMRMLScene.NodeRemovedEvent, slicer.vtkMRMLScene.EndImportEvent):
            self._observe(scene, event, self._changed)
        self._observe(scene, slicer.vtkMRMLScene.NodeAddedEvent, self._added)
        self._added(scene, "")

    def close(self) -> None:
        """Observe no more."""
        for observed, tag in self._observed:
            observed.RemoveObserver(tag)
        self._observed = []

    def _observe(self, observed: Any, event: Any, callback: Callable[..., None]) -> None:
        self._observed.append((observed, observed.AddObserver(event, callback)))

    def _added(self, scene: Any, event: str) -> None:
        # Which node it was is told to observers with a declared data type only; so all are looked at.
        known = {id(observed) for observed, _ in self._observed}
        for node in nodes_of_class(scene, "vtkMRMLSegmentationNode"):
            if id(node) not in known:
                for change in (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved):
                    self._observe(node, change, self._changed)
                self._observe(node, slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent, self._changed)
        self._changed(scene, event)

    def _changed(self, caller: Any, event: str) -> None:
        if not self._is_due:
            self._is_due = True
            self._later(self._tell)

    def _tell(self) -> None:
        self._is_due = False
        if self._observed:
            self._on_change()
