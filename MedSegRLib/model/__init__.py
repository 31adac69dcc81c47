"""Model: MedSeg-R, a multimodal language model whose `[SEG]` states become masks.

Names are loaded when they are asked for, so that importing this room costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conversation import Conversation, Turn
    from .grounding import Grounding, GroundingConfig, resize_logits
    from .losses import mask_losses, medsegr_loss, text_loss
    from .mask_decoder import DecodedMasks
    from .medsegr import MedSegR, MedSegRConfig, TrainingBatch, pad_states
    from .mini import build_mini_understanding
    from .pyramid import ImageEmbedding
    from .understanding import SPECIAL_TOKENS, PrefixCache, States, Understanding

_PLACES = {
    "SPECIAL_TOKENS": "understanding",
    "Conversation": "conversation",
    "DecodedMasks": "mask_decoder",
    "Grounding": "grounding",
    "GroundingConfig": "grounding",
    "ImageEmbedding": "pyramid",
    "MedSegR": "medsegr",
    "MedSegRConfig": "medsegr",
    "PrefixCache": "understanding",
    "States": "understanding",
    "TrainingBatch": "medsegr",
    "Turn": "conversation",
    "Understanding": "understanding",
    "build_mini_understanding": "mini",
    "mask_losses": "losses",
    "medsegr_loss": "losses",
    "pad_states": "medsegr",
    "resize_logits": "grounding",
    "text_loss": "losses",
}

__all__ = [
    "SPECIAL_TOKENS",
    "Conversation",
    "DecodedMasks",
    "Grounding",
    "GroundingConfig",
    "ImageEmbedding",
    "MedSegR",
    "MedSegRConfig",
    "PrefixCache",
    "States",
    "TrainingBatch",
    "Turn",
    "Understanding",
    "build_mini_understanding",
    "mask_losses",
    "medsegr_loss",
    "pad_states",
    "resize_logits",
    "text_loss",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
