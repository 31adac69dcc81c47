"""What goes on beside a question: scenes that close, scans that go, the console, a reload, odd words.

The worker is a real process without a model; see Testing/Slicer/fake_worker.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qt
import slicer
from workplace import answered, exchanges_of, pump, type_question

from MedSegRLib.answers import Cancelled, FindingReady, Finished, UserInputError
from MedSegRLib.scene import segment_names
from MedSegRLib.service import Client

ROOT = Path(__file__).resolve().parents[3]
FOUND = ["left hippocampus"]
PATIENCE_S = 30


def fake_client() -> Client:
    return Client([sys.executable, str(ROOT / "Testing" / "Slicer" / "fake_worker.py"), str(ROOT)])


def scan(name: str, sizes_kji: tuple[int, int, int] = (9, 16, 12)) -> Any:
    voxels = np.random.default_rng(0).normal(100, 20, sizes_kji)
    return slicer.util.addVolumeFromArray(voxels, name=name)


@pytest.fixture
def quick(widget: Any) -> Any:
    """The module's widget in front of a worker without a model."""
    widget.logic.console.clients[""] = fake_client()
    return widget


@pytest.fixture
def busy(quick: Any) -> Any:
    """The same, with a question about a scan that is looked through right now."""
    quick.scan = scan("MR first")
    quick.selector.setCurrentNodeID(quick.scan.GetID())
    type_question(quick, "Where is it, slowly?")
    assert pump(lambda: bool(previews()), PATIENCE_S)
    return quick


def segmentations() -> list[Any]:
    return slicer.util.getNodesByClass("vtkMRMLSegmentationNode")


def previews() -> list[Any]:
    return [node for node in segmentations() if node.GetHideFromEditors()]


def idle(widget: Any) -> bool:
    return not widget.presenter._asking.is_busy


def test_the_scan_of_the_next_scene_gets_nothing_of_what_was_asked_of_the_last(busy) -> None:
    key = busy.scan.GetID()
    del busy.scan
    slicer.mrmlScene.Clear(0)
    other = scan("MR of somebody else")
    assert other.GetID() == key, "Slicer gives the same ID again"
    assert pump(lambda: idle(busy), PATIENCE_S)
    assert segmentations() == [] and segment_names(other) == []
    busy.selector.setCurrentNodeID(key)
    assert exchanges_of(busy) == []
    type_question(busy, "Where is it?")
    assert pump(lambda: answered(busy, 1), PATIENCE_S) and segment_names(other) == FOUND


def test_a_scan_that_is_deleted_leaves_nothing_of_its_question(busy) -> None:
    slicer.mrmlScene.RemoveNode(busy.scan)
    assert pump(lambda: idle(busy), PATIENCE_S)
    assert segmentations() == [] and not busy.view.ask_button.enabled


def test_two_scans_in_turn_get_their_own_answers(busy) -> None:
    second = scan("MR second", (12, 12, 9))
    busy.selector.setCurrentNodeID(second.GetID())
    type_question(busy, "Where is it here?")
    assert pump(lambda: answered(busy, 1), PATIENCE_S)
    assert segment_names(busy.scan) == FOUND and segment_names(second) == FOUND
    busy.selector.setCurrentNodeID(busy.scan.GetID())
    assert [exchange.question for exchange in exchanges_of(busy)] == ["Where is it, slowly?"]


def test_what_the_console_asks_meanwhile_is_kept_with_what_the_panel_asks(busy) -> None:
    busy.logic.ask(busy.scan, "What did the console ask?")
    assert pump(lambda: idle(busy), PATIENCE_S)
    # And the other way round: the panel's question is answered while the console's is.
    asked = busy.logic.stream(busy.scan, "And then, slowly?", lambda event: None)
    type_question(busy, "What else?")
    assert pump(lambda: asked.done and idle(busy), PATIENCE_S)
    kept = busy.logic.console.store.load(busy.scan)
    wanted = ["What did the console ask?", "Where is it, slowly?", "And then, slowly?", "What else?"]
    assert sorted(entry["answer"]["question"]["text"] for entry in kept) == sorted(wanted)
    shown = busy.view.transcript.toPlainText()
    assert [question for question in wanted if shown.count(question) != 1] == []


def test_a_scan_that_is_cropped_while_the_console_waits_is_told_and_ends_it(quick) -> None:
    node, events = scan("MR"), []
    asked = quick.logic.stream(node, "Where is it, slowly?", events.append)
    slicer.util.updateVolumeFromArray(node, np.random.default_rng(1).normal(100, 20, (4, 5, 6)))
    assert pump(lambda: asked.done, PATIENCE_S)
    assert isinstance(asked.error, UserInputError) and "ask again" in str(asked.error)
    assert events[-1].error is asked.error and segmentations() == []
    assert pump(lambda: not quick.logic._timer.isActive(), PATIENCE_S), "nothing is left to wait for"
    with pytest.raises(UserInputError):
        quick.logic.ask(node, "Where is it?", on_event=lambda event: cut_when_found(node, event))


