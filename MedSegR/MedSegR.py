"""MedSeg-R inside 3D Slicer: ask a scan a question in words, get the answer in words and in segments.

The module is a shell; what it does is in MedSegRLib, which lies beside this file where the extension is
installed, and in the folder above in a checkout.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

_FOLDER = Path(__file__).resolve().parent
_HOME = _FOLDER if (_FOLDER / "MedSegRLib").is_dir() else _FOLDER.parent
if str(_HOME) not in sys.path:
    sys.path.append(str(_HOME))


class MedSegR(ScriptedLoadableModule):
    """What the module's menu, help and acknowledgement say."""

    def __init__(self, parent) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("MedSeg-R")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.contributors = ["MedSeg-R maintainers"]
        parent.helpText = _(
            "Ask a scan a clinical question and get the answer in words and in masks: what it names becomes "
            "segments, measured. Everything runs on this computer.<p><b>Research use, not for diagnosis.</b> "
            "Code: Apache-2.0. Included weights: CC BY-NC-SA 4.0, for non-commercial use.</p>"
        )
        parent.acknowledgementText = _("Please cite MedSeg-R (Huang et al., 2025, arXiv 2506.10465).")
        slicer.app.connect("startupCompleted()", self.register_sample_data)

    @staticmethod
    def register_sample_data() -> None:
        from MedSegRLib.scene.sample_data import register_sample_data

        register_sample_data()


class MedSegRWidget(ScriptedLoadableModuleWidget):
    """The panel in Slicer's module column."""

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        from MedSegRLib.panel import Presenter
        from MedSegRLib.panel.scene_gateway import SlicerGateway
        from MedSegRLib.panel.slicer_installer import SlicerInstaller
        from MedSegRLib.panel.view import ChatView
        from MedSegRLib.panel.view_settings import QtSettings
        from MedSegRLib.scene import SceneWatch

        self.logic = MedSegRLogic()
        self.selector = slicer.qMRMLNodeComboBox()
        self.selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        self.selector.addEnabled = self.selector.removeEnabled = self.selector.renameEnabled = False
        self.selector.noneEnabled, self.selector.noneDisplay = True, _("Choose a scan")
        self.selector.setMRMLScene(slicer.mrmlScene)
        self.view = ChatView(None, self.selector, tr=_)
        console, later = self.logic.console, partial(qt.QTimer.singleShot, 0)
        gateway = SlicerGateway(console.answers, console.volumes, later)
        self.presenter = Presenter(self.view, gateway, QtSettings(), SlicerInstaller(_), console.client, tr=_)
        console.on_kept = self.presenter.conversation_changed
        self.selector.connect("currentNodeIDChanged(QString)", self.presenter.choose_volume)
        self.layout.addWidget(self.view)
        self.view.start(self.presenter)
        self.watch = SceneWatch(slicer.mrmlScene, self.presenter.scene_changed, later)

    def cleanup(self) -> None:
        self.watch.close()
        self.view.dispose()
        self.logic.console.close()

    def onReload(self) -> None:
        """Read the library anew too, not this file alone."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "MedSegRLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


class MedSegRLogic(ScriptedLoadableModuleLogic):
    """Questions from Python; options are those of `MedSegRLib.panel.console.Console.begin`.

    logic = slicer.util.getModuleLogic("MedSegR")
    answer = logic.ask(slicer.util.getNode("MRHead"), "Where is the left hippocampus?")
    print(answer.text)
    """

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleLogic.__init__(self, parent)
        from MedSegRLib.panel.console import Console
        from MedSegRLib.panel.view_settings import QtSettings
        from MedSegRLib.scene import AnswerScene

        self.console = Console(AnswerScene(), lambda: QtSettings().get("python"))
        self._timer = qt.QTimer()
        self._timer.setInterval(25)
        self._timer.connect("timeout()", self._poll)

    def ask(self, volumeNode, text: str, **options):
        """Ask, wait, and get the `Answer`; its findings are in the scene then."""
        return self.console.ask(volumeNode, text, **options)

    def stream(self, volumeNode, text: str, onEvent, **options):
        """Ask and go on at once; onEvent is called with each event. What it gives can be cancelled."""
        asked = self.console.begin(volumeNode, text, onEvent, **options)
        self._timer.start()
        return asked

    def _poll(self) -> None:
        if not self.console.poll():
            self._timer.stop()


class MedSegRTest(ScriptedLoadableModuleTest):
    """What is tested inside Slicer; Testing/Slicer/run_tests.py says in front of which worker."""

    worker_command = None

    def test_a_question_about_a_volume_node_becomes_segments_and_is_undone(self) -> None:
        from MedSegRLib.panel.console import Console
        from MedSegRLib.scene import AnswerScene, segment_names
        from MedSegRLib.service import Client

        slicer.mrmlScene.Clear(0)
        voxels = np.random.default_rng(0).normal(100, 20, (12, 40, 40))
        node = slicer.util.addVolumeFromArray(voxels, name="MR made-up head")
        console = Console(AnswerScene())
        console.clients[""] = Client(self.worker_command)
        try:
            answer = console.ask(node, "Where is the left hippocampus?")
        finally:
            console.close()
        self.assertEqual(segment_names(node), [finding.name for finding in answer.findings])
        self.assertEqual(console.answers.undo(), bool(answer.findings))
        self.assertEqual(segment_names(node), [])
