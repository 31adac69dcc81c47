"""Fifth stage, masks: the language model stands still, and the whole grounding learns to follow what it says.

With the language model frozen the masks gain most (SAM Meets VLM, arXiv 2609.37283); here the prompts and
the similarity maps are the real ones, errors included, and the image encoder moves too.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from MedSegRLib.model.losses import mask_losses
from MedSegRLib.model.medsegr import MedSegR, pad_states

from .grounding_stage import dense_losses
from .joint_batches import JointBatch, JointBatches

__all__ = ["MaskStage"]


class MaskStage:
    """Modules and loss of the last stage."""

    name = "masks"

    def __init__(self, model: MedSegR, batches: JointBatches) -> None:
        self.batches = batches
        model.requires_grad_(False)
        model.grounding.requires_grad_(True)
        self.modules = nn.ModuleDict({"model": model})

    def losses(self, batch: JointBatch) -> Mapping[str, Tensor]:
        """Mask, presence and quality terms of the prompts, and the dense ones."""
        model: MedSegR = self.modules["model"]  # type: ignore[assignment]
        tokens, _ = batch.pictured[-1]
        with torch.no_grad():
            model.understanding.eval()
            hidden = model.understanding.forward_states(tokens).hidden
            seg, _ = pad_states(model.understanding.seg_states(tokens, hidden), batch.parts.shape[1])
            seen = torch.stack([row[0] for row in model.understanding.image_states(tokens, hidden)])
            prompts, similarity = model.project(seg, seen)
        embedding = model.encode(batch.images.contiguous(memory_format=torch.channels_last))
        read = model.grounding.mask_decoder.read(embedding.fine[2])
        terms = dict(dense_losses(read, batch.structure.long(), batch.side, batch.unknown))
        # Each prompt alone now and then, so that neither is only the other's echo.
        prompts = torch.zeros_like(prompts) if batch.without == "sparse" else prompts
        decoded = model.grounding.decode(embedding, prompts, None if batch.without == "dense" else similarity)
        terms.update(mask_losses(decoded, batch.masks, batch.parts >= 0))
        return terms
