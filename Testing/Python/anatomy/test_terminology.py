"""Terminology strings, in the form that Slicer 5 writes and reads."""

from __future__ import annotations

import pytest

from MedSegRLib.anatomy import Side, load_table, terminology_entry

LIST = "Segmentation category and type - 3D Slicer General Anatomy list"
REGION = "Anatomic codes - DICOM master list~^^~^^"


def test_a_sided_structure_carries_its_code_and_side() -> None:
    hippocampus = load_table()["hippocampus"]
    assert terminology_entry(hippocampus, Side.LEFT) == (
        f"{LIST}~SCT^123037004^Anatomical Structure~SCT^5366008^Hippocampus~SCT^7771000^Left~{REGION}"
    )
    assert "~SCT^24028007^Right~" in terminology_entry(hippocampus, Side.RIGHT)


def test_no_side_is_an_empty_modifier() -> None:
    expected = f"{LIST}~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~{REGION}"
    assert terminology_entry(load_table()["liver"]) == expected
    assert terminology_entry(load_table()["liver"], Side.LEFT) == expected


@pytest.mark.parametrize("structure_id", ["ventral_diencephalon", None])
def test_what_has_no_code_is_tissue_and_not_a_guess(structure_id: str | None) -> None:
    structure = None if structure_id is None else load_table()[structure_id]
    assert terminology_entry(structure, Side.LEFT) == (
        f"{LIST}~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~{REGION}"
    )


@pytest.mark.parametrize("side", Side)
def test_every_entry_has_seven_parts_of_three_codes(side: Side) -> None:
    for structure in load_table():
        parts = terminology_entry(structure, side).split("~")
        assert len(parts) == 7
        assert all(parts[i].count("^") == 2 for i in (1, 2, 3, 5, 6))
