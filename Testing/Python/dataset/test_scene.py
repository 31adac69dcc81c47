"""Parts: a sided structure is two, any other one."""

from __future__ import annotations

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.scene import parts_of


def test_parts_have_two_sides_or_none() -> None:
    assert parts_of(("hippocampus", "brainstem"), load_table()) == (
        ("hippocampus", Side.LEFT), ("hippocampus", Side.RIGHT), ("brainstem", Side.NONE),
    )  # fmt: skip
