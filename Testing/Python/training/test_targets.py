"""Which ids draw which part."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from MedSegRLib.anatomy import Side
from MedSegRLib.resources import resource_path
from MedSegRLib.training.targets import PartTargets


def test_sixteen_structures_have_29_parts(targets: PartTargets) -> None:
    assert len(targets.structures) == 16
    assert len(set(targets.parts)) == len(targets.parts) == 29
    assert sorted(targets.structures[n] for n, s in targets.parts if s is Side.NONE) == [
        "brainstem", "fourth_ventricle", "third_ventricle",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("structure", "side", "ids"),
    [
        ("hippocampus", Side.LEFT, {17}),
        ("hippocampus", Side.RIGHT, {53}),
        ("cerebral_white_matter", Side.LEFT, {2, 25}),
        ("cerebral_white_matter", Side.RIGHT, {41, 57}),
        ("lateral_ventricle", Side.RIGHT, {43, 44, 63, 163, 164}),
        ("cerebellar_cortex", Side.LEFT, {8}),
        ("brainstem", Side.NONE, {16}),
        ("third_ventricle", Side.NONE, {14}),
        ("fourth_ventricle", Side.NONE, {15}),
    ],
)
def test_the_ids_of_a_part(targets: PartTargets, structure: str, side: Side, ids: set[int]) -> None:
    part = targets.parts.index((targets.structures.index(structure), side))
    every = torch.arange(2048)[None]
    mask = targets.mask(*targets.draw(every, mirrored=False), part)
    assert set(every[mask].tolist()) == ids


def test_ids_are_those_that_the_evaluation_scores(targets: PartTargets) -> None:
    """`structures16.json` was written for scoring; the anatomy table for everything else."""
    listed = json.loads(resource_path("Evaluation", "structures16.json").read_text(encoding="utf-8"))
    scored: dict[int, tuple[str, Side]] = {
        label: (part["structure"], Side(part["side"]))
        for part in listed["parts"]
        for label in part["freesurfer"]
    }
    assert len(listed["parts"]) == 29
    structure, side = targets.draw(torch.arange(2048)[None], mirrored=False)
    drawn = {
        label: (targets.structures[n - 1], (Side.NONE, Side.LEFT, Side.RIGHT)[s])
        for label, (n, s) in enumerate(zip(structure[0].tolist(), side[0].tolist(), strict=True))
        if n > 0
    }
    assert drawn == scored


def test_a_mirrored_slice_swaps_its_sides_and_nothing_else(targets: PartTargets) -> None:
    labels = torch.from_numpy(np.array([[17, 53, 16, 0, 512]]))
    structure, side = targets.draw(labels, mirrored=False)
    turned, other = targets.draw(labels, mirrored=True)
    assert torch.equal(structure, turned)
    assert side.tolist() == [[1, 2, 0, 0, 0]]
    assert other.tolist() == [[2, 1, 0, 0, 0]]
    assert structure[0, 3:].tolist() == [0, 0]
