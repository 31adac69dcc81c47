"""Batches with pictures: words, masks and pictures tell of the same thing."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_scans import made_scan
from tokenizers import Tokenizer
from torch.nn import functional

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.model import MedSegRConfig
from MedSegRLib.training.coverage import Coverage
from MedSegRLib.training.joint_batches import JointBatch, JointBatches, Shares, similarity_targets
from MedSegRLib.training.real_examinations import RealExaminations
from MedSegRLib.training.recipe import read_axial_labels
from MedSegRLib.training.synthesis import HeadMap, SynthesisConfig, draw_subject
from MedSegRLib.training.targets import PartTargets

MENTION = re.compile(r"<p>([^<]*)</p>(\[SEG\]|\[REJ\])")
SMALL = Shares(examinations=2, questions=3, slices=6)


@pytest.fixture
def make(  # type: ignore[no-untyped-def]
    annotator: OfflineAnnotator,
    offered: tuple[str, ...],
    targets: PartTargets,
    tokenizer: Tokenizer,
    head_coverage: Coverage,
):
    def batches(head: HeadMap, shares: Shares, key_slices: int = 4) -> JointBatches:
        config = MedSegRConfig(offered=offered, key_slices=key_slices)
        abdomen = Coverage.of("abdomen", targets, missing=())
        nothing = np.zeros((9, 192, 192), np.uint8)
        real = [made_scan(nothing, nothing, abdomen)]
        return JointBatches(
            [head], [], real, targets, annotator, tokenizer, config, SynthesisConfig(),
            head_coverage=head_coverage, patch_grid=8, seed=6, shares=shares,
        )  # fmt: skip

    return batches


@pytest.fixture(scope="module")
def names(targets: PartTargets) -> list[str]:
    table = load_table()
    return [table[targets.structures[n]].side_name(side) for n, side in targets.parts]


def mentions(ids: torch.Tensor, tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """(phrase, mark) of every mention of a row."""
    return MENTION.findall(tokenizer.decode(ids.tolist(), skip_special_tokens=False))


def some(batches: JointBatches) -> list[JointBatch]:
    return [batches[number] for number in range(3)]


def test_masks_belong_to_the_seg_tokens_in_their_order(make, head, tokenizer, names) -> None:  # type: ignore[no-untyped-def]
    pairs = 0
    for batch in some(make(head, SMALL)):
        text, patches = batch.pictured[1]
        assert len(text["input_ids"]) == len(batch.images) == len(batch.masks) == len(batch.parts)
        for row in range(len(batch.parts)):
            found = [p for p, mark in mentions(text["input_ids"][row], tokenizer) if mark == "[SEG]"]
            asked = [p for p in batch.parts[row].tolist() if p >= 0]
            assert found == [names[p] for p in asked]
            assert (batch.parts[row, len(asked) :] == -1).all()
            assert not batch.masks[row, len(asked) :].any(), "what only fills up is empty"
            edge = batch.masks.shape[-1] // 8
            for place, part in enumerate(asked):
                covered = functional.max_pool2d(batch.masks[row, place][None, None].float(), edge)[0, 0] > 0
                assert torch.equal(covered.flatten(), patches[row, :, part + 1] > 0)
                pairs += 1
    assert pairs > 10


def test_written_slices_refuse_what_they_do_not_show(make, head, tokenizer, names) -> None:  # type: ignore[no-untyped-def]
    refused = 0
    for batch in some(make(head, replace(SMALL, slices=10))):
        text, patches = batch.pictured[1]
        pixels = patches * (batch.masks.shape[-1] // 8) ** 2
        for row in range(len(batch.parts)):
            scored = bool((text["labels"][row] != -100).any())
            assert scored == (row < round(len(batch.parts) / 2)), "the first half is written about"
            if not scored:
                continue
            for phrase, mark in mentions(text["input_ids"][row], tokenizer):
                if phrase in names:
                    shown = float(pixels[row, :, names.index(phrase) + 1].sum())
                    assert (shown >= 19.5) == (mark == "[SEG]"), (phrase, mark, shown)
                else:
                    assert mark == "[REJ]"
                refused += mark == "[REJ]"
    assert refused > 0


def test_other_regions_hold_no_part_of_a_brain(make, head, tokenizer) -> None:  # type: ignore[no-untyped-def]
    marks, blind = [], []
    for batch in some(make(head, replace(SMALL, examinations=4, real=1.0))):
        *seen, unseen = batch.pictured[0][0]["input_ids"]
        marks += [m for row in seen for _, m in mentions(row, tokenizer)]
        blind += [m for _, m in mentions(unseen, tokenizer)]
        assert bool((batch.pictured[0][1][..., 0] == 1).all())
        assert bool((batch.pictured[0][1][..., 1:] == 0).all())
        counts = batch.pictured[0][0]["picture_counts"]
        images = (batch.pictured[0][0]["input_ids"] == tokenizer.token_to_id("<image>")).sum(1)
        assert images.tolist() == (counts * 64).tolist(), "once, however many conversations"
        assert counts.tolist().index(0) == len(counts) - 1, "the last are about no picture"
    assert marks and set(marks) == {"[REJ]"}
    assert blind and set(blind) == {"[SEG]"}, "as if everything were there"


def test_brains_do_hold_parts(make, head, tokenizer) -> None:  # type: ignore[no-untyped-def]
    whole = replace(SMALL, examinations=4, real=0.0, slab=0.0, half=0.0)
    batches = some(make(head, whole))
    found = [m for b in batches for row in b.pictured[0][0]["input_ids"] for _, m in mentions(row, tokenizer)]
    assert found.count("[SEG]") > len(found) / 2


def test_some_batches_do_without_one_prompt(make, head) -> None:  # type: ignore[no-untyped-def]
    batches = make(head, replace(SMALL, one_prompt=0.4))
    kept = [batches[number].without for number in range(12)]
    assert {"sparse", "dense"} <= set(kept)
    assert {batches[number].without for number in range(2)} == {kept[0], kept[1]}
    assert all(make(head, SMALL)[number].without is None for number in range(3))


def test_what_is_hardly_there_is_not_asked_about(make, head, head_coverage) -> None:  # type: ignore[no-untyped-def]
    batches = make(head, SMALL)
    shown = {
        (name, side): 10 if name == "hippocampus" else 1000
        for name, side in ((batches.targets.structures[n], s) for n, s in batches.targets.parts)
    }
    scene, doubtful = batches._scene(head_coverage, shown, 150)
    assert {name for name, _ in doubtful} == {"hippocampus"}
    words = random.Random(1)
    asked = [
        t.structure for _ in range(200) for e in batches._surely(scene, doubtful, 1, words) for t in e.targets
    ]
    assert "hippocampus" not in asked and len(set(asked)) == 15


def test_pictures_and_patches_come_from_their_number(make, head) -> None:  # type: ignore[no-untyped-def]
    batches = make(head, SMALL)
    first, again = batches[1], batches[1]
    for a, b in (
        (first.images, again.images), (first.masks, again.masks), (first.parts, again.parts),
        (first.pictured[0][1], again.pictured[0][1]),
        (first.pictured[0][0]["pixel_values"], again.pictured[0][0]["pixel_values"]),
    ):  # fmt: skip
        assert torch.equal(a, b)
    shares = first.pictured[0][1].sum(-1)
    torch.testing.assert_close(shares, torch.ones_like(shares))


def test_an_image_position_is_wanted_where_a_finding_touches_it() -> None:
    masks = torch.zeros(2, 3, 32, 32, dtype=torch.bool)
    masks[1, 2, 4:8, 28:32] = True
    wanted = similarity_targets(masks, 8)
    assert wanted.shape == (2, 3, 8, 8)
    assert wanted.nonzero().tolist() == [[1, 2, 1, 7]]


def test_real_slabs_and_halves_hold_what_lies_in_them(make, shared_data: Path) -> None:  # type: ignore[no-untyped-def]
    folder = shared_data / "train" / "brain_labelmaps_synthseg"
    head = HeadMap.of(read_axial_labels(folder / "training_seg_01.nii.gz"))
    batches = make(head, SMALL)
    drawn = draw_subject(head, SynthesisConfig(), np.random.default_rng(0))
    subject = replace(drawn, half=None, mirrored=False)
    low, high = head.brain_slices

    def present(first: float, last: float, **changes: object) -> set[tuple[str, Side]]:
        shown = batches._shown(0, first, last, replace(subject, **changes), 8)
        return {part for part, voxels in shown.items() if voxels >= 40}

    assert len(present(low, high)) == 29
    top, bottom = present(high - 20, high), present(low, low + 15)
    assert ("cerebral_cortex", Side.LEFT) in top and ("cerebral_white_matter", Side.RIGHT) in top
    far_below = {"brainstem", "fourth_ventricle", "hippocampus", "amygdala", "cerebellar_cortex", "putamen"}
    assert not far_below & {name for name, _ in top}
    assert {("cerebellar_cortex", Side.LEFT), ("cerebellar_cortex", Side.RIGHT)} <= bottom
    assert not {"lateral_ventricle", "caudate", "thalamus", "third_ventricle"} & {name for name, _ in bottom}
    deep = {"hippocampus", "putamen", "caudate", "amygdala", "pallidum"}
    for half, mirrored, side in (
        ("low", False, Side.RIGHT), ("high", False, Side.LEFT), ("low", True, Side.LEFT),
    ):  # fmt: skip
        found = present(low, high, half=half, mirrored=mirrored)
        assert {s for name, s in found if name in deep} == {side}
        assert {name for name, _ in found} >= deep


def test_another_region_is_as_likely_as_any_however_many_scans_there_are_of_it(targets: PartTargets) -> None:
    nothing = np.zeros((1, 96, 96), np.uint8)
    regions = [*["heart"] * 30, "spine"]
    scans = [made_scan(nothing, nothing, Coverage.of(region, targets, ())) for region in regions]
    examinations, rng = RealExaminations(scans, MedSegRConfig()), np.random.default_rng(3)
    spines = sum(examinations.draw(rng).coverage.region == "spine" for _ in range(200))
    assert 70 < spines < 130
