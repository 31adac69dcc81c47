"""The semantic head: what is read on every pixel reaches the masks, and only the side can take away."""

from __future__ import annotations

import pytest
import torch

from MedSegRLib.model.grounding import Grounding, GroundingConfig
from MedSegRLib.model.mask_decoder import _evidence


def small(**changes: int) -> Grounding:
    torch.manual_seed(0)
    return Grounding(
        GroundingConfig(
            encoder="pyramid", image_size=(64, 64), embed_dim=32, decoder_heads=2, decoder_mlp_dim=32,
            multimask_outputs=0, quality_hidden_dim=16, in_channels=3, widths=(8, 16, 16, 16), detail_dim=8,
            **changes,
        )
    ).eval()  # fmt: skip


def test_evidence_is_log_odds_and_the_side_only_takes_away() -> None:
    logits = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(1))
    seen = _evidence(logits)
    assert seen.shape == logits.shape
    probability = logits[:, :4].double().softmax(1)[:, 1:]
    odds = (probability / (1 - probability)).log() / 4
    torch.testing.assert_close(seen[:, :3].double(), odds, atol=1e-3, rtol=1e-3)
    left, right = seen[:, 3], seen[:, 4]
    assert (left <= 0).all() and (right <= 0).all()
    torch.testing.assert_close((4 * left).exp() + (4 * right).exp(), torch.ones_like(left))


def test_evidence_stays_finite_where_the_head_is_certain() -> None:
    logits = torch.tensor([100.0, -100.0, 0.0, -100.0]).reshape(1, 4, 1, 1).requires_grad_()
    seen = _evidence(logits)
    seen.sum().backward()
    assert seen.abs().max() < 2.1
    assert torch.isfinite(logits.grad).all()  # type: ignore[arg-type]


@torch.no_grad()
def test_a_prompt_that_points_at_a_structure_gets_what_was_read_of_it() -> None:
    grounding = small(semantic_classes=2)
    decoder = grounding.mask_decoder
    # Every other way to the mask is shut; the hypernetwork points at structure 1 on the left.
    decoder.output_hypernetworks_mlps[0].layers[-1].weight.zero_()
    decoder.output_hypernetworks_mlps[0].layers[-1].bias.zero_()
    last = decoder.detail_hypernetwork.layers[-1]
    last.weight.zero_()
    last.bias.copy_(torch.tensor([0.0] * 8 + [4.0, 0.0, 4.0, 0.0]))
    image = grounding.encode(torch.rand(1, 3, 64, 64))
    read = decoder.read(image.fine[2])
    masks = grounding.decode(image, torch.randn(1, 1, 32), None).mask_logits[0, 0]
    structure = read[0, :3].softmax(0)[1]
    left = read[0, 3].sigmoid()
    wanted = structure.logit() + left.log()
    torch.testing.assert_close(masks, wanted, atol=1e-4, rtol=1e-4)


def test_without_a_semantic_head_nothing_is_read() -> None:
    decoder = small().mask_decoder
    assert not [name for name in decoder.state_dict() if "semantic" in name]
    with pytest.raises(ValueError, match="no semantic head"):
        decoder.read(torch.zeros(1, 8, 4, 4))
