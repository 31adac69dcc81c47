"""Conversations: kept with the scan, begun anew, brought back, written to files."""

from __future__ import annotations

import json
import weakref
from pathlib import Path

import numpy as np
import pytest

from MedSegRLib.answers import Question
from MedSegRLib.imaging import read_segmentation
from MedSegRLib.panel import Visibility
from MedSegRLib.panel.kept import KeptAnswer
from MedSegRLib.panel.recall import Recall

from .doubles import MemoryScene, answer_of, head


@pytest.fixture
def talked(make_panel):
    """A panel in which two questions were asked and one thing explained."""
    panel = make_panel()
    panel.ask("Where are the hippocampi?")
    panel.presenter.explaining.explain("left hippocampus")
    panel.ask("Show me the liver.")
    return panel


def test_a_conversation_comes_back_with_its_scan(talked, make_panel) -> None:
    scene = talked.scene
    # As through a file: plain JSON, and the segments by their ids.
    scene.kept = json.loads(json.dumps(scene.kept))
    again = make_panel(scene=scene)
    assert again.text() == talked.text()
    again.presenter.act("hide:0:1")
    assert scene.hidden == {"right hippocampus"}
    again.ask("How large is it?")
    told = [earlier.question for earlier in again.client.asked[0].earlier]
    assert told == ["Where are the hippocampi?", "Show me the liver."]


def test_segments_deleted_since_then_are_told(talked, make_panel) -> None:
    del talked.scene.segments["node0"]["left hippocampus"]
    again = make_panel(scene=talked.scene)
    assert again.text().count("no longer in the scene") == 1


def test_a_kept_text_that_is_no_conversation_is_told_and_the_panel_works(make_panel) -> None:
    scene = MemoryScene(head()[0])
    scene.kept["node0"] = [{"answer": {"text": "half"}, "segments": []}]
    panel = make_panel(scene=scene)
    panel.presenter.choose_volume("")
    panel.ask("Where is the left hippocampus?")
    panel.presenter.choose_volume("node0")
    panel.ask("Where is the left hippocampus?")
    assert "I see the left hippocampus." in panel.text()


def test_a_new_conversation_forgets_the_words_and_leaves_the_segments(talked) -> None:
    talked.view.new_button.click()
    assert talked.text().startswith("Ask about the scan") and talked.scene.kept["node0"] == []
    assert len(talked.scene.segments["node0"]) == 2
    talked.ask("Where is the left hippocampus?")
    assert talked.client.asked[-1].earlier == ()


def test_a_new_conversation_stops_what_runs(make_panel) -> None:
    panel = make_panel()
    panel.presenter.ask("Where are the hippocampi?")
    panel.presenter.ask("And then?")
    panel.tick(3)
    panel.presenter.new_conversation()
    panel.tick(20)
    assert len(panel.client.asked) == 1 and panel.view.progress.isHidden()
    assert panel.scene.kept["node0"] == []


def test_the_last_conversation_is_brought_back_before_what_was_said_since(talked) -> None:
    talked.presenter.new_conversation()
    talked.ask("Where is the left hippocampus?")
    talked.view.back_action.trigger()
    order = [talked.text().index(q) for q in ("Where are the", "Show me the liver", "Where is the left")]
    assert order == sorted(order) and not talked.view.back_action.enabled
    talked.presenter.act("hide:3:0")
    assert talked.scene.hidden == {"left hippocampus"}


