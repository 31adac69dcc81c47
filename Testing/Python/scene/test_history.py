"""An answer is one step: undone and done again whole, whatever the user did in between."""

from __future__ import annotations

import numpy as np
import slicer

from MedSegRLib.scene import AnswerScene

LEFT, RIGHT = "left hippocampus", "right hippocampus"


def test_at_first_there_is_nothing_to_undo_or_redo(scene) -> None:
    assert not scene.can_undo and not scene.can_redo
    assert not scene.undo() and not scene.redo()


def test_an_answer_of_several_findings_is_undone_and_done_again_as_one_step(head, scene) -> None:
    scene.show(head.answer(LEFT), head.node)
    one = head.state()
    shown = scene.show(head.answer(RIGHT, "brainstem", seed=1), head.node)
    three = head.state()
    assert len(three) == 3
    assert scene.undo() and head.state() == one
    assert scene.can_undo and scene.can_redo
    assert not scene.visible(shown, 0)
    assert scene.undo() and head.state() == [] and not scene.can_undo
    assert scene.redo() and head.state() == one
    assert scene.redo() and head.state() == three and not scene.can_redo
    # What the transcript links to is there again.
    assert scene.visible(shown, 0) and scene.jump_to(shown, 1)


def test_an_update_is_undone_to_what_was_there_in_its_place(head, scene) -> None:
    scene.show(head.answer(LEFT, RIGHT, text="First?"), head.node)
    head.segments["left_hippocampus"].SetName("checked by me")
    first = head.state()
    scene.show(head.answer(LEFT, "brainstem", seed=4, text="Second?"), head.node, update=True)
    second = head.state()
    assert [row[0] for row in second] == ["left_hippocampus", "right_hippocampus", "brainstem"]
    for _ in range(2):
        assert scene.undo() and head.state() == first
        assert scene.redo() and head.state() == second


def test_several_updated_segments_come_back_in_their_order(head, scene) -> None:
    scene.show(head.answer("brainstem", RIGHT, LEFT), head.node)
    first = head.state()
    scene.show(head.answer(RIGHT, "brainstem", seed=4), head.node, update=True)
    assert scene.undo() and head.state() == first


def test_what_was_hidden_is_hidden_when_it_comes_back(head, scene) -> None:
    shown = scene.show(head.answer(LEFT, RIGHT), head.node)
    scene.set_visible(shown, 1, False)
    scene.undo()
    scene.redo()
    assert scene.visible(shown, 0) and not scene.visible(shown, 1)


def test_the_users_edits_of_an_answer_come_back_with_redo(head, scene) -> None:
    scene.show(head.answer(LEFT), head.node)
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        head.mask(5).astype(np.uint8), head.segmentation_node, "left_hippocampus", head.node
    )
    scene.undo()
    scene.redo()
    np.testing.assert_array_equal(head.covered("left_hippocampus"), head.mask(5))


def test_undo_leaves_the_users_own_segments(head, scene) -> None:
    scene.show(head.answer(LEFT), head.node)
    head.segmentation_node.GetSegmentation().AddEmptySegment("mine", "mine", [1.0, 0.0, 0.0])
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        head.mask(2).astype(np.uint8), head.segmentation_node, "mine", head.node
    )
    scene.undo()
    assert list(head.segments) == ["mine"]
    np.testing.assert_array_equal(head.covered("mine"), head.mask(2))
    scene.redo()
    np.testing.assert_array_equal(head.covered("mine"), head.mask(2))
    np.testing.assert_array_equal(head.covered("left_hippocampus"), head.mask(0))


def test_a_new_answer_ends_what_could_be_done_again(head, scene) -> None:
    scene.show(head.answer(LEFT), head.node)
    scene.undo()
    scene.show(head.answer(RIGHT), head.node)
    assert not scene.can_redo and not scene.redo()
    assert list(head.segments) == ["right_hippocampus"]


def test_deleting_a_finding_can_be_undone(head, scene) -> None:
    shown = scene.show(head.answer(LEFT, RIGHT), head.node)
    before = head.state()
    assert scene.delete(shown, 0) and list(head.segments) == ["right_hippocampus"]
    assert (
        not scene.delete(shown, 0) and not scene.jump_to(shown, 0) and not scene.set_visible(shown, 0, True)
    )
    assert scene.undo() and head.state() == before
    assert scene.undo() and head.state() == []


def test_undo_in_the_middle_of_an_answer_leaves_the_rest_a_step_of_its_own(head, scene) -> None:
    answer = head.answer(LEFT, RIGHT)
    shown = scene.begin(head.node, answer.question)
    scene.add_finding(shown, answer.findings[0])
    assert scene.undo() and head.state() == []
    scene.finish(shown, answer)
    assert list(head.segments) == ["right_hippocampus"]
    assert scene.undo() and head.state() == [] and not scene.can_undo


def test_a_segment_that_the_user_deleted_stays_away_when_its_answer_is_undone(head, scene) -> None:
    scene.show(head.answer(LEFT, RIGHT), head.node)
    head.segmentation_node.GetSegmentation().RemoveSegment("left_hippocampus")
    assert scene.undo() and head.state() == []
    assert scene.redo() and list(head.segments) == ["right_hippocampus"]


def test_steps_of_a_deleted_segmentation_are_passed_over(load, scene) -> None:
    first, second = load(name="First"), load(name="Second")
    kept = scene.show(first.answer(LEFT), first.node)
    gone = scene.show(second.answer(LEFT), second.node)
    slicer.mrmlScene.RemoveNode(gone.segment(0)[0])
    assert gone.segment(0) is None and scene.can_undo
    assert scene.undo() and not scene.visible(kept, 0)
    assert not scene.can_undo and scene.redo() and scene.visible(kept, 0)


def test_a_closed_scene_has_nothing_to_undo_and_nodes_of_the_next_are_left_alone(load, scene) -> None:
    head = load()
    shown = scene.show(head.answer(LEFT), head.node)
    old_id = head.segmentation_node.GetID()
    scene.preview(head.node, head.answer(LEFT).findings[0].plane, 0, {}, {})
    slicer.mrmlScene.Clear(0)
    other = load()
    AnswerScene().show(other.answer(LEFT), other.node)
    # The next scene's node has the id of the one that is gone.
    assert other.segmentation_node.GetID() == old_id
    before = other.state()
    assert not scene.can_undo and not scene.undo() and not scene.redo()
    assert shown.volume_node is None and shown.segment(0) is None
    assert not scene.visible(shown, 0) and not scene.jump_to(shown, 0)
    assert not scene.set_visible(shown, 0, False) and not scene.delete(shown, 0)
    assert scene.mask_of(shown, 0) is None
    assert other.state() == before
    scene.show(other.answer(RIGHT), other.node)
    assert scene.undo() and other.state() == before
