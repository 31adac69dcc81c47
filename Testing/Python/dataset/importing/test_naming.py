"""What label names mean: whole names, their sides, and what must not be guessed."""

from __future__ import annotations

import json

import pytest

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.importing.naming import part_named
from MedSegRLib.resources import resource_path


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("liver", ("liver", Side.NONE)),
        ("kidney_left", ("kidney", Side.LEFT)),
        ("Right Thalamus Proper", ("thalamus", Side.RIGHT)),
        ("L hippocampus", ("hippocampus", Side.LEFT)),
        ("rib_left_10", ("rib", Side.LEFT)),
        ("hip_right", ("hip_bone", Side.RIGHT)),
        ("heart_myocardium", ("myocardium", Side.NONE)),
        ("lung_middle_lobe_right", ("middle_lobe_of_lung", Side.NONE)),
        ("left ventricle cavity (endocardium)", ("heart_left_ventricle", Side.NONE)),
        ("kidney", ("kidney", Side.NONE)),
        ("vertebrae above T12", ("vertebra", Side.NONE)),
        ("discs above T12-L1", ("intervertebral_disc", Side.NONE)),
    ],
)
def test_a_name_of_the_anatomy_is_found_with_its_side(table, name, part):
    assert part_named(name, table) == part


@pytest.mark.parametrize(
    "name",
    ["brain tumour", "GTV-1", "partially visible vertebra", "Left SCA   subcallosal area", "left", "17", ""],
)
def test_a_name_that_only_holds_that_of_a_structure_is_none(table, name):
    assert part_named(name, table) is None


def test_names_of_label_tables_point_into_the_anatomy_table(table):
    names = json.loads(resource_path("Anatomy", "label_names.json").read_text(encoding="utf-8"))["names"]
    assert set(names.values()) <= {structure.id for structure in table}
    assert {name: part_named(name, table) for name in names} == {n: (s, Side.NONE) for n, s in names.items()}
