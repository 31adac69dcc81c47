"""Workplace: 3D Slicer with the module open in its column; outside Slicer, what stands for it.

To import it puts the stand-ins in the places of what is not there, and makes `MedSegR` importable; in
Slicer it only does the latter. The library is not imported before the module does it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))
sys.path.append(str(Path(__file__).resolve().parents[3] / "MedSegR"))

import qt
import slicer

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if not hasattr(slicer, "app"):
    import slicer_glue

    slicer_glue.start()
if not hasattr(slicer, "qMRMLNodeComboBox"):
    import qmrml
    import scripted_modules

    qt.QApplication.instance() or qt.QApplication([])
    qmrml.install()
    scripted_modules.install()

WIDTH, HEIGHT = 420, 900


def own_settings(folder: Path, *, consent: bool = True) -> None:
    """Settings in a folder instead of the user's; `consent` to the licence of the weights or not."""
    qt.QSettings.setDefaultFormat(qt.QSettings.IniFormat)
    qt.QSettings.setPath(qt.QSettings.IniFormat, qt.QSettings.UserScope, str(folder))
    qt.QCoreApplication.setOrganizationName("MedSegR-test")
    qt.QSettings().clear()
    if consent:
        qt.QSettings().setValue("MedSegR/consent/CC BY-NC-SA 4.0", "yes")


def open_module() -> Any:
    """The module's widget, as Slicer builds it, in a column that is `widget.column`."""
    import MedSegR

    column = qt.QWidget()
    qt.QVBoxLayout(column)
    widget = MedSegR.MedSegRWidget(_Parent(column))
    widget.setup()
    column.resize(WIDTH, HEIGHT)
    column.show()
    widget.column = column
    if not hasattr(slicer.modules, "medsegr"):
        scripted_modules.opened("MedSegR", widget)
    return widget


def close_module(widget: Any) -> None:
    """Take the widget away, its worker with it."""
    widget.cleanup()
    widget.column.hide()
    widget.column.deleteLater()
    if "scripted_modules" in sys.modules:
        del slicer.modules.medsegr
    pump(lambda: False, 0.1)


class _Parent:
    """What Slicer hands to a widget: a Qt widget whose layout is a method, as in C++."""

    def __init__(self, column: Any) -> None:
        self._column = column

    def layout(self) -> Any:
        return qt.QWidget.layout(self._column)


def pump(done: Callable[[], bool], seconds: float) -> bool:
    """Run the event loop until something is so, or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        qt.QApplication.processEvents()
        if done():
            return True
        time.sleep(0.005)
    return done()


def put_brain(name: str = "MNI152 T1", step: int = 1) -> Any:
    """A volume node of the MNI152 brain that nilearn carries, every `step`-th axial slice of it."""
    from MedSegRLib.cli.demo import mni152

    brain = mni152()
    node = slicer.util.addVolumeFromArray(brain.voxels[::step].copy(), name=name)
    ijk_to_ras = brain.ijk_to_ras.copy()
    ijk_to_ras[:3, 2] *= step
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras))
    return node


def type_question(widget: Any, text: str) -> None:
    """Write a question into the box and press Enter."""
    box = widget.view.question
    box.put(text)
    for kind in (qt.QEvent.KeyPress, qt.QEvent.KeyRelease):
        qt.QApplication.sendEvent(box, qt.QKeyEvent(kind, qt.Qt.Key_Return, qt.Qt.NoModifier))


def exchanges_of(widget: Any) -> list[Any]:
    """What was asked and answered in the panel, first to last."""
    return widget.presenter._desk.conversation.exchanges


def answered(widget: Any, number: int) -> bool:
    """Whether there are so many exchanges and the last one has ended."""
    exchanges = exchanges_of(widget)
    return len(exchanges) == number and exchanges[-1].stage.value != "running"
