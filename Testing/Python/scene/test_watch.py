"""Watching the scene: told once of many changes, at once of its end, and nothing kept alive by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import slicer
import vtk

from MedSegRLib.imaging import Plane
from MedSegRLib.scene import SceneWatch


class Watched:
    """A watch, what it has told, and what is to be done after all that goes on now."""

    def __init__(self) -> None:
        self.told = 0
        self.waiting: list[Callable[[], None]] = []
        self.watch = SceneWatch(slicer.mrmlScene, self._tell, self.waiting.append)

    def _tell(self) -> None:
        self.told += 1

    def later(self) -> int:
        """How often it tells when all that goes on now is over."""
        before = self.told
        while self.waiting:
            self.waiting.pop()()
        return self.told - before


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    made.later()
    yield made
    made.watch.close()


def test_changes_in_a_row_are_told_once_and_not_in_the_midst_of_them(watched, load, scene) -> None:
    head = load()
    scene.show(head.answer("left hippocampus", "right hippocampus"), head.node)
    assert watched.told == 1, "only that at the beginning"
    assert watched.later() == 1 and watched.later() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda node: node.GetDisplayNode().SetSegmentVisibility("cyst", False),
        lambda node: node.GetSegmentation().RemoveSegment("cyst"),
        lambda node: slicer.mrmlScene.RemoveNode(node),
    ],
    ids=["hidden", "removed", "the whole node"],
)
def test_what_others_do_to_segments_is_told(watched, load, scene, change) -> None:
    head = load()
    scene.show(head.answer("cyst"), head.node)
    watched.later()
    change(head.segmentation_node)
    assert watched.later() == 1


def test_the_end_of_a_scene_is_told_at_once_since_the_next_may_use_the_same_ids(watched, load) -> None:
    load()
    watched.later()
    before = watched.told
    slicer.mrmlScene.Clear(0)
    assert watched.told == before + 1


def test_a_closed_watch_tells_nothing_more(watched, load, scene) -> None:
    head = load()
    scene.show(head.answer("cyst"), head.node)
    watched.watch.close()
    slicer.mrmlScene.Clear(0)
    load()
    assert watched.later() == 0


def test_nodes_that_left_the_scene_are_let_go(watched, load, scene) -> None:
    head = load()
    gone = []
    for index in range(5):
        scene.preview(head.node, Plane.AXIAL, index, {"cyst": np.ones((11, 9), dtype=bool)}, {})
        gone.append(weakly(head.segmentation_node))
        scene.clear_preview()
    scene.show(head.answer("cyst"), head.node)
    gone.append(weakly(head.segmentation_node))
    slicer.mrmlScene.RemoveNode(head.segmentation_node)
    load(name="Another")
    assert [node.Get() for node in gone] == [None] * 6


def weakly(node: object) -> vtk.vtkWeakReference:
    reference = vtk.vtkWeakReference()
    reference.Set(node)
    return reference
