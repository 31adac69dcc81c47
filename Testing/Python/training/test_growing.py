"""A model that offers more structures goes on from one that offers fewer without forgetting them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from MedSegRLib.model import MedSegR, tiny_model
from MedSegRLib.model.grounding import Grounding
from MedSegRLib.training.growing import grown_state

LONG = ("hippocampus", "amygdala", "liver", "kidney", "spleen")


def model(offered: tuple[str, ...], seed: int, **sizes: int) -> MedSegR:
    tiny = tiny_model(1)
    torch.manual_seed(seed)
    config = replace(tiny.grounding.config, semantic_classes=len(offered), **sizes)
    return MedSegR(tiny.understanding, Grounding(config), tiny.config.with_(offered=offered)).eval()


@torch.no_grad()
def test_a_grown_model_reads_and_draws_what_the_old_one_did() -> None:
    old, grown = model(LONG[:2], 2), model(LONG, 3)
    # As after training: sure of what it sees, and masks that rest on it.
    old.grounding.mask_decoder.semantic_head.weight *= 20
    old.grounding.mask_decoder.detail_hypernetwork.layers[2].weight *= 5
    grown.load_state_dict(grown_state(old, grown))
    images = torch.rand(2, 5, 64, 64, generator=torch.Generator().manual_seed(4))
    prompts = torch.randn(2, 3, 16, generator=torch.Generator().manual_seed(5))
    ours, theirs = (m.grounding.encode(images) for m in (grown, old))
    read, before = (m.grounding.mask_decoder.read(e.fine[2]) for m, e in ((grown, ours), (old, theirs)))
    assert torch.equal(read[:, :3], before[:, :3]) and torch.equal(read[:, -1], before[:, -1])
    assert (read[:, :-1].softmax(1)[:, 3:] < 1e-3).all()
    masks, masks_before = (
        m.grounding.decode(e, prompts, None).mask_logits for m, e in ((grown, ours), (old, theirs))
    )
    spread = float(masks_before.std())
    torch.testing.assert_close(masks, masks_before, atol=2e-3 * spread, rtol=0)


def test_a_new_structure_can_be_learnt() -> None:
    old, grown = model(LONG[:2], 2), model(LONG, 3)
    grown.load_state_dict(grown_state(old, grown))
    embedding = grown.grounding.encode(torch.rand(1, 5, 64, 64))
    masks = grown.grounding.decode(embedding, torch.randn(1, 1, 16), None).mask_logits
    (
        masks.sum() - grown.grounding.mask_decoder.read(embedding.fine[2]).softmax(1)[:, 3].log().sum()
    ).backward()
    assert (
        grown.grounding.mask_decoder.detail_hypernetwork.layers[2].weight.grad[4 + 2 : 4 + 5].abs().sum() > 0
    )
    assert (grown.grounding.mask_decoder.semantic_head.bias.grad[3] < 0).all()


@pytest.mark.parametrize(
    ("offered", "sizes"),
    [(LONG[::-1], {}), (LONG, {"detail_dim": 8}), (LONG[:1], {})],
    ids=["another order", "other sizes", "fewer"],
)
def test_what_is_no_longer_list_is_left_as_it_is(offered: tuple[str, ...], sizes: dict[str, int]) -> None:
    old = model(LONG[:2], 2)
    state = grown_state(old, model(offered, 3, **sizes))
    assert all(torch.equal(value, state[name]) for name, value in old.state_dict().items())
