"""Tiny: the shipped architecture with random weights, made in a moment, for tests and the stream."""

from __future__ import annotations

import torch

from .grounding import Grounding, GroundingConfig
from .medsegr import MedSegR, MedSegRConfig
from .mini import CONTROL_TOKENS, build_mini_understanding
from .understanding import SPECIAL_TOKENS

__all__ = ["tiny_model"]


def tiny_model(seed: int = 0) -> MedSegR:
    """Make a tiny `MedSegR` with random weights; the same seed gives the same weights.

    Its tokenizer is byte-level, so that it reads and writes any text.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    names = (*CONTROL_TOKENS, *SPECIAL_TOKENS)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({token: n for n, token in enumerate((*names, *alphabet))}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        understanding = build_mini_understanding(
            tokenizer,
            text_hidden=32,
            text_layers=2,
            text_heads=2,
            text_ffn=48,
            vision_hidden=16,
            vision_layers=1,
            vision_heads=2,
            vision_ffn=32,
        )
        grounding = Grounding(
            GroundingConfig(
                encoder="pyramid",
                image_size=(64, 64),
                embed_dim=16,
                decoder_depth=1,
                decoder_heads=2,
                decoder_mlp_dim=32,
                multimask_outputs=1,
                quality_hidden_dim=16,
                mask_in_chans=16,
                in_channels=5,
                widths=(8, 8, 16),
                detail_dim=4,
            )
        )
        config = MedSegRConfig(
            name="tiny",
            canvas_sizes=(32, 64),
            offered=("hippocampus", "amygdala"),
            regions=("brain",),
            modalities=("MR",),
            similarity_dim=8,
            max_answer_tokens=32,
        )
        return MedSegR(understanding, grounding, config).eval()
