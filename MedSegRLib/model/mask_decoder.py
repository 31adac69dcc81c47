"""Mask decoder: segment-anything's, for many prompts on many slices at once, with fine levels and presence.

Without fine levels the masks are segment-anything's own for the same weights and prompts. With them, the
quarter and half levels are added inside the upscaling (as SAM 2 does) and the full-size level is added as
a second product with the mask token (as HQ-SAM does). A semantic head may read a fixed list of structures
and the side on every pixel of that level; what it reads joins the product, so that a prompt which means one
of them need only point at it, while others still have the level's own channels.

Shapes: B slices, K prompts on each, P = B * K; n sparse tokens a prompt; C embedding channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .pyramid import ImageEmbedding
from .segment_anything import sam_modeling

__all__ = ["DecodedMasks", "FusedMaskDecoder"]

_sam = sam_modeling()
# Probabilities nearer to 0 or 1 say no more.
_LEAST = 3e-4


@dataclass(frozen=True)
class DecodedMasks:
    """Masks of K prompts on B slices, all unbounded logits.

    `mask_logits` [B, K, h, w] at the decoder's output size; `presence_logits` [B, K] (is the target on
    this slice at all); `quality` [B, K], the predicted intersection over union.
    """

    mask_logits: Tensor
    presence_logits: Tensor
    quality: Tensor


class FusedMaskDecoder(_sam.MaskDecoder):  # type: ignore[name-defined, misc]
    """segment-anything's `MaskDecoder` plus a presence head and the fusion of fine levels."""

    def __init__(
        self, *, transformer_dim: int, detail_dim: int = 0, semantic_classes: int = 0, **kwargs: object
    ) -> None:
        super().__init__(transformer_dim=transformer_dim, **kwargs)
        mlp = _sam_mlp()
        self.presence_head = mlp(transformer_dim, transformer_dim, 1, 2)
        read = semantic_classes + 2 if semantic_classes else 0
        self.semantic_head = nn.Conv2d(detail_dim, read, 1) if read else None
        self.detail_hypernetwork = (
            mlp(transformer_dim, transformer_dim, detail_dim + read, 3) if detail_dim else None
        )

    def read(self, detail: Tensor) -> Tensor:
        """Logits [B, N + 2, H, W] of the semantic head: background, N structures, "it is on the left"."""
        if self.semantic_head is None:
            raise ValueError("this mask decoder has no semantic head")
        return self.semantic_head(detail)

    def decode(self, image: ImageEmbedding, image_pe: Tensor, sparse: Tensor, dense: Tensor) -> DecodedMasks:
        """Decode prompts on slices.

        Parameters
        ----------
        image
            The embedding of B slices.
        image_pe
            [1, C, h, w] positional encoding of the embedding grid.
        sparse
            [B, K, n, C] sparse prompt tokens.
        dense
            [B * K, C, h, w] dense prompt, added to the embedding.
        """
        b, k, n, c = sparse.shape
        output_tokens = torch.cat([self.iou_token.weight, self.mask_tokens.weight], dim=0)
        tokens = torch.cat([output_tokens.expand(b * k, -1, -1), sparse.reshape(b * k, n, c)], dim=1)
        src = torch.repeat_interleave(image.embedding, k, dim=0) + dense
        hs, src_out = self.transformer(src, image_pe.expand(b * k, -1, -1, -1), tokens)
        h, w = src.shape[-2:]
        src = src_out.transpose(1, 2).reshape(b * k, c, h, w)
        score_token, mask_token = hs[:, 0], hs[:, 1]

        upscaled = self._upscale(src, image.fine, k)
        hyper = self.output_hypernetworks_mlps[0](mask_token)
        masks = torch.einsum("pc,pchw->phw", hyper, upscaled).reshape(b, k, *upscaled.shape[-2:])
        if self.detail_hypernetwork is not None and len(image.fine) == 3:
            detail = image.fine[2]
            if self.semantic_head is not None:
                detail = torch.cat([detail, _evidence(self.read(detail)).to(detail.dtype)], dim=1)
            weights = self.detail_hypernetwork(mask_token).reshape(b, k, -1)
            masks = functional.interpolate(
                masks, size=detail.shape[-2:], mode="bilinear", align_corners=False
            )
            masks = masks + torch.einsum("bkc,bchw->bkhw", weights, detail)
        return DecodedMasks(
            masks,
            self.presence_head(score_token).reshape(b, k),
            self.iou_prediction_head(score_token)[:, 0].reshape(b, k),
        )

    def _upscale(self, src: Tensor, fine: tuple[Tensor, ...], k: int) -> Tensor:
        if not fine:
            return self.output_upscaling(src)
        first, norm, act1, second, act2 = self.output_upscaling
        x = act1(norm(first(src) + torch.repeat_interleave(fine[0], k, dim=0)))
        return act2(second(x) + torch.repeat_interleave(fine[1], k, dim=0))


def _evidence(logits: Tensor) -> Tensor:
    """What a semantic head read, as channels whose weighted sum says "this structure and this side".

    Log-odds of each structure against all else, then log-probabilities of left and of right: the side
    can only take away. [B, N + 2, H, W] to the same shape, within -2..2.
    """
    odds = torch.logit(logits[:, :-1].float().softmax(1)[:, 1:], eps=_LEAST)
    side = logits[:, -1:].float()
    sides = functional.logsigmoid(torch.cat([side, -side], dim=1)).clamp(min=math.log(_LEAST))
    return torch.cat([odds, sides], dim=1) / 4


def _sam_mlp() -> type[nn.Module]:
    """Return segment-anything's MLP class, which its package does not re-export."""
    import sys

    return sys.modules[_sam.MaskDecoder.__module__].MLP
