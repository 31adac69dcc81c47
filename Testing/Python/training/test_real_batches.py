"""Joint batches with real scans: what is drawn, or surely is not there, is asked for, nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_scans import made_scan
from tokenizers import Tokenizer
from torch import Tensor

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.model import MedSegRConfig
from MedSegRLib.training.coverage import Coverage
from MedSegRLib.training.joint_batches import JointBatch, JointBatches, Shares
from MedSegRLib.training.real_examinations import RealExaminations
from MedSegRLib.training.real_scans import RealScan
from MedSegRLib.training.synthesis import HeadMap, SynthesisConfig
from MedSegRLib.training.targets import SIDE_CODE, PartTargets

TABLE = load_table()
OFFERED = ("hippocampus", "brainstem", "liver", "kidney", "spleen", "parotid_gland")
TARGETS = PartTargets.of(TABLE, OFFERED)
LIVER, KIDNEY = OFFERED.index("liver"), OFFERED.index("kidney")
NAMES = {TABLE[OFFERED[n]].side_name(side): (OFFERED[n], side) for n, side in TARGETS.parts}
MENTION = re.compile(r"<p>([^<]*)</p>(\[SEG\]|\[REJ\])")
SHARES = Shares(examinations=3, questions=6, slices=6, real=1.0)


def scan_of(coverage: Coverage, *, kidneys: int) -> RealScan:
    """A liver on the right, and kidneys on both sides, of which `kidneys` pixels of the left one are seen."""
    structure = np.zeros((6, 192, 192), np.uint8)
    side = np.zeros_like(structure)
    structure[:, 60:130, 30:90] = LIVER + 1
    structure[:, 100, 120 : 120 + kidneys], side[:, 100, 120 : 120 + kidneys] = KIDNEY + 1, 1
    structure[:, 135:150, 50:70], side[:, 135:150, 50:70] = KIDNEY + 1, 2
    return made_scan(structure, side, coverage)


@pytest.fixture
def make(head: HeadMap, annotator: OfflineAnnotator, tokenizer: Tokenizer) -> Callable[..., JointBatches]:
    def batches(scan: RealScan, shares: Shares = SHARES) -> JointBatches:
        return JointBatches(
            [head], [scan], [], TARGETS, annotator, tokenizer,
            MedSegRConfig(offered=OFFERED, key_slices=3),
            SynthesisConfig(), head_coverage=Coverage.of_heads(TARGETS, TABLE), patch_grid=8, seed=6,
            shares=shares,
        )  # fmt: skip

    return batches


def seen(batch: JointBatch) -> list[tuple[Tensor, Tensor]]:
    """Token ids and labels of the rows that are about pictures."""
    return [
        (ids, labels)
        for text, _ in batch.pictured
        for ids, labels, count in zip(
            text["input_ids"], text["labels"], text["picture_counts"].tolist(), strict=True
        )
        if count
    ]


def answers(batch: JointBatch, tokenizer: Tokenizer) -> list[str]:
    """Texts that words are learnt from."""
    return [
        tokenizer.decode(ids[labels != -100].tolist(), skip_special_tokens=False)
        for ids, labels in seen(batch)
    ]


def mentions(batch: JointBatch, tokenizer: Tokenizer) -> set[tuple[str, str]]:
    """(structure, mark) of every part that is named, also on slices whose words are not learnt."""
    rows = [tokenizer.decode(ids.tolist(), skip_special_tokens=False) for ids, _ in seen(batch)]
    found = [mention for row in rows for mention in MENTION.findall(row)]
    return {(NAMES[phrase][0], mark) for phrase, mark in found}


def test_nothing_doubtful_is_asked_and_the_region_is_said(make, tokenizer) -> None:  # type: ignore[no-untyped-def]
    coverage = Coverage.of("abdomen", TARGETS, missing={"spleen"}, unsided={"kidney"})
    batches = make(scan_of(coverage, kidneys=3))
    found, said = set(), ""
    for number in range(6):
        found |= mentions(batches[number], tokenizer)
        said += " ".join(answers(batches[number], tokenizer))
    marks = {name: {mark for n, mark in found if n == name} for name in OFFERED}
    assert marks["spleen"] == set(), "it may be there undrawn"
    assert marks["kidney"] == {"[SEG]"}, "the right one is there; of the left one too little is seen"
    assert "[SEG]" in marks["liver"] and "[REJ]" not in marks["liver"]
    assert "[REJ]" in marks["hippocampus"] | marks["brainstem"]
    assert "a scan of the abdomen" in said
    assert "left kidney" not in said and "right kidney" in said


def test_the_masks_of_a_slice_are_those_of_its_labels(make) -> None:  # type: ignore[no-untyped-def]
    batches = make(scan_of(Coverage.of("abdomen", TARGETS, ()), kidneys=60))
    seen = set()
    for number in range(4):
        batch = batches[number]
        assert not batch.unknown[:, 1:].any() and bool(batch.unknown[:, 0].all())
        for row, part in np.argwhere(batch.parts.numpy() >= 0):
            structure, side = TARGETS.parts[int(batch.parts[row, part])]
            mask = (batch.structure[row] == structure + 1) & (batch.side[row] == SIDE_CODE[side])
            assert torch.equal(batch.masks[row, part], mask)
            seen |= {(structure, bool(mask.any()))}
    assert {(LIVER, True), (KIDNEY, True)} <= seen and any(not there for _, there in seen)


def test_what_is_unknown_goes_with_its_slice_and_blank_patches_of_it_teach_nothing(make) -> None:  # type: ignore[no-untyped-def]
    batches = make(scan_of(Coverage.of("abdomen", TARGETS, {"spleen"}), kidneys=60))
    batch = batches[0]
    assert batch.unknown.tolist() == [[True, False, False, False, False, True, False]] * len(batch.images)
    for _, patches in batch.pictured:
        shares = patches.sum(-1)
        assert ((shares - 1).abs() < 1e-5).logical_or(shares == 0).all()
        assert bool((shares == 0).any()) and bool((shares > 0).any())
        assert (patches[..., 0] < 0.9).all()


def test_a_slice_on_which_nothing_may_be_asked_is_asked_nothing(head, annotator, tokenizer) -> None:  # type: ignore[no-untyped-def]
    kidneys = ("kidney",)
    targets = PartTargets.of(TABLE, kidneys)
    structure = np.zeros((2, 192, 192), np.uint8)
    structure[:, 60:130, 30:90] = 1
    coverage = Coverage.of("abdomen", targets, (), unsided=kidneys)
    batches = JointBatches(
        [head], [made_scan(structure, np.zeros_like(structure), coverage)], [], targets, annotator, tokenizer,
        MedSegRConfig(offered=kidneys), SynthesisConfig(),
        head_coverage=Coverage.of_heads(targets, TABLE),
        patch_grid=8, seed=6, shares=Shares(examinations=0, slices=3, written=0.0, real=1.0),
    )  # fmt: skip
    batch = batches[0]
    assert (batch.parts == -1).all() and bool(batch.structure.any())


def test_a_batch_is_the_same_whenever_it_is_made(make) -> None:  # type: ignore[no-untyped-def]
    scan, half = scan_of(Coverage.of("abdomen", TARGETS, {"spleen"}), kidneys=60), Shares(2, 3, 6)
    batches = make(scan, half)
    first = [batches[number] for number in (0, 1, 2)][1]
    again = make(scan, half)[1]
    for name in ("images", "masks", "parts", "structure", "side", "unknown"):
        assert torch.equal(getattr(first, name), getattr(again, name)), name
    for (text, patches), (same, others) in zip(first.pictured, again.pictured, strict=True):
        assert torch.equal(patches, others)
        assert all(torch.equal(value, same[name]) for name, value in text.items())


def test_heads_and_volumes_are_seen_in_one_picture_too_and_in_any_slice(make, tokenizer) -> None:  # type: ignore[no-untyped-def]
    scan = scan_of(Coverage.of("abdomen", TARGETS, {"spleen"}), kidneys=60)
    grey = np.broadcast_to(np.arange(40, 238, 33, dtype=np.uint8)[:, None, None], scan.slices.shape)
    several = made_scan(scan.structure, scan.side, scan.coverage, grey=np.ascontiguousarray(grey))
    for share in (0.0, 1.0):
        batches = make(several, Shares(examinations=4, questions=1, slices=2, real=share))
        drawn = [batches[number].pictured[0][0] for number in range(10)]
        counts = torch.cat([text["picture_counts"] for text in drawn])
        assert 3 <= int((counts == 1).sum()) < 25 and int((counts == 3).sum()) >= 12
        alone = [
            float(row[0].mean())
            for text in drawn
            for row in text["pixel_values"].split(text["picture_counts"].tolist())
            if len(row) == 1
        ]
        assert len({round(value, 2) for value in alone}) > 1


def test_patients_of_whom_more_is_drawn_come_more_often() -> None:
    coverage = Coverage.of("abdomen", TARGETS, ())
    much = scan_of(coverage, kidneys=60)
    little = replace(much, patient="set/2", structure=np.where(much.structure == LIVER + 1, LIVER + 1, 0))
    seen = RealExaminations([much, little], MedSegRConfig(offered=OFFERED, key_slices=1))
    rng = np.random.default_rng(4)
    kidneys = [bool(seen.draw(rng).pixels[KIDNEY + 1].any()) for _ in range(300)]
    assert 0.52 < np.mean(kidneys) < 0.68, "three to two"
