"""The scene: millilitres of what is drawn, and absent only what surely is."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.scene import absent_parts, parts_of, scene_of
from MedSegRLib.errors import DatasetError

TABLE = load_table()
LABELS = np.zeros((4, 5, 6), np.int32)
LABELS[0, 0, :4] = 17  # left hippocampus
LABELS[1, :3, 0] = 4  # left lateral ventricle
LABELS[2, :2, 0] = 5  # its temporal horn
LABELS[3, 0, 0] = 999  # nobody's


def test_parts_have_two_sides_or_none() -> None:
    assert parts_of(("hippocampus", "brainstem"), TABLE) == (
        ("hippocampus", Side.LEFT), ("hippocampus", Side.RIGHT), ("brainstem", Side.NONE),
    )  # fmt: skip


def test_millilitres_are_voxels_of_all_labels_of_a_part() -> None:
    scene = scene_of(LABELS, 0.5, TABLE, ("hippocampus", "lateral_ventricle", "brainstem"))
    assert dict(scene.present_ml) == {("hippocampus", Side.LEFT): 2.0, ("lateral_ventricle", Side.LEFT): 2.5}
    assert absent_parts(scene, TABLE) == (
        ("hippocampus", Side.RIGHT), ("lateral_ventricle", Side.RIGHT), ("brainstem", Side.NONE),
    )  # fmt: skip


def test_in_another_region_no_part_of_the_brain_is_there_whatever_the_labels() -> None:
    offered = ("hippocampus", "brainstem")
    scene = scene_of(LABELS, 0.5, TABLE, offered, region="abdomen", undrawn=("brainstem",))
    assert scene.present_ml == {} and len(absent_parts(scene, TABLE)) == 3


def test_what_is_not_drawn_is_not_called_absent() -> None:
    with pytest.raises(DatasetError, match="does not draw brainstem"):
        scene_of(LABELS, 0.5, TABLE, ("hippocampus", "brainstem"), undrawn=("brainstem",))
