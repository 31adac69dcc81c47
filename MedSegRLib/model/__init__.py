"""Model: MedSeg-R, a multimodal language model whose `[SEG]` states become masks.

Names are loaded when they are asked for, so that importing this room costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoint import load_checkpoint, open_model, read_calibration, save_checkpoint, set_precision
    from .conversation import Conversation, Turn
    from .convert import convert_sam, read_sam
    from .grounding import Grounding, GroundingConfig, resize_logits
    from .known import KNOWN_MODELS, model_folder
    from .losses import mask_losses, medsegr_loss, text_loss
    from .mask_decoder import DecodedMasks
    from .medsegr import MedSegR, MedSegRConfig, TrainingBatch, pad_states
    from .mini import build_mini_understanding
    from .pyramid import ImageEmbedding
    from .sharing import ReadPictures
    from .tiny import tiny_model
    from .understanding import SPECIAL_TOKENS, PrefixCache, States, Understanding

_PLACES = {
    "KNOWN_MODELS": "known",
    "SPECIAL_TOKENS": "understanding",
    "Conversation": "conversation",
    "DecodedMasks": "mask_decoder",
    "Grounding": "grounding",
    "GroundingConfig": "grounding",
    "ImageEmbedding": "pyramid",
    "MedSegR": "medsegr",
    "MedSegRConfig": "medsegr",
    "PrefixCache": "understanding",
    "ReadPictures": "sharing",
    "States": "understanding",
    "TrainingBatch": "medsegr",
    "Turn": "conversation",
    "Understanding": "understanding",
    "build_mini_understanding": "mini",
    "convert_sam": "convert",
    "load_checkpoint": "checkpoint",
    "mask_losses": "losses",
    "medsegr_loss": "losses",
    "model_folder": "known",
    "open_model": "checkpoint",
    "pad_states": "medsegr",
    "read_calibration": "checkpoint",
    "read_sam": "convert",
    "resize_logits": "grounding",
    "save_checkpoint": "checkpoint",
    "set_precision": "checkpoint",
    "text_loss": "losses",
    "tiny_model": "tiny",
}

__all__ = [
    "KNOWN_MODELS",
    "SPECIAL_TOKENS",
    "Conversation",
    "DecodedMasks",
    "Grounding",
    "GroundingConfig",
    "ImageEmbedding",
    "MedSegR",
    "MedSegRConfig",
    "PrefixCache",
    "ReadPictures",
    "States",
    "TrainingBatch",
    "Turn",
    "Understanding",
    "build_mini_understanding",
    "convert_sam",
    "load_checkpoint",
    "mask_losses",
    "medsegr_loss",
    "model_folder",
    "open_model",
    "pad_states",
    "read_calibration",
    "read_sam",
    "resize_logits",
    "save_checkpoint",
    "set_precision",
    "text_loss",
    "tiny_model",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
