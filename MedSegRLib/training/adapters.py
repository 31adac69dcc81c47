"""Adapters: what of a large model learns, and everything else at rest.

LoRA (Hu et al., arXiv 2106.09685) on the attention and MLP projections of the language model; of the matrices
of words only the rows of `[SEG]`, `[REJ]`, `<p>` and `</p>`; the mask decoder with its presence head, and
what turns states into prompts. Image encoder, vision tower, picture projector and prompt encoder rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from MedSegRLib.errors import UserInputError
from MedSegRLib.extras import import_extra
from MedSegRLib.model.medsegr import MedSegR
from MedSegRLib.model.understanding import SPECIAL_TOKENS

__all__ = ["Adapters"]

_OURS = ("seg_projector", "similarity_", "grounding.mask_decoder")


class Adapters:
    """Adapters in a model, put there in place and taken out again by `merge`.

    Parameters
    ----------
    model
        Stays the same object; all of it is at rest afterwards but what `trained` names.
    rank, alpha
        Size of the adapters, and their scale times the rank.

    Raises
    ------
    UserInputError
        If the package peft is missing, or the language model has no layer to adapt.
    """

    def __init__(self, model: MedSegR, *, rank: int, alpha: int) -> None:
        peft = import_extra("peft", "Fine-tuning", "train")
        self._model, language = model, model.understanding.model
        model.requires_grad_(False).eval()
        names = {module: name for name, module in language.named_modules()}
        decoder = names[language.get_decoder()]
        layers = [
            name
            for module, name in names.items()
            if isinstance(module, nn.Linear) and name.startswith(f"{decoder}.")
        ]
        if not layers:
            raise UserInputError(
                f"The language model {type(language).__name__} has no linear layer that can be adapted; "
                "start from another one."
            )
        words, head = language.get_input_embeddings(), language.get_output_embeddings()
        rows = sorted(model.understanding.processor.tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)))
        matrices = [words] if head.weight is words.weight else [words, head]
        settings = peft.LoraConfig(
            r=rank,
            lora_alpha=alpha,
            target_modules=layers,
            trainable_token_indices={names[matrix]: rows for matrix in matrices},
        )
        self._tuner: Any = peft.LoraModel(language, settings, "default")
        wrapped = (language.get_input_embeddings(), language.get_output_embeddings())
        if any(not isinstance(layer, peft.utils.other.TrainableTokensWrapper) for layer in wrapped):
            raise UserInputError(
                f"The rows of new words in {type(language).__name__} cannot be trained by this version "
                "of peft; update it."
            )
        self._language = [name for name, p in model.named_parameters() if p.requires_grad]
        ours = [name for name, _ in model.named_parameters() if name.startswith(_OURS)]
        for name in (*self._language, *ours):
            # Small steps are lost in half precision.
            model.get_parameter(name).data = model.get_parameter(name).data.float()
        self._ours = ours

    def trained(self, *, language: bool) -> Mapping[str, nn.Parameter]:
        """Let these parameters learn, and no others: with the language model's, or without."""
        names = [*self._language, *self._ours] if language else self._ours
        self._model.requires_grad_(False)
        for name in names:
            self._model.get_parameter(name).requires_grad_(True)
        return {name: self._model.get_parameter(name) for name in names}

    @torch.no_grad()
    def merge(self) -> None:
        """Put what the adapters learnt into the weights, so that the model is as it was before, but wiser."""
        self._tuner.merge_and_unload()
        language = self._model.understanding.model
        # Some versions leave their settings behind.
        language.__dict__.pop("peft_config", None)
        self._model.eval()
