"""The loss of reasoning segmentation: text, masks, presence and quality.

Weights follow LISA (arXiv 2308.00692) where it names them: mask cross-entropy 2, Dice 0.5; Dice only where
the target is there, since an empty mask has no overlap to learn from (ROSALIA).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from .mask_decoder import DecodedMasks

__all__ = ["mask_losses", "medsegr_loss", "soft_dice", "text_loss"]


def soft_dice(probability: Tensor, masks: Tensor) -> Tensor:
    """Soft Dice of each mask, shapes [..., H, W] to [...]."""
    overlap = (probability * masks).sum((-2, -1))
    return (2 * overlap + 1) / (probability.sum((-2, -1)) + masks.sum((-2, -1)) + 1)


def mask_losses(decoded: DecodedMasks, masks: Tensor, asked: Tensor | None = None) -> Mapping[str, Tensor]:
    """Weighted mask, presence and quality terms.

    Parameters
    ----------
    decoded
        What the decoder gave, mask logits [B, K, h, w].
    masks
        bool [B, K, H, W], the true masks at the slice's size; an absent target is an empty mask.
    asked
        bool [B, K], False where a prompt only fills up the batch; all True if omitted.
    """
    asked = torch.ones(masks.shape[:2], dtype=torch.bool) if asked is None else asked
    logits = decoded.mask_logits.float()
    if logits.shape[-2:] != masks.shape[-2:]:
        logits = functional.interpolate(logits, size=masks.shape[-2:], mode="bilinear", align_corners=False)
    logits, truth = logits[asked], masks[asked].float()
    there = truth.flatten(1).any(1)
    zero = logits.sum() * 0
    cross_entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(
        (-2, -1)
    )
    probability = logits.sigmoid()
    dice = soft_dice(probability, truth)
    with torch.no_grad():
        hard = logits > 0
        union = (hard | (truth > 0)).sum((-2, -1)).clamp(min=1)
        iou = (hard & (truth > 0)).sum((-2, -1)) / union
    presence = decoded.presence_logits.float()[asked]
    return {
        "mask_ce": 2.0 * cross_entropy.mean() if len(logits) else zero,
        "mask_dice": 0.5 * (1 - dice[there]).mean() if bool(there.any()) else zero,
        "presence": 0.2 * functional.binary_cross_entropy_with_logits(presence, there.float())
        if len(logits)
        else zero,
        "quality": 0.2 * functional.mse_loss(decoded.quality.float()[asked][there], iou[there])
        if bool(there.any())
        else zero,
    }


def text_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Next-token cross-entropy; logits [B, T, V], labels [B, T] with -100 where nothing is learned."""
    return functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=-100
    )


def medsegr_loss(
    logits: Tensor,
    labels: Tensor,
    decoded: DecodedMasks | None = None,
    masks: Tensor | None = None,
    asked: Tensor | None = None,
) -> dict[str, Tensor]:
    """Combine the weighted terms of reasoning segmentation; their sum is minimised.

    Parameters
    ----------
    logits, labels
        [B, T, V] and [B, T], see `text_loss`.
    decoded, masks, asked
        See `mask_losses`; None for conversations without masks, whose terms are then left out.
    """
    terms = {"text": text_loss(logits, labels)}
    if decoded is not None and masks is not None:
        terms.update(mask_losses(decoded, masks, asked))
    return terms
