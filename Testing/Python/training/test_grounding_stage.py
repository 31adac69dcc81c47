"""Grounding alone: prompts that stay what they are, and a loss that learns nothing from what nobody drew."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_scans import made_scan
from torch.nn import functional

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.training.coverage import Coverage
from MedSegRLib.training.grounding_stage import GroundingBatches, dense_losses, prompt_codes
from MedSegRLib.training.real_slices import RealSlices
from MedSegRLib.training.synthesis import HeadMap, SynthesisConfig
from MedSegRLib.training.targets import PartTargets

CLASSES = 4  # nothing and three structures


def drawn(seed: int = 0, shown: int = CLASSES) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits [2, 5, 6, 7] of the head, structures below `shown` and sides."""
    generator = torch.Generator().manual_seed(seed)
    read = 3 * torch.randn(2, CLASSES + 1, 6, 7, generator=generator)
    structure = torch.randint(0, shown, (2, 6, 7), generator=generator)
    side = torch.randint(1, 3, (2, 6, 7), generator=generator) * (structure == 1)
    return read.requires_grad_(), structure, side


def only(*numbers: int) -> torch.Tensor:
    return torch.isin(torch.arange(CLASSES), torch.tensor(numbers)).expand(2, -1)


def test_where_nothing_is_unknown_it_is_cross_entropy_and_soft_dice() -> None:
    read, structure, side = drawn()
    terms = dense_losses(read, structure, side, only(0))
    torch.testing.assert_close(terms["dense_ce"], functional.cross_entropy(read[:, :-1], structure))
    likely, truth = read[:, :-1].softmax(1), functional.one_hot(structure, CLASSES).movedim(-1, 1)
    both = (likely * truth).sum((0, 2, 3))
    dice = (2 * both + 1) / (likely.sum((0, 2, 3)) + truth.sum((0, 2, 3)) + 1)
    torch.testing.assert_close(terms["dense_dice"], 1 - dice.mean())
    told = side > 0
    left = functional.binary_cross_entropy_with_logits(read[:, -1][told], (side[told] == 1).float())
    torch.testing.assert_close(terms["dense_side"], 0.3 * left)


@pytest.mark.parametrize("term", ["dense_ce", "dense_dice"])
def test_nothing_presses_against_what_may_be_there_undrawn(term: str) -> None:
    read, structure, side = drawn(shown=3)
    undrawn = structure == 0
    dense_losses(read, structure, side, only(0))[term].backward()
    assert read.grad is not None and (read.grad[:, 3][undrawn] > 0).any(), "of a known one it does"
    read.grad = None
    dense_losses(read, structure, side, only(0, 3))[term].backward()
    assert (read.grad[:, 3][undrawn] <= 0).all()


def test_undrawn_is_as_right_as_nothing() -> None:
    read, structure, side = drawn(shown=3)
    swapped = read.detach()[:, [3, 1, 2, 0, 4]]
    mixed = torch.where((structure == 0)[:, None], swapped, read.detach())
    ours, theirs = (dense_losses(r, structure, side, only(0, 3)) for r in (read, mixed))
    assert not torch.equal(read, mixed)
    for term in ours:
        torch.testing.assert_close(ours[term], theirs[term])


def test_what_is_drawn_in_part_is_learnt_and_its_dice_stays_within_1() -> None:
    read, structure, side = drawn()
    right = 20.0 * functional.one_hot(structure, CLASSES).movedim(-1, 1).float()
    perfect = torch.cat([right, torch.zeros(2, 1, 6, 7)], 1)
    assert float(dense_losses(perfect, structure, side, only(0, 3))["dense_dice"]) == pytest.approx(
        0, abs=1e-4
    )
    dense_losses(read, structure, side, only(0, 3))["dense_ce"].backward()
    assert read.grad is not None and (read.grad[:, 3][structure == 3] < 0).all()


@pytest.mark.parametrize("dim", [16, 24, 10])
def test_a_longer_list_of_structures_keeps_the_prompts_of_a_shorter_one(dim: int) -> None:
    table = load_table()
    short = PartTargets.of(table, ("thalamus", "brainstem", "hippocampus"))
    long = PartTargets.of(table, (*short.structures, "liver", "kidney"))
    ours, theirs = (prompt_codes(targets, dim, 5) for targets in (short, long))
    assert torch.equal(ours, theirs[: len(short.parts)])
    assert len(theirs.unique(dim=0)) == len(long.parts) == 8


def test_heads_and_real_scans_share_a_batch_and_nothing_unsure_is_asked_for(head: HeadMap) -> None:
    table = load_table()
    targets = PartTargets.of(table, ("thalamus", "brainstem", "liver", "kidney", "spleen"))
    coverage = Coverage.of("abdomen", targets, missing={"spleen"}, unsided={"kidney"})
    structure = np.zeros((3, 80, 80), np.uint8)
    structure[:, 20:60, 20:60] = 3
    scan = made_scan(structure, np.zeros_like(structure), coverage)

    def made() -> GroundingBatches:
        return GroundingBatches(
            [head], RealSlices([scan]), targets, SynthesisConfig(), [((64, 48), 1.0)],
            head_coverage=Coverage.of_heads(targets, table), seed=5, prompt_dim=8, slices=6, prompted=6,
        )  # fmt: skip

    batches, asked = made(), set()
    for number in range(6):
        batch = batches[number]
        assert batch.unknown.tolist() == [[True, *[False] * 5], [True, *[False] * 4, True]] * 3
        assert (batch.structure[::2] < 3).all() and (batch.structure[1::2] % 3 == 0).all()
        asked |= {targets.parts[part] for row in batch.parts[1::2] for part in row.tolist()}
    assert asked == {(2, Side.NONE), (1, Side.NONE), (0, Side.LEFT), (0, Side.RIGHT)}
    again = made()[3]
    assert all(torch.equal(ours, getattr(again, name)) for name, ours in vars(batches[3]).items())
