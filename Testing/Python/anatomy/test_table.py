"""The anatomy table: complete, free of contradictions, coded as DICOM codes it, found by its wordings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping

from MedSegRLib.anatomy import AnatomyTable, AnatomyTableError, Side, Structure, empty_table, load_table

REGIONS = {"brain", "head_neck", "thorax", "heart", "abdomen", "pelvis", "spine"}
KINDS = {
    "function", "deficit", "disease", "imaging", "blood_supply", "intervention", "connection", "neighbour",
    "shape", "development", "size", "part", "lay",
}  # fmt: skip
# What the first edition of the shipped model offers, as label protocols word it.
BRAIN = {
    "hippocampus": ("hippocampus", [17], [53]),
    "amygdala": ("amygdala", [18], [54]),
    "accumbens": ("accumbens", [26], [58]),
    "cerebral_cortex": ("cerebral cortex", [3], [42]),
    "caudate": ("caudate", [11], [50]),
    "putamen": ("putamen", [12], [51]),
    "pallidum": ("pallidum", [13], [52]),
    "thalamus": ("thalamus", [10], [49]),
    "cerebral_white_matter": ("cerebral white matter", [2, 25], [41, 57]),
    "lateral_ventricle": ("lateral ventricle", [4, 5, 31, 136, 137], [43, 44, 63, 163, 164]),
    "cerebellar_cortex": ("cerebellum cortex", [8], [47]),
    "cerebellar_white_matter": ("cerebellum white matter", [7], [46]),
    "ventral_diencephalon": ("ventral DC", [28], [60]),
}
MIDLINE = {
    "third_ventricle": ("3rd ventricle", [14]),
    "fourth_ventricle": ("4th ventricle", [15]),
    "brainstem": ("brain-stem", [16]),
}


@pytest.fixture(scope="module")
def table() -> AnatomyTable:
    return load_table()


def made_up(structure_id: str, name: str, **changes: object) -> Structure:
    base = replace(
        load_table()["spleen"],
        id=structure_id, name=name, plural=f"{name}s", latin=f"{name}um", synonyms=(), abbreviations=(),
        parent=None, neighbours=(),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def test_holds_structures_of_the_whole_body(table: AnatomyTable) -> None:
    assert len(table) >= 75
    assert {structure.region for structure in table} == REGIONS
    assert all(structure.modalities and set(structure.modalities) <= {"MR", "CT"} for structure in table)


@pytest.mark.parametrize("structure_id", BRAIN)
@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_sided_brain_structures_are_found_and_labelled(
    table: AnatomyTable, structure_id: str, side: Side
) -> None:
    wording, left, right = BRAIN[structure_id]
    assert table.lookup(f"{side.value} {wording}") == (table[structure_id], side)
    assert list(table[structure_id].label_ids(side)) == (left if side is Side.LEFT else right)
    assert sorted(table[structure_id].label_ids()) == sorted(left + right)


@pytest.mark.parametrize("structure_id", MIDLINE)
def test_midline_brain_structures_are_found_and_labelled(table: AnatomyTable, structure_id: str) -> None:
    wording, labels = MIDLINE[structure_id]
    assert table.lookup(wording) == (table[structure_id], Side.NONE)
    assert list(table[structure_id].label_ids()) == labels
    assert not table[structure_id].sided


def test_only_those_sixteen_have_freesurfer_labels_and_each_label_one_structure(table: AnatomyTable) -> None:
    labelled = [structure for structure in table if structure.freesurfer]
    assert {structure.id for structure in labelled} == {*BRAIN, *MIDLINE}
    labels = [label for structure in labelled for label in structure.label_ids()]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("structure_id", [*BRAIN, *MIDLINE])
def test_brain_structures_are_described_fully(table: AnatomyTable, structure_id: str) -> None:
    structure = table[structure_id]
    assert 5 <= len(structure.synonyms) <= 15
    assert structure.abbreviations
    assert structure.neighbours
    assert structure.normal_size is not None and "ml" in structure.normal_size
    assert structure.size_source
    assert len(structure.facts) >= 20


def test_every_code_is_in_pydicoms_dictionary_with_its_meaning(table: AnatomyTable) -> None:
    meanings: dict[str, set[str]] = {}
    words: Any = concepts["SCT"]  # keyword: {code: (meaning, context groups)}
    for codes in words.values():
        for code, (meaning, *_) in codes.items():
            meanings.setdefault(code, set()).add(meaning.removesuffix(" (body structure)"))
    coded = [structure for structure in table if structure.snomed is not None]
    assert len(coded) >= 60
    for structure in coded:
        assert structure.snomed in mapping["SCT"], structure.id
        assert structure.snomed_meaning in meanings[structure.snomed], structure.id


def test_no_two_structures_share_a_code_and_no_meaning_stands_without_one(table: AnatomyTable) -> None:
    codes = [structure.snomed for structure in table if structure.snomed is not None]
    assert len(codes) == len(set(codes))
    assert all((structure.snomed is None) == (structure.snomed_meaning is None) for structure in table)


def test_every_wording_finds_its_own_structure(table: AnatomyTable) -> None:
    for structure in table:
        for wording in structure.wordings:
            found = table.lookup(wording.upper())
            assert found is not None and found[0] is structure, wording


def test_a_wording_that_would_name_two_structures_is_refused() -> None:
    first = made_up("first", "firstling", synonyms=("Little-Thing",))
    second = made_up("second", "secondling", abbreviations=("little thing",))
    with pytest.raises(AnatomyTableError, match="names both first and second"):
        AnatomyTable({"first": first, "second": second})


@pytest.mark.parametrize("changes", [{"parent": "gone"}, {"neighbours": ("gone",)}, {"members": ("gone",)}])
def test_a_reference_to_nothing_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(AnatomyTableError, match="refers to gone"):
        AnatomyTable({"first": made_up("first", "firstling", **changes)})


def test_a_name_that_would_break_a_terminology_string_is_refused() -> None:
    with pytest.raises(AnatomyTableError, match="Slicer reserves"):
        AnatomyTable({"first": made_up("first", "first~ling")})


@pytest.mark.parametrize(
    ("phrase", "structure_id", "side"),
    [
        ("the Left Caudate Nucleus", "caudate", Side.LEFT),
        ("R hippocampus", "hippocampus", Side.RIGHT),
        ("hippocampus L", "hippocampus", Side.LEFT),
        ("right-sided GP", "pallidum", Side.RIGHT),
        ("hippocampus, left", "hippocampus", Side.LEFT),
        ("Ammon’s horn", "hippocampus", Side.NONE),
        ("nucleus accumbens septi", "accumbens", Side.NONE),
        ("grey matter ribbon", "cerebral_cortex", Side.NONE),
        ("gray matter of the spinal cord", "spinal_cord_grey_matter", Side.NONE),
        ("both kidneys", "kidney", Side.NONE),
        ("left and right kidney", "kidney", Side.NONE),
        ("left ventricle", "heart_left_ventricle", Side.NONE),
        ("left lateral ventricle", "lateral_ventricle", Side.LEFT),
        ("right middle lobe", "middle_lobe_of_lung", Side.NONE),
        ("left lung", "lung", Side.LEFT),
        ("left lung upper lobe", "upper_lobe_of_lung", Side.LEFT),
        ("L5", "vertebra_l5", Side.NONE),
        ("disc L5-S1", "disc_l5_s1", Side.NONE),
        ("right half of the liver", "liver", Side.NONE),
        ("truncus encephali", "brainstem", Side.NONE),
    ],
)
def test_lookup_takes_the_longest_wording_and_the_side(
    table: AnatomyTable, phrase: str, structure_id: str, side: Side
) -> None:
    assert table.lookup(phrase) == (table[structure_id], side)


@pytest.mark.parametrize("phrase", ["", "left", "?!", "the thing over there", "hippocampusx"])
def test_lookup_of_what_is_not_there_finds_nothing(table: AnatomyTable, phrase: str) -> None:
    assert table.lookup(phrase) is None


def test_an_empty_table_names_nothing() -> None:
    assert len(empty_table()) == 0
    assert empty_table().lookup("left hippocampus") is None


def test_colours_are_distinct_and_come_from_the_file(table: AnatomyTable) -> None:
    colours = [structure.colour for structure in table]
    assert len(colours) == len(set(colours))
    assert table["hippocampus"].colour == (220, 216, 20)
    assert table["liver"].colour == (221, 130, 101)


def test_the_sixteen_colours_can_be_told_apart(table: AnatomyTable) -> None:
    colours = [table[structure_id].colour for structure_id in (*BRAIN, *MIDLINE)]
    for i, one in enumerate(colours):
        for other in colours[:i]:
            assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) >= 45


def test_parents_lead_up_without_a_circle(table: AnatomyTable) -> None:
    for structure in table:
        seen = [structure.id]
        parent = structure.parent
        while parent is not None:
            assert parent not in seen, seen
            seen.append(parent)
            parent = table[parent].parent


def test_groups_hold_structures_and_no_groups(table: AnatomyTable) -> None:
    for structure in table:
        assert not any(table[member].is_group for member in structure.members), structure.id
    assert set(table["basal_ganglia"].members) == {"caudate", "putamen", "pallidum", "accumbens"}
    assert set(table["limbic_system"].members) == {"hippocampus", "amygdala"}
    assert {child.id for child in table.children("cerebellum")} >= {
        "cerebellar_cortex",
        "cerebellar_white_matter",
    }


def test_every_structure_has_facts_and_every_fact_a_source(table: AnatomyTable) -> None:
    for structure in table:
        assert len(structure.facts) >= 2, structure.id
        for fact in structure.facts:
            assert len(fact.source) > 8, structure.id
            assert fact.kind in KINDS, (structure.id, fact.kind)
            assert len(fact.clauses) >= 2 and fact.topics, (structure.id, fact)


def test_sides_are_left_open_in_sided_facts_alone(table: AnatomyTable) -> None:
    for structure in table:
        for fact in structure.facts:
            for text in (*fact.clauses, *fact.topics):
                named = "{side}" in text or "{other}" in text
                assert named == fact.sided, (structure.id, text)
            assert structure.sided or not fact.sided, (structure.id, fact.clauses[0])


def test_no_clause_gives_away_the_structures_own_name(table: AnatomyTable) -> None:
    for structure in table:
        for fact in structure.facts:
            for text in (*fact.clauses, *fact.topics):
                padded = f" {text.lower()} "
                for name in (structure.name, structure.plural):
                    assert f" {name} " not in padded, (structure.id, text)


def test_the_table_is_read_once(table: AnatomyTable) -> None:
    assert load_table() is table


def test_a_table_of_ones_own_can_be_read_with_its_facts(tmp_path: Path, table: AnatomyTable) -> None:
    entry = {
        "id": "first", "name": "firstling", "plural": "firstlings", "latin": "primum", "synonyms": [],
        "abbreviations": [], "sided": True, "parent": None, "members": [], "region": "brain",
        "modalities": ["MR"], "snomed": None, "snomed_meaning": None, "colour": [1, 2, 3], "neighbours": [],
        "normal_size": None, "size_source": None, "freesurfer": {"left": [1], "right": [2]}, "facts": [],
    }  # fmt: skip
    fact = {"kind": "lay", "source": "a book", "clauses": ["is it"], "topics": ["it"], "sided": False}
    file = tmp_path / "structures.json"
    file.write_text(json.dumps([entry]))
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "first.json").write_text(json.dumps({"structure": "first", "facts": [fact]}))
    first = load_table(file)["first"]
    assert first.label_ids(Side.RIGHT) == (2,)
    assert first.facts[0].clauses == ("is it",)
    assert first.side_name(Side.LEFT) == "left firstling"


@pytest.mark.parametrize("text", ["[{}]", "[{", "[3]"])
def test_a_file_that_is_no_table_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "structures.json"
    file.write_text(text)
    with pytest.raises(AnatomyTableError, match=r"structures\.json"):
        load_table(file)
