"""A conversation is kept with its volume and comes back with the scene, its links alive."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from MedSegRLib.answers import UserInputError
from MedSegRLib.scene import AnswerScene, ConversationStore, answer_of, entry_of, volume_of

LEFT, RIGHT = "left hippocampus", "right hippocampus"


@pytest.fixture
def store() -> ConversationStore:
    return ConversationStore()


def text_node() -> object:
    (node,) = slicer.util.getNodesByClass("vtkMRMLTextNode")
    return node


def test_a_volume_that_was_not_asked_about_has_no_conversation(head, store) -> None:
    store.save(head.node, [])
    assert store.load(head.node) == []
    assert slicer.util.getNodesByClass("vtkMRMLTextNode") == []


@pytest.mark.parametrize("ending", ["mrb", "mrml"])
def test_a_conversation_comes_back_with_its_scene_and_links_to_its_segments(
    head, scene, store, tmp_path, ending
) -> None:
    answers = [head.answer(LEFT, RIGHT, text="Où ? 海马 <b> & \u0007"), head.answer(LEFT, text="And again?")]
    entries = [entry_of(answer, scene.show(answer, head.node)) for answer in answers]
    store.save(head.node, entries)
    # What Slicer's dialog for saving does with every node, whether its file is then written or not.
    text_node().AddDefaultStorageNode()
    # A scene file alone names the files of its nodes and does not write them.
    for node in (head.node, head.segmentation_node):
        kind = "seg.nrrd" if node.IsA("vtkMRMLSegmentationNode") else "nrrd"
        assert slicer.util.saveNode(node, str(tmp_path / f"{node.GetName()}.{kind}"))
    assert slicer.util.saveScene(str(tmp_path / f"case.{ending}"))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / f"case.{ending}"))

    head.node = slicer.util.getNode("Head")
    back = ConversationStore().load(head.node)
    assert back == entries
    scene = AnswerScene()
    volume = volume_of(head.node)
    for entry, answer in zip(back, answers, strict=True):
        shown = scene.recall(head.node, entry["segments"])
        masks = [scene.mask_of(shown, index) for index in range(len(shown.segment_ids))]
        again = answer_of(entry, volume, masks)
        assert (again.question, again.text, again.raw) == (answer.question, answer.text, answer.raw)
        for found, expected in zip(again.findings, answer.findings, strict=True):
            np.testing.assert_array_equal(found.mask, expected.mask)
            assert found.to_dict() == expected.to_dict()
    assert scene.jump_to(shown, 0) and scene.delete(shown, 0)
    assert list(head.segments) == ["left_hippocampus", "right_hippocampus"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(text=st.text(st.characters(codec=None), max_size=30))
@example("\ufffe\uffff\ud800\x85\u2028\x00")
def test_any_text_comes_back_out_of_a_scene_file(tmp_path, text) -> None:
    slicer.mrmlScene.Clear(0)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Head")
    ConversationStore().save(node, [{"text": text, text: [1.5, None, True]}])
    assert slicer.util.saveScene(str(tmp_path / "case.mrml"))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "case.mrml"))
    node = slicer.util.getNode("Head")
    assert ConversationStore().load(node) == [{"text": text, text: [1.5, None, True]}]


def test_the_text_node_belongs_to_its_volume_and_segmentation(head, scene, store) -> None:
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(head.node), study)
    store.save(head.node, [{"text": "nothing found"}])
    node = text_node()
    assert node.GetName() == "Head MedSeg-R conversation"
    assert node.GetNodeReference("MedSegR.Volume") is head.node
    assert node.GetNodeReference("MedSegR.Segmentation") is None
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    scene.show(head.answer(LEFT), head.node)
    store.save(head.node, [{"text": "found"}])
    assert text_node() is node
    assert node.GetNodeReference("MedSegR.Segmentation") is head.segmentation_node


def test_each_volume_has_its_own_conversation_until_a_new_one_begins(load, store) -> None:
    first, second = load(name="First"), load(name="Second")
    store.save(first.node, [{"n": 1}])
    store.save(second.node, [{"n": 2}])
    store.save(first.node, [{"n": 1}, {"n": 3}])
    assert store.load(first.node) == [{"n": 1}, {"n": 3}] and store.load(second.node) == [{"n": 2}]
    store.save(first.node, [])
    assert store.load(first.node) == [] and store.load(second.node) == [{"n": 2}]


def test_a_deleted_text_node_or_a_closed_scene_ends_the_conversation_only(load, store) -> None:
    head = load()
    store.save(head.node, [{"n": 1}])
    slicer.mrmlScene.RemoveNode(text_node())
    assert store.load(head.node) == []
    store.save(head.node, [{"n": 2}])
    assert store.load(head.node) == [{"n": 2}]
    slicer.mrmlScene.Clear(0)
    other = load()
    assert store.load(other.node) == []


@pytest.mark.parametrize("text", ["{", '{"n": 1}', '["n"]'])
def test_a_text_that_was_changed_by_hand_is_told(head, store, text) -> None:
    store.save(head.node, [{"n": 1}])
    text_node().SetText(text)
    with pytest.raises(
        UserInputError, match=r"Head MedSeg-R conversation was changed .* delete that text node"
    ):
        store.load(head.node)


def test_what_a_later_version_wrote_is_left_alone(head, store) -> None:
    store.save(head.node, [{"n": 1}])
    later = text_node()
    later.SetAttribute("MedSegR.Conversation", "2")
    assert store.load(head.node) == []
    store.save(head.node, [{"n": 2}])
    assert store.load(head.node) == [{"n": 2}]
    assert later.GetText() == '[{"n": 1}]'


def test_an_answer_comes_back_without_the_findings_that_were_deleted(head, scene) -> None:
    answer = head.answer(LEFT, RIGHT)
    shown = scene.show(answer, head.node)
    scene.delete(shown, 0)
    masks = [scene.mask_of(shown, index) for index in range(2)]
    again = answer_of(entry_of(answer, shown), answer.volume, masks)
    assert masks[0] is None and again.text == answer.text
    assert [finding.name for finding in again.findings] == ["right hippocampus"]


def test_segments_that_are_gone_after_a_reload_are_links_to_nothing(head, scene) -> None:
    scene.show(head.answer(LEFT), head.node)
    shown = scene.recall(head.node, ["gone", "left_hippocampus"])
    assert shown.segment_ids == ("gone", "left_hippocampus")
    assert not scene.visible(shown, 0) and scene.visible(shown, 1)
    assert not scene.jump_to(shown, 0) and scene.jump_to(shown, 1)
