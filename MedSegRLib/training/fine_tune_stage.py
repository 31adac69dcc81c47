"""The stages of a fine-tuning: words and masks together, then masks with the language model at rest.

With the language model frozen the masks gain most (SAM Meets VLM, arXiv 2609.37283).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from MedSegRLib.model.losses import mask_losses
from MedSegRLib.model.medsegr import MedSegR, TrainingBatch, pad_states

from .conversations import ConversationBatch, ConversationBatches

__all__ = ["FineTuneStage"]

_IGNORED = -100
_MASKS = ("mask_ce", "mask_dice", "presence", "quality")


class FineTuneStage:
    """A stage that trains some parameters of a model.

    Parameters
    ----------
    name, batches
        Of the stage.
    model
        Where the parameters lie; it stays in evaluation mode, since what rests must not count statistics.
    trained
        The parameters that learn, by name; states and averages hold only them.
    """

    def __init__(
        self, name: str, model: MedSegR, batches: ConversationBatches, trained: Mapping[str, nn.Parameter]
    ) -> None:
        self.name, self.batches, self._model = name, batches, model
        # A dot would part a name of torch's.
        learning = nn.ParameterDict({key.replace(".", "/"): value for key, value in trained.items()})
        self.modules = nn.ModuleDict({"trained": learning})

    def losses(self, batch: ConversationBatch) -> Mapping[str, Tensor]:
        """Text, mask, presence and quality terms; without text where only masks are learnt."""
        understanding = self._model.understanding
        text = understanding.batch(batch.conversations, batch.pictures, answer_open=False, training=True)
        alone = len(batch.conversations) - len(batch.images)
        # What is said of a scan need not show on every slice of it, so it is learnt from key slices only.
        text["labels"][alone:] = _IGNORED
        device = self._model.device
        rows = torch.arange(alone, len(batch.conversations), device=device)
        images, masks = batch.images.to(device), batch.masks.to(device)
        if self.batches.words:
            there = TrainingBatch(text, rows, images, masks) if len(rows) else TrainingBatch(text)
            terms = self._model.training_losses(there)
            zero = terms["text"].new_zeros(())
            return {name: terms.get(name, zero) for name in ("text", *_MASKS)}
        with torch.no_grad():
            hidden = understanding.forward_states(text).hidden
            seg, asked = pad_states(understanding.seg_states(text, hidden), masks.shape[1])
            seen = torch.stack([row[0] for row in understanding.image_states(text, hidden)])
        return mask_losses(self._model.decode(self._model.encode(images), seg, seen), masks, asked)
