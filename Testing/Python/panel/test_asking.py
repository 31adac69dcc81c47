"""What a question does: words, progress, segments, and the ends it can come to."""

from __future__ import annotations

import numpy as np
import pytest
import qt

from MedSegRLib.answers import Failed, Finished, Planned, Revised, Text
from MedSegRLib.errors import MedSegRError
from MedSegRLib.imaging import Modality, Plane
from MedSegRLib.panel import Scope, Visibility

from .conftest import press
from .doubles import MemoryScene, answer_of, events_of, finds_hippocampi, head


def test_an_answer_is_written_while_it_comes_and_its_findings_are_drawn(make_panel) -> None:
    panel = make_panel()
    panel.view.question.put("Where are the hippocampi?")
    press(panel.view.question, qt.Qt.Key_Return)
    seen = []
    for _ in range(40):
        panel.tick(1)
        seen.append((panel.text(), sorted(panel.scene.segments["node0"])))
    texts = [text for text, _ in seen]
    assert any(text.strip().endswith("I see the left") for text in texts), "words come one by one"
    assert seen[-1][1] == ["left hippocampus", "right hippocampus"]
    assert "left hippocampus 2.6 ml, confidence 90 %" in texts[-1].replace("\xa0", " ")
    # 4 slices of 12 x 6 pixels, 1.5 mm wide and 4 mm thick.
    assert f"{4 * 12 * 6 * 1.5 * 1.5 * 4.0 / 1000:.1f} ml" == "2.6 ml"
    (shown,) = panel.scene.drawn_answers
    assert [type(answer).__name__ for answer in shown.finished] == ["Answer"]


def test_progress_is_told_with_the_time_left_and_goes_with_the_answer(make_panel) -> None:
    panel = make_panel()
    panel.presenter.ask("Where are the hippocampi?")
    told, bars = [], []
    for _ in range(40):
        panel.tick(1)
        if not panel.view.progress.isHidden():
            told.append(panel.view.progress_words.text)
            bars.append((panel.view.bar.value, panel.view.bar.maximum))
    assert "Slice 1 of 3, about 6 s left" in told and "Slice 3 of 3, about 2 s left" in told
    assert (2, 3) in bars and bars[0][1] == 0, "busy, as long as nothing is known"
    assert panel.view.progress.isHidden()


def test_slices_are_outlined_one_after_the_other_until_the_answer_is_there(make_panel) -> None:
    panel = make_panel()
    panel.presenter.ask("Where are the hippocampi?")
    most = 0
    for _ in range(40):
        panel.tick(1)
        most = max(most, len(panel.scene.previews))
    assert most == 3 and panel.scene.previews == []


def test_an_absent_thing_is_said_and_draws_nothing(make_panel) -> None:
    panel = make_panel()
    panel.ask("Show me the liver.")
    assert "I do not see that on this scan." in panel.text()
    assert panel.scene.drawn_answers == [] and panel.scene.segments["node0"] == {}
    assert not panel.view.undo_button.enabled


def test_a_follow_up_that_waited_knows_the_answer_before_it(make_panel) -> None:
    panel = make_panel()
    panel.presenter.ask("Where is the left hippocampus?")
    panel.presenter.ask("And the one on the other side?")
    panel.tick(2)
    assert len(panel.client.asked) == 1 and "Next: And the one" in panel.view.progress_words.text
    panel.tick(80)
    assert [len(ticket.earlier) for ticket in panel.client.asked] == [0, 1]
    (earlier,) = panel.client.asked[1].earlier
    assert earlier.question == "Where is the left hippocampus?"
    assert earlier.raw == "<p>left hippocampus</p>[SEG]"


def test_what_was_stopped_keeps_its_findings_and_says_so_and_is_not_remembered(make_panel) -> None:
    panel = make_panel()
    panel.presenter.ask("Where are the hippocampi?")
    panel.tick(6)
    panel.view.stop_button.click()
    panel.tick(10)
    assert "Stopped; what was done until then is kept." in panel.text()
    assert sorted(panel.scene.segments["node0"]) == ["left hippocampus", "right hippocampus"]
    panel.ask("And the left one?")
    assert panel.client.asked[-1].earlier == ()


def test_a_failure_is_told_in_the_transcript_and_the_next_question_is_answered(make_panel) -> None:
    def script(volume, question):
        if "fail" in question.text:
            return [Planned((0,), Plane.AXIAL), Text("I see "), Failed(MedSegRError("The worker was lost."))]
        return finds_hippocampi(volume, question)

    panel = make_panel(script=script)
    panel.ask("Will it fail?")
    panel.ask("Where is the left hippocampus?")
    assert "The worker was lost." in panel.text() and "left hippocampus" in panel.text()


def test_a_corrected_text_takes_the_place_of_what_was_written(make_panel) -> None:
    def script(volume, question):
        answer = answer_of(volume, {}, question)
        return [Planned((0,), Plane.AXIAL), Text("It is there."), Revised(answer.text), Finished(answer)]

    panel = make_panel(script=script)
    panel.ask("Where is it?")
    assert "It is there." not in panel.text() and "I do not see that" in panel.text()


