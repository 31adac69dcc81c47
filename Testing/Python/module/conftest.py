"""What the tests of the module share: Slicer, or what stands for it; the module opened in it; a real scan."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import slicer

ROOT = Path(__file__).resolve().parents[3]
STAND_INS = ROOT / "Testing" / "Python" / "stand_ins"

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if not hasattr(slicer, "app"):
    sys.path.append(str(STAND_INS))
    import slicer_glue

    slicer_glue.start()
try:
    import qt
except ImportError:
    sys.path.append(str(STAND_INS))
    import qt
if not hasattr(slicer, "qMRMLNodeComboBox"):
    import qmrml
    import scripted_modules

    qt.QApplication.instance() or qt.QApplication([])
    qmrml.install()
    scripted_modules.install()
sys.path.append(str(ROOT / "MedSegR"))


@pytest.fixture(autouse=True)
def no_exception_in_a_slot(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a slot raises fails the test."""
    raised: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: raised.append(error))
    yield
    assert raised == []


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path) -> None:
    """Settings of this test alone, with the licence of the weights agreed to."""
    qt.QSettings.setDefaultFormat(qt.QSettings.IniFormat)
    qt.QSettings.setPath(qt.QSettings.IniFormat, qt.QSettings.UserScope, str(tmp_path / "settings"))
    qt.QCoreApplication.setOrganizationName("MedSegR-test")
    qt.QSettings().clear()
    qt.QSettings().setValue("MedSegR/consent/CC BY-NC-SA 4.0", "yes")


@pytest.fixture
def scene() -> Iterator[Any]:
    """Slicer's scene, empty before and after."""
    slicer.mrmlScene.Clear(0)
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear(0)


@pytest.fixture
def head(scene: Any) -> Any:
    """The MNI152 brain in the scene, every other voxel of it, so that it is soon looked through."""
    from MedSegRLib.cli.demo import mni152

    volume = mni152()
    node = slicer.util.addVolumeFromArray(volume.voxels[::2].copy(), name="MR head")
    step = volume.ijk_to_ras.copy()
    step[:3, 2] *= 2
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(step))
    return node


@pytest.fixture
def widget(scene: Any) -> Iterator[Any]:
    """The module's widget, as Slicer builds it."""
    import MedSegR

    parent = qt.QWidget()
    qt.QVBoxLayout(parent)
    made = MedSegR.MedSegRWidget(_Parent(parent))
    made.setup()
    parent.resize(420, 900)
    parent.show()
    made.column = parent
    pump(lambda: False, 0.2)
    yield made
    made.cleanup()
    parent.hide()
    parent.deleteLater()
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
