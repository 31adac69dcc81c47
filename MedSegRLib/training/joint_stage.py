"""Third and fourth stage: the language model learns to see, then both halves learn together.

`understanding` teaches pictures and words alone, its `[SEG]` states drawn to the prompts that the grounding
module was taught with; `joint` decodes masks from those states and lets the loss through, with the image
encoder at rest.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from MedSegRLib.model.losses import mask_losses
from MedSegRLib.model.medsegr import MedSegR, pad_states

from .joint_batches import JointBatch, JointBatches, similarity_targets
from .language_stage import deciding_marks, words_loss

__all__ = ["JointStage"]


class JointStage:
    """Modules and loss of a stage with pictures.

    Parameters
    ----------
    name
        "understanding" (no masks) or "joint".
    codes
        [parts, C], the prompts that the grounding stage used.
    """

    def __init__(
        self, name: str, model: MedSegR, batches: JointBatches, codes: Tensor, patch_head: nn.Module
    ) -> None:
        self.name, self.batches, self.codes = name, batches, codes
        self.decodes = name == "joint"
        self._marks = deciding_marks(batches.tokenizer)
        model.grounding.requires_grad_(False)
        model.grounding.mask_decoder.requires_grad_(self.decodes)
        model.grounding.prompt_encoder.requires_grad_(self.decodes)
        self.modules = nn.ModuleDict({"model": model, "patch_head": patch_head})

    def losses(self, batch: JointBatch) -> Mapping[str, Tensor]:
        """Text, patch, similarity and prompt terms; with masks, presence and quality in the joint stage."""
        model: MedSegR = self.modules["model"]  # type: ignore[assignment]
        model.grounding.image_encoder.eval()
        understanding = model.understanding
        patch, predicted, wanted = torch.zeros(()), [], []
        for tokens, patches in batch.pictured:
            hidden = understanding.forward_states(tokens).hidden
            labels = tokens["labels"][:, 1:]
            scored = labels != -100
            predicted.append(hidden[:, :-1][scored])
            wanted.append(labels[scored])
            seen = hidden[tokens["input_ids"] == understanding.image_token_id]
            logits = self.modules["patch_head"](seen).float()
            patch = patch + functional.cross_entropy(logits, patches.flatten(0, 1))
        # The slices come last.
        seg, _ = pad_states(understanding.seg_states(tokens, hidden), batch.parts.shape[1])
        image = torch.stack([row[0] for row in understanding.image_states(tokens, hidden)])
        asked = batch.parts >= 0
        prompts, similarity = model.project(seg, image)
        truth = similarity_targets(batch.masks, similarity.shape[-1])
        with torch.autocast("cpu", enabled=False):
            likely = (similarity.float() * 0.998 + 1) / 2
            missed = functional.binary_cross_entropy(likely, truth, reduction="none").mean((-2, -1))
            similar = missed[asked].mean()
            drawn = (prompts.float() - self.codes[batch.parts.clamp(min=0)])[asked].square().mean()
        head = understanding.model.get_output_embeddings()
        # Over all words alike: a mean of each kind would weigh the few on slices as much as the many others.
        text = words_loss(head(torch.cat(predicted)), torch.cat(wanted), self._marks)
        terms = {
            "text": text,
            "patch": 0.5 * patch,
            "similarity": 0.5 * torch.nan_to_num(similar),
            "prompt": (0.1 if self.decodes else 0.5) * torch.nan_to_num(drawn),
        }
        if self.decodes:
            with torch.no_grad():
                embedding = model.encode(batch.images.contiguous(memory_format=torch.channels_last))
            decoded = model.decode_prompts(embedding, prompts, similarity)
            terms.update(mask_losses(decoded, batch.masks, asked))
        return terms
