"""The whole way: the module's panel, a real worker with the shipped model, Slicer's scene, a real brain."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import slicer
from workplace import answered, exchanges_of, pump, type_question

from MedSegRLib.scene import segment_names, segments_on

PATIENCE_S = 120


def wait_for_answer(widget, number: int) -> str:
    """The transcript once so many answers are whole."""
    assert pump(lambda: answered(widget, number), PATIENCE_S), widget.view.message.text
    last = exchanges_of(widget)[-1]
    assert last.stage.value == "finished", last.text
    return widget.view.transcript.toPlainText()


def test_a_question_is_typed_answered_in_segments_pointed_at_undone_and_saved(
    widget, head, tmp_path: Path
) -> None:
    view = widget.view
    widget.selector.setCurrentNodeID(head.GetID())
    type_question(widget, "Where is the left hippocampus?")
    text = wait_for_answer(widget, 1)
    assert "left hippocampus" in text, text
    assert segment_names(head) == ["left hippocampus"], text
    assert 2 < segments_on(head)[0].volume_ml < 12

    # A follow-up knows what was said before.
    type_question(widget, "And the one on the other side?")
    wait_for_answer(widget, 2)
    assert segment_names(head) == ["left hippocampus", "right hippocampus"]

    # A click on a finding moves the views to it: into the patient's right half for the right one.
    slice_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", "Yellow")
    slice_node.SetOrientation("Sagittal")
    widget.presenter.act("jump:1:0")
    right = slicer.util.arrayFromVTKMatrix(slice_node.GetSliceToRAS())[0, 3]
    assert 15 < right < 45

    widget.presenter.undo()
    assert segment_names(head) == ["left hippocampus"]
    widget.presenter.redo()
    assert segment_names(head) == ["left hippocampus", "right hippocampus"]

    # Tomorrow.
    saved = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(saved))
    slicer.mrmlScene.Clear(0)
    pump(lambda: False, 0.1)
    assert "hippocampus" not in view.transcript.toPlainText()
    slicer.util.loadScene(str(saved))
    loaded = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    pump(lambda: False, 0.1)
    widget.selector.setCurrentNodeID(loaded.GetID())
    text = view.transcript.toPlainText()
    assert "Where is the left hippocampus?" in text and "And the one on the other side?" in text
    assert segment_names(loaded) == ["left hippocampus", "right hippocampus"]
    type_question(widget, "And the one on the other side?")
    wait_for_answer(widget, 3)
    assert "left hippocampus" in exchanges_of(widget)[-1].text


def test_what_is_not_there_adds_no_segment(widget, head) -> None:
    widget.selector.setCurrentNodeID(head.GetID())
    type_question(widget, "Show me the liver.")
    wait_for_answer(widget, 1)
    assert segment_names(head) == []


def test_stop_ends_an_answer_soon_and_the_next_question_is_answered(widget, head) -> None:
    widget.selector.setCurrentNodeID(head.GetID())
    type_question(widget, "Outline the brainstem.")
    exchanges = exchanges_of(widget)
    assert pump(lambda: bool(exchanges and exchanges[0].text), PATIENCE_S)
    widget.view.stop_button.click()
    start = time.monotonic()
    assert pump(lambda: exchanges[0].stage.value == "stopped", 10)
    assert time.monotonic() - start < 8
    type_question(widget, "Outline the brainstem.")
    wait_for_answer(widget, 2)
    assert "brainstem" in segment_names(head)


def test_the_console_asks_waits_and_shares_the_conversation(widget, head) -> None:
    widget.selector.setCurrentNodeID(head.GetID())
    answer = widget.logic.ask(head, "Where is the brainstem?")
    assert [finding.structure for finding in answer.findings] == ["brainstem"]
    assert answer.findings[0].mask.shape == slicer.util.arrayFromVolume(head).shape
    assert np.count_nonzero(answer.findings[0].mask) > 100
    assert segment_names(head) == ["brainstem"]
    pump(lambda: False, 0.1)
    assert "Where is the brainstem?" in widget.view.transcript.toPlainText()


def test_the_console_does_not_block_while_it_streams(widget, head) -> None:
    events = []
    asked = widget.logic.stream(head, "Where is the brainstem?", events.append, slices=(30, 40))
    assert events == [] and not asked.done
    assert pump(lambda: asked.done, PATIENCE_S)
    assert [type(event).__name__ for event in events][-1] == "Finished"
    assert asked.answer.provenance.slices_looked_at == tuple(range(30, 41))
