"""Kidneys in one label, and a hippocampus of which nobody says the side: built, checked, exported, judged."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.answers import visible_text
from MedSegRLib.dataset.building.builder import Builder
from MedSegRLib.dataset.building.checks import Checker
from MedSegRLib.dataset.building.examining import examine
from MedSegRLib.dataset.building.journal import ITEMS
from MedSegRLib.dataset.building.offline import RegionAnnotator
from MedSegRLib.dataset.building.prompting import facts_as_json
from MedSegRLib.dataset.building.units import Share
from MedSegRLib.dataset.exporting.hugging_face import write_hugging_face
from MedSegRLib.dataset.exporting.reasonseg import write_reasonseg
from MedSegRLib.dataset.format import Item, read_items
from MedSegRLib.dataset.importing.about import About
from MedSegRLib.dataset.importing.asked import items_asked
from MedSegRLib.dataset.importing.reasonseg import read_reasonseg
from MedSegRLib.dataset.source import Source, SourceLabel
from MedSegRLib.dataset.validate import validate
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane

from .conftest import N, exchange

# Words that an answer or question about such a part may not hold, told apart by hand from those that may.
SIDED = {"left", "right", "both", "bilateral", "bilaterally", "l", "r", "lt", "rt"}


@pytest.fixture
def kidneys(source: Source) -> Source:
    """The belly with its kidneys in one label, as a label map of three organs has it."""
    drawn = [label for label in source.labels if label.structure in ("liver", "kidney")]
    file = drawn[0].file
    labels = sitk.ReadImage(str(file))
    sitk.WriteImage(sitk.ChangeLabel(labels, {3: 2, 4: 0, 9: 0}), str(file))
    return replace(
        source,
        labels=(SourceLabel(file, 1, "liver", "liver"), SourceLabel(file, 2, "kidney", "kidney")),
        undrawn=(),
    )


@pytest.fixture
def crop(tmp_path: Path) -> Source:
    """A crop around one hippocampus, its head and body in two labels, and a speck of a stray voxel."""
    drawn = np.zeros((20, 24, 16), np.uint8)
    drawn[4:14, 6:12, 5:11], drawn[4:14, 12:20, 5:11] = 1, 2
    drawn[18, 1, 1] = 1
    grey = np.random.default_rng(1).normal(60, 3, drawn.shape) + 40 * (drawn > 0)
    for name, array in (("drawn", drawn), ("crop", grey.astype(np.float32))):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"{name}.nii.gz"))
    file = tmp_path / "drawn.nii.gz"
    labels = [
        SourceLabel(file, n, f"{end} hippocampus", "hippocampus") for n, end in ((1, "front"), (2, "back"))
    ]
    return Source(
        "h", "1", tmp_path / "crop.nii.gz", tuple(labels), "MR", "brain", split="train", origin="crops"
    )


def items_of(source: Source, folder: Path, annotator: RegionAnnotator, table: AnatomyTable) -> list[Item]:
    builder = Builder(folder, {}, annotator, Checker(table), table, seed=3)
    manifest = builder.run([source], [Share(source.origin, scans=30)])
    assert manifest["accept_rate"] > 0.9, manifest["rejected_by_check"]
    assert validate(folder / ITEMS) == []
    return list(read_items(folder / ITEMS))


def sideless(items: list[Item], structure: str) -> list[Any]:
    """Exchanges whose targets are this structure alone."""
    return [
        e
        for item in items
        for e in item.exchanges
        if e.targets and {t.structure for t in e.targets} == {structure}
    ]


def words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() else " " for c in text.lower()).split())


def test_kidneys_in_one_label_are_asked_for_without_a_side(
    kidneys: Source, tmp_path: Path, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    items = items_of(kidneys, tmp_path / "built", annotator, table)
    found = sideless(items, "kidney")
    assert len(found) > 15 and {t.side for e in found for t in e.targets} == {N}
    # On the seventh slice there is only one of the two.
    for item in items:
        phrases = {t.phrase for e in sideless([item], "kidney") for t in e.targets if t.present}
        assert phrases <= {"kidney" if item.slices == (7, 7) else "kidneys"}
    for one in found:
        assert not SIDED & words(f"{one.question} {visible_text(one.answer)}"), one
    masks = {t.mask.labels for e in found for t in e.targets if t.mask is not None}
    assert masks == {(2,)}


def test_one_hippocampus_is_called_one_and_has_no_side(
    crop: Source, tmp_path: Path, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    items = items_of(crop, tmp_path / "built", annotator, table)
    found = sideless(items, "hippocampus")
    whole = sideless([item for item in items if item.slices is None], "hippocampus")
    assert len(found) > 15 and {t.phrase for e in found for t in e.targets} == {"hippocampus"}
    assert {t.mask.labels for e in whole for t in e.targets if t.mask is not None} == {(1, 2)}
    for one in found:
        assert not SIDED & words(f"{one.question} {visible_text(one.answer)}"), one


def test_they_go_out_to_both_formats_and_come_in_again(
    kidneys: Source, tmp_path: Path, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    items = items_of(kidneys, tmp_path / "built", annotator, table)
    assert write_hugging_face(tmp_path / "hub", items, tmp_path / "built", name="s", licence="") == len(items)
    write_reasonseg(tmp_path / "reason", items, tmp_path / "built")
    (tmp_path / "labels").mkdir()
    sources = read_reasonseg(tmp_path / "reason", (), About("abdomen"), table, tmp_path / "labels")
    again = [item for source in sources for item in items_asked(source, table, tmp_path, "ReasonSeg")]
    targets = {(t.structure, t.side) for item in again for e in item.exchanges for t in e.targets}
    assert targets == {("kidney", N), ("liver", N)}


def test_an_annotator_that_speaks_of_a_side_fails_the_check(kidneys: Source, table: AnatomyTable) -> None:
    assert kidneys.image is not None
    facts = examine(kidneys, table, kidneys.image, Plane.AXIAL).facts
    part = ("kidneys", "kidney", N, True)
    right = exchange("These are the <p>kidneys</p>[SEG].", part, question="What makes urine?")
    assert Checker(table).failures([right], facts) == []
    for wrong in (
        replace(right, question="What makes urine on the left?"),
        replace(right, answer=f"Both. {right.answer}"),
    ):
        (failure,) = Checker(table).failures([wrong], facts)
        assert "speaks of a side, and nobody knows which kidney was drawn" in failure.sentence


def test_a_language_model_is_told_that_sides_are_not_told_apart(kidneys: Source, table: AnatomyTable) -> None:
    assert kidneys.image is not None
    facts = examine(kidneys, table, kidneys.image, Plane.AXIAL).facts
    said = json.loads(json.dumps(facts_as_json(facts, table, random.Random(0))))
    told = {entry["structure"]: entry.get("sides_not_told_apart") for entry in said["present"]}
    assert told == {"liver": None, "kidney": True}


def test_a_structure_drawn_with_and_without_its_side_is_refused(source: Source, table: AnatomyTable) -> None:
    labels = tuple(replace(label, side=N) if label.value == 2 else label for label in source.labels)
    assert source.image is not None
    with pytest.raises(
        DatasetError, match="has labels of the kidney with a side and without one; say the side"
    ):
        examine(replace(source, labels=labels), table, source.image, Plane.AXIAL)
