"""qMRML widgets for tests outside Slicer, on the stand-in for `qt`: as much of them as the module uses."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from PySide6.QtCore import Signal


class qMRMLNodeComboBox(qt.QComboBox):
    """Chooses a node of some classes; follows the scene as Slicer's own does."""

    currentNodeIDChanged = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.nodeTypes: list[str] = []
        self.noneEnabled, self.noneDisplay = False, "None"
        self.addEnabled = self.removeEnabled = self.renameEnabled = True
        self._scene: Any = None
        self._observed: list[int] = []
        self.currentIndexChanged.connect(lambda index: self.currentNodeIDChanged.emit(self.currentNodeID))

    @property
    def currentNodeID(self) -> str:
        return self.currentData or ""

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        events = ("NodeAddedEvent", "NodeRemovedEvent", "EndCloseEvent", "EndImportEvent")
        for event in events:
            scene.AddObserver(getattr(slicer.vtkMRMLScene, event), lambda caller, name: self._offer())
        self._offer()

    def setCurrentNodeID(self, node_id: str) -> None:
        self.setCurrentIndex(max(self.findData(node_id), 0))

    def _offer(self) -> None:
        chosen = self.currentNodeID
        self.blockSignals(True)
        self.clear()
        if self.noneEnabled:
            self.addItem(self.noneDisplay, "")
        for index in range(self._scene.GetNumberOfNodes()):
            node = self._scene.GetNthNode(index)
            if node.GetClassName() in self.nodeTypes and not node.GetHideFromEditors():
                self.addItem(node.GetName(), node.GetID())
        self.setCurrentIndex(max(self.findData(chosen), 0))
        self.blockSignals(False)
        if self.currentNodeID != chosen:
            self.currentNodeIDChanged.emit(self.currentNodeID)


def install() -> None:
    """Put the widgets where Slicer has them."""
    slicer.qMRMLNodeComboBox = qMRMLNodeComboBox
