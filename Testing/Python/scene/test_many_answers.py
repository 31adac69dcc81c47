"""Two hundred answers in a row leave two hundred answers in the scene, and nothing else."""

from __future__ import annotations

import numpy as np
import slicer

from MedSegRLib.imaging import Plane
from MedSegRLib.scene import AnswerScene, ConversationStore, entry_of

LEFT, RIGHT = "left hippocampus", "right hippocampus"


def names_of_nodes() -> list[str]:
    nodes = slicer.mrmlScene.GetNodes()
    return sorted(nodes.GetItemAsObject(n).GetName() or "" for n in range(nodes.GetNumberOfItems()))


def ask(head, scene: AnswerScene, store: ConversationStore, answer, update: bool, entries: list) -> None:
    """All that the panel does with the scene for one question."""
    for index in range(3):
        scene.preview(head.node, Plane.AXIAL, index, {"cyst": np.ones((11, 9), dtype=bool)}, {})
    scene.clear_preview()
    shown = scene.show(answer, head.node, update=update)
    scene.jump_to(shown, 0)
    entries.append(entry_of(answer, shown))
    store.save(head.node, entries)


def test_two_hundred_answers_leave_no_node_behind(head, scene) -> None:
    store, entries = ConversationStore(), []
    answers = [head.answer(LEFT, RIGHT, seed=seed) for seed in range(2)]
    ask(head, scene, store, answers[0], False, entries)
    nodes = names_of_nodes()
    items = slicer.mrmlScene.GetSubjectHierarchyNode().GetNumberOfItems()
    for number in range(1, 200):
        ask(head, scene, store, answers[number % 2], True, entries)
        if number % 20 == 0:
            assert scene.undo() and scene.redo()
    assert names_of_nodes() == nodes
    assert slicer.mrmlScene.GetSubjectHierarchyNode().GetNumberOfItems() == items
    assert list(head.segments) == ["left_hippocampus", "right_hippocampus"]
    np.testing.assert_array_equal(head.covered("left_hippocampus"), head.mask(1))
    assert len(store.load(head.node)) == 200


def test_two_hundred_answers_beside_each_other_are_one_node_and_all_there(head, scene) -> None:
    before = len(names_of_nodes())
    for seed in range(200):
        scene.show(head.answer("cyst", seed=seed), head.node)
    # The segmentation, its display, and the colours that Slicer makes once for it.
    assert len(names_of_nodes()) - before <= 4
    segments = list(head.segments)
    assert len(segments) == 200 and segments[-1] == "cyst_200"
    for seed in (0, 99, 199):
        np.testing.assert_array_equal(head.covered(segments[seed]), head.mask(seed))
    undone = 0
    while scene.undo():
        undone += 1
    # What is kept for undo is bounded, whatever was asked.
    assert 10 <= undone <= 50 and len(head.segments) == 200 - undone
