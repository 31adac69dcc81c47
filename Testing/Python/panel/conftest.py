"""What the tests of the panel share: Qt, and a panel with all that it stands on.

Where there is no `qt`, the stand-in on PySide6 is put on the path, so that the same files run on
PythonQt. An exception in a slot is swallowed by both; here it fails the test.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
try:
    import qt
except ImportError:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stand_ins"))
    import qt

from MedSegRLib.panel import Presenter
from MedSegRLib.panel.view import ChatView

from .doubles import (
    MemoryScene,
    MemorySettings,
    ScriptedClient,
    ShelfInstaller,
    finds_hippocampi,
    head,
)

_DEFERRED_DELETE = 52  # QEvent::DeferredDelete


@pytest.fixture(scope="session")
def app():
    """The application; the host's own where there is one."""
    return qt.QApplication.instance() or qt.QApplication([])


@pytest.fixture(autouse=True)
def no_exception_in_a_slot(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """Whatever a slot raises fails the test."""
    raised: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: raised.append(error))
    yield raised
    assert raised == []


@dataclass
class Panel:
    """A panel with all that it stands on."""

    view: ChatView
    presenter: Presenter
    scene: MemoryScene
    client: ScriptedClient
    settings: MemorySettings
    installer: ShelfInstaller

    def tick(self, times: int = 60) -> None:
        """Let the time pass that an answer takes."""
        for _ in range(times):
            self.presenter.tick()

    def ask(self, text: str) -> None:
        """Type a question, press Enter, and wait for the answer."""
        self.view.question.put(text)
        press(self.view.question, qt.Qt.Key_Return)
        self.tick()

    def text(self) -> str:
        """What stands in the transcript."""
        return self.view.transcript.toPlainText()


def press(widget, key, modifiers=None) -> None:
    """Press a key on a widget."""
    none = qt.Qt.NoModifier if modifiers is None else modifiers
    qt.QApplication.sendEvent(widget, qt.QKeyEvent(qt.QEvent.KeyPress, key, none))
    qt.QApplication.sendEvent(widget, qt.QKeyEvent(qt.QEvent.KeyRelease, key, none))


@pytest.fixture
def make_panel(app) -> Iterator[Callable[..., Panel]]:
    """Make panels; they are disposed of at the end."""
    made: list[Panel] = []

    def make(
        *, scene=None, settings=None, installer=None, script=finds_hippocampi, key="node0", **view
    ) -> Panel:
        scene = scene or MemoryScene(head()[0])
        settings = settings or MemorySettings(**{"consent/CC BY-NC-SA 4.0": "yes"})
        installer = installer or ShelfInstaller()
        client = ScriptedClient(script)
        shown = ChatView(None, **view)
        presenter = Presenter(shown, scene, settings, installer, lambda python: client)
        panel = Panel(shown, presenter, scene, client, settings, installer)
        made.append(panel)
        shown.start(presenter)
        shown._timer.stop()  # The tests tick themselves.
        presenter.opened()
        if key:
            presenter.choose_volume(key)
            presenter.scene_changed()
            panel.tick(3)
        return panel

    yield make
    for panel in made:
        panel.view.dispose()
        panel.view.hide()
        panel.view.deleteLater()
    qt.QApplication.sendPostedEvents(
        None, 52
    )  # DeferredDelete, whose name is spelt differently in Qt 5 and 6
    qt.QApplication.processEvents()