def cut_when_found(node: Any, event: object) -> None:
    if type(event).__name__ == "Text":
        slicer.util.updateVolumeFromArray(node, np.random.default_rng(1).normal(100, 20, (3, 3, 3)))


def test_a_listener_that_raises_loses_none_of_the_answer(quick, monkeypatch) -> None:
    node, told = scan("MR"), []
    printed: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: printed.append(error))

    def listen(event: object) -> None:
        told.append(event)
        raise LookupError("a mistake in a script")

    asked = quick.logic.stream(node, "Where is it?", listen)
    assert pump(lambda: asked.done, PATIENCE_S)
    assert isinstance(told[-1], Finished) and asked.answer is told[-1].answer
    assert any(isinstance(event, FindingReady) for event in told) and segment_names(node) == FOUND
    assert len(printed) == len(told) and not any(isinstance(event, Cancelled) for event in told)


WORDS = {
    "right to left": "أين الحصين الأيسر؟",
    "emoji": "Where is it 🧠?",
    "half a character": "Where \ud800 is it?",
    "markup": "<b>Where</b> & <a href='x'>why</a>",
    "very long": "很" * 20000,
}


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS.keys())
def test_any_words_can_be_asked_and_come_back_with_the_scene(quick, tmp_path: Path, text: str) -> None:
    node = scan("MR")
    quick.selector.setCurrentNodeID(node.GetID())
    assert quick.presenter.ask(text)
    assert pump(lambda: answered(quick, 1), PATIENCE_S)
    before = quick.view.transcript.toPlainText()
    assert text.replace("\ud800", "?") in before
    saved = tmp_path / "a folder, with spaces" / "scene.mrb"
    saved.parent.mkdir()
    assert slicer.util.saveScene(str(saved))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(saved))
    quick.selector.setCurrentNodeID(slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode").GetID())
    assert text.replace("\ud800", "?") in quick.view.transcript.toPlainText()


def test_a_chosen_python_gets_the_environment_that_slicer_was_started_in(quick, monkeypatch) -> None:
    started = {**os.environ, "STARTED": "by the user"}
    monkeypatch.setattr(slicer.util, "startupEnvironment", lambda: started)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/Slicer/lib")
    given: list[dict[str, str]] = []

    def process(command: list[str], environment: dict[str, str]) -> None:
        given.append(environment)
        raise OSError("not here")

    monkeypatch.setattr("MedSegRLib.service.client.WorkerProcess", process)
    quick.logic.console.client(sys.executable).start()
    assert given == [started]


# Reload


@pytest.fixture
def reloadable(busy: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What Slicer has of the module, its widget busy with a question; the library as it was afterwards."""
    library = {name: module for name, module in sys.modules.items() if is_ours(name)}
    loaded = Loaded(busy)
    busy.parent = loaded
    with monkeypatch.context() as patch:
        patch.setattr(slicer.modules, "medsegr", loaded, raising=False)
        yield loaded
    if loaded.widget is not busy:
        loaded.widget.cleanup()
    for name in [name for name in sys.modules if is_ours(name)]:
        del sys.modules[name]
    sys.modules.update(library)


def is_ours(name: str) -> bool:
    return name.partition(".")[0] in ("MedSegR", "MedSegRLib")


class Loaded:
    """A loaded module and its representation in one, of which Slicer's reload makes a new widget."""

    def __init__(self, widget: Any) -> None:
        self.widget, self.column = widget, widget.column
        self.path = str(ROOT / "MedSegR" / "MedSegR.py")

    def widgetRepresentation(self) -> Loaded:
        return self

    def children(self) -> tuple[Any, ...]:
        return tuple(self.column.children())

    def layout(self) -> Any:
        return qt.QWidget.layout(self.column)

    def reload(self) -> None:
        self.widget = sys.modules["MedSegR"].MedSegRWidget(self)
        self.widget.setup()


def test_the_module_is_reloaded_twice_in_the_midst_of_questions_and_goes_on(reloadable) -> None:
    node = reloadable.widget.scan
    for number in range(2):
        old = reloadable.widget
        library, worker = sys.modules["MedSegRLib.panel.presenter"], old.logic.console.client()
        assert worker.worker_pid is not None
        old.onReload()
        assert reloadable.widget is not old
        assert sys.modules["MedSegRLib.panel.presenter"] is not library, "the library is read anew"
        assert previews() == [], "nothing is left of what was outlined"
        assert worker.worker_pid is None, "the old worker has ended"
        new = reloadable.widget
        new.logic.console.clients[""] = sys.modules["MedSegRLib.service"].Client(fake_client()._command)
        new.selector.setCurrentNodeID(node.GetID())
        type_question(new, f"Where is it now, {number}?")
        assert pump(lambda new=new, number=number: answered(new, number + 1), PATIENCE_S)
        assert segment_names(node) == FOUND
        if number == 0:
            type_question(new, "And once more, slowly?")
            assert pump(lambda: bool(previews()), PATIENCE_S)
    questions = [exchange.question for exchange in exchanges_of(reloadable.widget)]
    assert questions == ["Where is it now, 0?", "Where is it now, 1?"], "what broke off is not kept"