def test_a_scan_deleted_meanwhile_is_told_and_the_words_stay(make_panel) -> None:
    panel = make_panel()
    panel.presenter.ask("Where is the left hippocampus?")
    panel.tick(4)
    exchange = panel.presenter._desk.conversation.exchanges[0]
    del panel.scene.volumes["node0"]
    panel.tick(40)
    assert exchange.text.startswith("I see the left hippocampus.")
    assert exchange.rows[0].visibility is Visibility.GONE
    assert "The scan was deleted" in exchange.notes[0]
    panel.presenter.scene_changed()
    assert not panel.view.ask_button.enabled


@pytest.mark.parametrize("text", ["", "  \n "])
def test_nothing_is_asked_of_an_empty_box(make_panel, text: str) -> None:
    panel = make_panel()
    panel.view.question.put(text)
    panel.view.ask_button.click()
    assert panel.client.asked == [] and panel.text().startswith("Ask about the scan")


def test_a_question_that_asks_nothing_is_told_and_stays_in_the_box(make_panel) -> None:
    panel = make_panel()
    panel.ask("?!")
    assert "Nothing is asked" in panel.view.message.text
    assert panel.view.question.toPlainText() == "?!"


def test_asking_is_disabled_until_a_scan_is_chosen(make_panel) -> None:
    panel = make_panel(key="")
    assert not panel.view.ask_button.enabled and not panel.presenter.ask("Where is it?")
    assert "Choose a scan first." in panel.view.message.text


def test_the_whole_scan_one_slice_or_a_range_is_asked_about(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where is it?")
    panel.view.scope.scope.setCurrentIndex(1)
    panel.ask("Where is it?")
    panel.view.scope.plane.setCurrentIndex(2)
    panel.view.scope.scope.setCurrentIndex(2)
    assert (panel.view.scope.first.value, panel.view.scope.last.value) == (1, 11)
    assert panel.view.scope.last.maximum == 47
    panel.view.scope.last.setValue(20)
    panel.ask("Where is it?")
    asked = [(ticket.question.plane, ticket.question.slices) for ticket in panel.client.asked]
    assert asked == [(None, None), (Plane.AXIAL, (6, 6)), (Plane.CORONAL, (1, 20))]


def test_a_range_given_the_wrong_way_round_is_turned(make_panel) -> None:
    panel = make_panel()
    panel.presenter.set_scope(Scope.RANGE, 9, 2)
    panel.ask("Where is it?")
    assert panel.client.asked[0].question.slices == (2, 9)


def test_asking_again_redraws_or_adds_by_choice(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where is the left hippocampus?")
    panel.ask("Where is the left hippocampus?")
    assert list(panel.scene.segments["node0"]) == ["left hippocampus"]
    panel.view.scope.again.setCurrentIndex(1)
    panel.ask("Where is the left hippocampus?")
    assert list(panel.scene.segments["node0"]) == ["left hippocampus", "left hippocampus 2"]
    assert panel.settings.get("again") == "add"


def test_the_answer_about_another_scan_goes_on_out_of_view(make_panel) -> None:
    panel = make_panel(scene=MemoryScene(head("first")[0], head("second")[0]))
    panel.presenter.ask("Where is the left hippocampus?")
    panel.tick(4)
    panel.presenter.choose_volume("node1")
    panel.tick(40)
    assert panel.text().startswith("Ask about the scan")
    assert list(panel.scene.segments["node0"]) == ["left hippocampus"]
    panel.presenter.choose_volume("node0")
    assert "I see the left hippocampus." in panel.text()


def test_a_note_about_the_scan_is_told_once(make_panel) -> None:
    from dataclasses import replace

    volume, left, _ = head()
    volume = replace(volume, notes=("The spacing was assumed.",))

    def script(volume, question):
        answer = answer_of(volume, {"left hippocampus": left}, question)
        came = replace(answer.provenance, notes=("The spacing was assumed.", "Of this answer."))
        return events_of(replace(answer, provenance=came))

    panel = make_panel(scene=MemoryScene(volume), script=script)
    panel.ask("One?")
    panel.ask("Two?")
    assert panel.text().count("The spacing was assumed.") == 1
    assert panel.text().count("Of this answer.") == 2


def test_colours_of_the_outlines_are_those_of_the_findings(make_panel, monkeypatch) -> None:
    panel, seen = make_panel(), {}
    monkeypatch.setattr(panel.scene, "preview", lambda *values: seen.update(values[-1]))
    panel.ask("Where are the hippocampi?")
    (answer,) = panel.scene.drawn_answers[0].finished
    assert seen == {finding.phrase: finding.colour for finding in answer.findings}


def test_a_scan_that_the_model_has_not_learnt_is_told_before_it_is_asked(make_panel) -> None:
    panel = make_panel(scene=MemoryScene(head("CT head", Modality.CT)[0]))
    assert "This scan is CT, but mini learnt MR" in panel.view.hint.text
    assert panel.view.suggestions.isHidden()


def test_the_doubles_voxels_are_what_the_scene_holds(make_panel) -> None:
    panel = make_panel()
    panel.ask("Where is the left hippocampus?")
    assert np.array_equal(panel.scene.segments["node0"]["left hippocampus"], head()[1])
