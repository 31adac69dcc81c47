"""Findings become segments, bit by bit where they were seen, and nothing else in the scene is touched."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import slicer
import vtk

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.answers import Finding, Question, UserInputError
from MedSegRLib.imaging import Plane
from MedSegRLib.scene import AnswerScene, volume_of

LEFT, RIGHT = "left hippocampus", "right hippocampus"


@pytest.mark.parametrize("flip", list(product((False, True), repeat=3)))
def test_masks_lie_in_slicer_where_they_were_found(make_image, load, scene, flip) -> None:
    head = load(make_image(flip), from_file=False)
    scene.show(head.answer(LEFT, RIGHT), head.node)
    assert list(head.segments) == ["left_hippocampus", "right_hippocampus"]
    np.testing.assert_array_equal(head.covered("left_hippocampus"), head.mask(0))
    np.testing.assert_array_equal(head.covered("right_hippocampus"), head.mask(1))


@pytest.mark.parametrize("kji", [(0, 0, 0), (6, 10, 8), (3, 0, 8)])
def test_a_mask_of_one_voxel_at_the_edge_keeps_its_place(head, scene, kji) -> None:
    mask = np.zeros(head.mask().shape, dtype=bool)
    mask[kji] = True
    answer = head.answer(LEFT)
    finding = Finding.of(LEFT, mask, answer.volume, Plane.AXIAL, 0.5)
    scene.show(replace(answer, findings=(finding,)), head.node)
    np.testing.assert_array_equal(head.covered("left_hippocampus"), mask)


def test_a_mask_that_fills_the_volume_fits(head, scene) -> None:
    answer = head.answer(LEFT)
    full = Finding.of(LEFT, np.ones_like(head.mask()), answer.volume, Plane.AXIAL, 0.5)
    scene.show(replace(answer, findings=(full,)), head.node)
    assert head.covered("left_hippocampus").all()


def test_under_a_transform_segments_move_with_their_volume(load, scene) -> None:
    head = load()
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    matrix = np.array([[0, -1.0, 0, 7], [1, 0, 0, -8], [0, 0, 1, 9], [0, 0, 0, 1]])
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    head.node.SetAndObserveTransformNodeID(transform.GetID())
    scene.show(head.answer(LEFT), head.node)
    assert head.segmentation_node.GetParentTransformNode() is transform
    np.testing.assert_array_equal(head.covered("left_hippocampus"), head.mask())
    # Slicer's own surface of it lies in the world around the voxels of the volume.
    scene.show_3d(head.node, True)
    bounds = [0.0] * 6
    head.segmentation_node.GetRASBounds(bounds)
    kji = np.argwhere(head.mask())
    ras = (answer_matrix(head) @ np.c_[kji[:, ::-1], np.ones(len(kji))].T)[:3]
    middle = np.array(bounds).reshape(3, 2).mean(axis=1)
    np.testing.assert_allclose(middle, (ras.min(axis=1) + ras.max(axis=1)) / 2, atol=2.0)


def answer_matrix(head) -> np.ndarray:
    return volume_of(head.node).ijk_to_ras


def test_segments_follow_when_their_volume_is_put_under_a_transform_later(head, scene) -> None:
    scene.show(head.answer(LEFT), head.node)
    for side in (3.0, -5.0):
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
        matrix = np.array([[0, -1.0, 0, side], [1, 0, 0, -8], [0, 0, 1, 9], [0, 0, 0, 1]])
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        head.node.SetAndObserveTransformNodeID(transform.GetID())
        scene.show(head.answer(RIGHT, seed=1), head.node, update=True)
        assert head.segmentation_node.GetParentTransformNode() is transform
        np.testing.assert_array_equal(head.covered("left_hippocampus"), head.mask(0))
        np.testing.assert_array_equal(head.covered("right_hippocampus"), head.mask(1))


def test_a_volume_whose_own_grid_moved_gets_a_new_segmentation(head, scene) -> None:
    first = scene.show(head.answer(LEFT), head.node)
    before = head.segmentation_node
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.diag([1.0, -1.0, 1.0, 1.0])))
    head.node.SetAndObserveTransformNodeID(transform.GetID())
    head.node.HardenTransform()
    second = scene.show(head.answer(LEFT), head.node)
    (old, _), (new, segment_id) = first.segment(0), second.segment(0)
    assert old is before and new is not before and new.GetName() == "Head MedSeg-R_1"
    covered = slicer.util.arrayFromSegmentBinaryLabelmap(new, segment_id, head.node)
    np.testing.assert_array_equal(covered != 0, head.mask())


def test_names_colours_codes_and_tags_say_what_was_found(head, scene) -> None:
    answer = head.answer(LEFT, RIGHT, text="Where is it?\nAnd |how large|?")
    scene.show(answer, head.node)
    hippocampus = load_table()["hippocampus"]
    left, right = head.segments.values()
    assert (left.GetName(), right.GetName()) == ("left hippocampus", "right hippocampus")
    np.testing.assert_allclose(left.GetColor(), np.array(hippocampus.colour) / 255)
    np.testing.assert_allclose(right.GetColor(), answer.findings[1].colour)
    assert left.GetColor() != right.GetColor()
    assert not left.GetNameAutoGenerated() and not left.GetColorAutoGenerated()
    tags = dict(zip(head.tag_names, head.state()[0][3], strict=True))
    code = f"SCT^{hippocampus.snomed}^{hippocampus.snomed_meaning}"
    assert tags.pop("TerminologyEntry").split("~")[2:4] == [code, "SCT^7771000^Left"]
    assert tags == {
        # Nobody has looked it over yet.
        "Segmentation.Status": "inprogress",
        "MedSegR.Question": "Where is it? And /how large/?",
        "MedSegR.Model": "medsegr-mini 1",
        "MedSegR.Slices": answer.segments()[0].tags["MedSegR.Slices"],
        "MedSegR.Confidence": "0.875",
        "MedSegR.Use": answer.segments()[0].tags["MedSegR.Use"],
        "MedSegR.Structure": "hippocampus",
        "MedSegR.Side": "left",
    }


def test_a_phrase_that_no_table_knows_has_the_same_colour_in_every_scene(head, scene) -> None:
    scene.show(head.answer("a strange thing"), head.node)
    (segment,) = head.segments.values()
    colour = segment.GetColor()
    slicer.mrmlScene.RemoveNode(head.segmentation_node)
    AnswerScene().show(head.answer("a strange thing", seed=4), head.node)
    (again,) = head.segments.values()
    assert again.GetName() == "a strange thing" and again.GetColor() == colour


def test_half_a_character_in_a_question_does_not_end_slicer(head, scene) -> None:
    scene.show(head.answer(LEFT, text="What is \ud83d this?"), head.node)
    assert "What is ? this?" in head.tags(head.segments["left_hippocampus"])


def test_the_segmentation_knows_its_volume_and_lies_beside_it(head, scene) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(head.node), study)
    scene.show(head.answer(LEFT), head.node)
    node = head.segmentation_node
    assert node.GetName() == "Head MedSeg-R"
    assert node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) is head.node
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    assert node.GetDisplayNode() is not None
    # Slicer takes the volume's grid for what is drawn next, without being told.
    drawn = node.GetSegmentation().AddEmptySegment("mine", "mine", [1.0, 0.0, 0.0])
    slicer.util.updateSegmentBinaryLabelmapFromArray(head.mask(5).astype(np.uint8), node, drawn)
    np.testing.assert_array_equal(head.covered("mine"), head.mask(5))


def test_one_segmentation_holds_the_answers_about_one_volume(load, scene) -> None:
    first, second = load(name="First"), load(name="Second")
    for head in (first, second, first):
        scene.show(head.answer(LEFT), head.node)
    nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    counts = {node.GetName(): node.GetSegmentation().GetNumberOfSegments() for node in nodes}
    assert counts == {"First MedSeg-R": 2, "Second MedSeg-R": 1}


def test_what_was_not_found_adds_nothing_at_all(head, scene) -> None:
    answer = head.answer()
    before = slicer.mrmlScene.GetNumberOfNodes()
    shown = scene.show(answer, head.node)
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert shown.segment_ids == () and not scene.can_undo
    scene.show(head.answer(LEFT), head.node)
    state = head.state()
    scene.show(head.answer(), head.node, update=True)
    assert head.state() == state


def test_overlapping_findings_both_keep_every_voxel(head, scene) -> None:
    answer = head.answer(LEFT, RIGHT, "brainstem")
    assert (head.mask(0) & head.mask(1)).any()
    scene.show(answer, head.node)
    for n, segment_id in enumerate(head.segments):
        np.testing.assert_array_equal(head.covered(segment_id), head.mask(n))
    assert head.segmentation_node.GetSegmentation().GetNumberOfLayers() == 3


@pytest.mark.parametrize("collapsed", [False, True])
def test_the_users_segments_are_not_touched(head, scene, collapsed) -> None:
    """Neither beside ours nor on one layer with ours, as `CollapseBinaryLabelmaps` puts them."""
    scene.show(head.answer(LEFT), head.node)
    segmentation = head.segmentation_node.GetSegmentation()
    segmentation.AddEmptySegment("mine", LEFT, [0.1, 0.2, 0.3])
    own = head.mask(2) & ~head.mask(0)
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        own.astype(np.uint8), head.segmentation_node, "mine", head.node
    )
    if collapsed:
        segmentation.CollapseBinaryLabelmaps(False)
        assert segmentation.GetNumberOfLayers() == 1
    mine = head.state()[1]
    assert mine[0] == "mine" and mine[4] == own.tobytes()
    scene.show(head.answer(LEFT, seed=1), head.node, update=True)
    assert head.state()[1] == mine
    np.testing.assert_array_equal(head.covered("left_hippocampus"), head.mask(1))
    scene.show(head.answer(LEFT, seed=2), head.node)
    scene.undo(), scene.undo()
    np.testing.assert_array_equal(head.covered("left_hippocampus"), head.mask(0))
    assert [state for state in head.state() if state[0] == "mine"] == [mine]


def test_asking_again_adds_a_numbered_segment(head, scene) -> None:
    for seed in range(3):
        scene.show(head.answer(LEFT, seed=seed), head.node)
    assert {key: s.GetName() for key, s in head.segments.items()} == {
        "left_hippocampus": "left hippocampus",
        "left_hippocampus_2": "left hippocampus 2",
        "left_hippocampus_3": "left hippocampus 3",
    }
    for seed, segment_id in enumerate(head.segments):
        np.testing.assert_array_equal(head.covered(segment_id), head.mask(seed))


def test_two_findings_of_one_name_are_two_segments(head, scene) -> None:
    for update in (False, True, True):
        shown = scene.show(head.answer("cyst", "cyst"), head.node, update=update)
    assert sorted(shown.segment_ids) == ["cyst", "cyst_2"]
    assert sorted(head.segments) == ["cyst", "cyst_2"]


def test_asking_again_with_update_replaces_the_same_structure_and_side_only(head, scene) -> None:
    scene.show(head.answer(LEFT, RIGHT), head.node)
    before = head.state()
    head.segments["left_hippocampus"].SetName("checked by me")
    shown = scene.show(head.answer(LEFT, seed=3, text="Once more?"), head.node, update=True)
    assert shown.segment_ids == ("left_hippocampus",)
    np.testing.assert_array_equal(head.covered("left_hippocampus"), head.mask(3))
    after = head.state()
    assert len(after) == 2 and after[1] == before[1]
    # What the user called it stays, what is known of it is new.
    assert after[0][1] == "checked by me"
    assert dict(zip(head.tag_names, after[0][3], strict=True))["MedSegR.Question"] == "Once more?"


def test_update_never_replaces_what_the_user_drew_under_the_same_name(head, scene) -> None:
    scene.show(head.answer(RIGHT), head.node)
    head.segmentation_node.GetSegmentation().AddEmptySegment("left_hippocampus", LEFT, [1.0, 0.0, 0.0])
    shown = scene.show(head.answer(LEFT), head.node, update=True)
    assert shown.segment_ids == ("left_hippocampus_2",)
    assert not head.covered("left_hippocampus").any()


def test_the_segments_of_a_structure_are_found_by_its_name_in_the_table(head, scene) -> None:
    scene.show(head.answer(LEFT, RIGHT), head.node)
    scene.show(head.answer(LEFT), head.node)
    ids = scene.segment_ids(head.node, "hippocampus", Side.LEFT)
    assert ids == ["left_hippocampus", "left_hippocampus_2"]
    assert scene.segment_ids(head.node, "hippocampus", Side.RIGHT) == ["right_hippocampus"]
    assert scene.segment_ids(head.node, "brainstem") == []


def test_a_streamed_answer_ends_as_the_same_answer_shown_at_once(load, scene) -> None:
    at_once, streamed = load(name="Once"), load(name="Streamed")
    scene.show(at_once.answer(LEFT, RIGHT), at_once.node)
    whole = [state_of(scene, at_once, segment_id) for segment_id in ("left_hippocampus", "right_hippocampus")]
    answer = streamed.answer(LEFT, RIGHT)
    shown = scene.begin(streamed.node, answer.question)
    assert len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode")) == 1
    assert scene.add_finding(shown, answer.findings[0])
    assert shown.segment_ids == ("left_hippocampus",)
    # A cancelled answer brings the rest at its end.
    scene.finish(shown, replace(answer, complete=False))
    parts = [state_of(scene, streamed, segment_id) for segment_id in shown.segment_ids]
    assert parts == whole


def state_of(scene: AnswerScene, head, segment_id: str) -> tuple[object, ...]:
    node = next(
        n
        for n in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        if head.node.GetName() in n.GetName()
    )
    segment = node.GetSegmentation().GetSegment(segment_id)
    covered = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, head.node)
    return segment.GetName(), segment.GetColor(), head.tags(segment), covered.tobytes()


def test_a_volume_that_was_changed_meanwhile_is_told_and_nothing_is_written(head, scene) -> None:
    answer = head.answer(LEFT)
    slicer.util.updateVolumeFromArray(head.node, np.arange(24.0).reshape(2, 3, 4))
    with pytest.raises(UserInputError, match=r"Head has \(2, 3, 4\) voxels .* so ask again"):
        scene.show(answer, head.node)
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == [] and not scene.can_undo


def test_a_volume_that_was_deleted_meanwhile_gets_nothing(head, scene) -> None:
    answer = head.answer(LEFT)
    shown = scene.begin(head.node, Question("Where?"))
    slicer.mrmlScene.RemoveNode(head.node)
    assert not scene.add_finding(shown, answer.findings[0])
    scene.finish(shown, answer)
    assert shown.segment_ids == () and shown.volume_node is None
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []


def test_a_segmentation_that_was_deleted_meanwhile_is_made_anew(head, scene) -> None:
    answer = head.answer(LEFT, RIGHT)
    shown = scene.begin(head.node, answer.question)
    scene.add_finding(shown, answer.findings[0])
    slicer.mrmlScene.RemoveNode(head.segmentation_node)
    scene.finish(shown, answer)
    assert list(head.segments) == ["right_hippocampus"]
    assert shown.segment(0) is None and shown.segment(1) is not None
    assert scene.mask_of(shown, 0) is None
    np.testing.assert_array_equal(scene.mask_of(shown, 1), head.mask(1))


def test_a_mask_comes_back_with_the_users_edits(head, scene) -> None:
    shown = scene.show(head.answer(LEFT), head.node)
    np.testing.assert_array_equal(scene.mask_of(shown, 0), head.mask(0))
    edited = head.mask(0) ^ head.mask(3)
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        edited.astype(np.uint8), head.segmentation_node, "left_hippocampus", head.node
    )
    np.testing.assert_array_equal(scene.mask_of(shown, 0), edited)
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        np.zeros_like(edited, np.uint8), head.segmentation_node, "left_hippocampus", head.node
    )
    assert not scene.mask_of(shown, 0).any()


def test_what_the_user_drew_beyond_the_volume_is_cut_off(head, scene) -> None:
    shown = scene.show(head.answer(LEFT), head.node)
    larger = slicer.vtkOrientedImageData()
    inner = head.segments["left_hippocampus"].GetRepresentation("Binary labelmap")
    larger.DeepCopy(inner)
    larger.SetExtent(-2, 10, -1, 12, 0, 9)
    larger.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    larger.GetPointData().GetScalars().Fill(1)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetBinaryLabelmapToSegment(larger, head.segmentation_node, "left_hippocampus")
    mask = scene.mask_of(shown, 0)
    assert mask.shape == head.mask().shape and mask.all()