def test_the_transcript_is_written_as_text(talked, tmp_path: Path) -> None:
    talked.view.ask_path = lambda *_: str(tmp_path / "said.txt")
    talked.view.export_action.trigger()
    lines = (tmp_path / "said.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "> Where are the hippocampi?"
    assert "- left hippocampus: 2.6 ml, confidence 90%" in lines and "> Show me the liver." in lines
    assert lines[-1] == "Research use, not for diagnosis. Anatomy, not lesions."
    assert "Written:" in talked.view.message.text


def test_the_report_holds_every_answer_also_of_another_day(talked, make_panel, tmp_path: Path) -> None:
    again = make_panel(scene=talked.scene)
    again.ask("Where is the left hippocampus?")
    again.presenter.export(str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<article") == 3 and "Show me the liver." in page


def test_answers_whose_segments_were_changed_are_left_out_and_counted(talked, make_panel, tmp_path) -> None:
    mask = talked.scene.segments["node0"]["left hippocampus"].copy()
    mask[4, 18, 26] = False
    talked.scene.segments["node0"]["left hippocampus"] = mask
    again = make_panel(scene=talked.scene)
    again.presenter.export(str(tmp_path / "report.html"))
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count("<article") == 1
    assert "1 earlier answers were left out" in again.view.message.text


def test_the_last_answer_is_written_as_masks(make_panel, tmp_path: Path) -> None:
    panel = make_panel()
    panel.ask("Where is the left hippocampus?")
    panel.presenter.export(str(tmp_path / "masks.seg.nrrd"))
    (segment,) = read_segmentation(tmp_path / "masks.seg.nrrd")
    assert segment.name == "left hippocampus" and np.array_equal(segment.mask, head()[1])


def test_a_file_that_cannot_be_written_is_told(talked, tmp_path: Path) -> None:
    talked.presenter.export(str(tmp_path / "picture.jpeg"))
    assert "jpeg" in talked.view.message.text and list(tmp_path.iterdir()) == []


def test_nothing_to_write_is_told(make_panel, tmp_path: Path) -> None:
    panel = make_panel()
    assert not panel.view.export_action.enabled
    panel.presenter.export(str(tmp_path / "report.html"))
    assert "There is no answer with its outlines" in panel.view.message.text


def test_a_cancelled_file_dialog_writes_nothing(talked) -> None:
    talked.view.ask_path = lambda *_: ""
    talked.view.export_action.trigger()
    assert "Written" not in talked.view.message.text


def test_a_scene_that_was_closed_leaves_an_empty_panel(talked) -> None:
    talked.scene.volumes.clear()
    talked.presenter.scene_changed()
    assert talked.text().startswith("Ask about the scan") and not talked.view.question.enabled
    assert talked.view.volume_selector.currentText == "Choose a scan"


def test_another_scene_with_the_same_keys_begins_without_the_old_words(make_panel) -> None:
    panel = make_panel(scene=MemoryScene(head("first")[0], head("second")[0]))
    panel.ask("Where is the left hippocampus?")
    panel.presenter.choose_volume("node1")
    closed, panel.scene.volumes = panel.scene.volumes, {}
    panel.scene.kept.clear()
    panel.presenter.scene_changed()
    panel.scene.volumes = closed
    panel.presenter.scene_changed()
    panel.presenter.choose_volume("node0")
    assert panel.text().startswith("Ask about the scan")


def test_rows_know_what_became_of_them(talked) -> None:
    exchange = talked.presenter._desk.conversation.exchanges[0]
    assert [row.visibility for row in exchange.rows] == [Visibility.SHOWN, Visibility.SHOWN]


def test_the_same_question_twice_in_a_row_is_recalled_once() -> None:
    recall = Recall()
    for question in ("one", "two", "two"):
        recall.add(question)
    assert recall.up("") == "two" and recall.up("two") == "one"


def test_an_answer_is_kept_without_its_masks_and_comes_back_whole() -> None:
    volume, left, right = head()
    answer = answer_of(volume, {"left hippocampus": left, "right hippocampus": right}, Question("Where?"))
    masks = [weakref.ref(finding.mask) for finding in answer.findings]
    kept, told = KeptAnswer(answer), answer.to_dict()
    del answer
    assert [mask() for mask in masks] == [None, None]
    again = kept.whole()
    assert again.to_dict() == told and again.volume is volume
    assert all(np.array_equal(f.mask, m) for f, m in zip(again.findings, (left, right), strict=True))
