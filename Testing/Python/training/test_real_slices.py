"""Slices of real scans: picture and drawing change together; every structure comes as often as another."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from made_scans import made_scan
from torch.nn import functional

from MedSegRLib.anatomy import load_table
from MedSegRLib.training.coverage import Coverage, DrawnSlice
from MedSegRLib.training.real_scans import RealScan
from MedSegRLib.training.real_slices import RealSlices, cut
from MedSegRLib.training.targets import PartTargets

TARGETS = PartTargets.of(load_table(), ("liver", "kidney"))
DIM, BRIGHT = 170, 250


def two_kidneys(region: str) -> RealScan:
    """A right kidney, dim and low, beside a left one, bright and wide; the picture is the drawing."""
    structure = np.zeros((1, 96, 96), np.uint8)
    structure[0, 30:66, 52:80] = structure[0, 40:80, 22:44] = 2
    side = np.zeros_like(structure)
    side[0, :, 48:], side[0, :, :48] = 1, 2
    side *= structure > 0
    grey = np.where(side == 1, BRIGHT, DIM) * (structure > 0)
    return made_scan(structure, side, Coverage.of(region, TARGETS, ()), grey=grey.astype(np.uint8))


def cuts(region: str, count: int = 40) -> list[DrawnSlice]:
    rng = np.random.default_rng(1)
    return [cut(two_kidneys(region), 0, (96, 88), rng) for _ in range(count)]


@pytest.mark.parametrize("region", ["abdomen", "head_neck"])
def test_the_drawing_stays_on_what_it_is_drawn_on(region: str) -> None:
    changed = set()
    for shown in cuts(region):
        assert shown.image.shape == (5, 96, 88) and shown.structure.shape == shown.side.shape == (96, 88)
        assert float(shown.image.min()) >= 0 and float(shown.image.max()) <= 1
        drawn, seen = shown.structure == 2, shown.image[2] > 0.25
        drawing = drawn[None].float()
        widest, narrowest = (functional.max_pool2d(e * drawing, 3, 1, 1)[0] * e for e in (1, -1))
        edges = widest != narrowest
        assert drawn.sum() > 500 and ((drawn ^ seen) & ~edges).sum() < 0.01 * drawn.numel()
        assert torch.equal(shown.side > 0, drawn)
        changed.add(int(drawn.sum()))
    assert len(changed) > 20, "no two alike"


@pytest.mark.parametrize(("region", "mirrored"), [("abdomen", False), ("spine", False), ("head_neck", True)])
def test_only_what_is_alike_on_both_sides_is_mirrored_and_then_left_is_right(
    region: str, mirrored: bool
) -> None:
    turned = []
    for shown in cuts(region):
        level = {side: shown.image[2][shown.side == side].median() for side in (1, 2)}
        columns = {side: (shown.side == side).nonzero()[:, 1].float().mean() for side in (1, 2)}
        assert columns[1] > columns[2], "left stays on high columns"
        turned.append(bool(level[1] < level[2]))
    assert any(turned) == mirrored and not all(turned)


def test_structures_and_patients_are_drawn_alike_however_many_slices_there_are() -> None:
    coverage = Coverage.of("abdomen", TARGETS, ())
    full, none = np.ones((1, 64, 64), np.uint8), np.zeros((1, 64, 64), np.uint8)
    livers = [made_scan(full, none, coverage, patient=f"a/{number}") for number in range(20)]
    again = [made_scan(full, none, coverage, patient="a/0", grey=none) for _ in range(20)]
    slices = RealSlices([*livers, *again, made_scan(2 * full, none, coverage, patient="b/1")])
    rng = np.random.default_rng(2)
    drawn = [slices.draw((32, 32), rng) for _ in range(300)]
    found = Counter(int(shown.structure.max()) for shown in drawn)
    assert set(found) == {1, 2} and 110 < found[2] < 190
    empty = sum(float(shown.image.mean()) < 0.1 for shown in drawn)
    assert empty < 20, "a patient with many scans comes as often as one with one"


def test_scans_that_show_nothing_taught_give_no_slices() -> None:
    nothing = np.zeros((2, 64, 64), np.uint8)
    assert not RealSlices([]) and not RealSlices(
        [made_scan(nothing, nothing, Coverage.of("spine", TARGETS, ()))]
    )
    assert RealSlices([two_kidneys("abdomen")])
