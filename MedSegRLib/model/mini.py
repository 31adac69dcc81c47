"""Mini: the language part that ships with this repository, built from a tokenizer with random weights.

LLaVA's way with small parts: a SigLIP-type vision transformer, two linear layers, a Llama-type decoder.
A picture of 96 x 96 pixels in patches of 12 is 64 image tokens.
"""

from __future__ import annotations

from typing import Any

from .conversation import plain_template
from .understanding import SPECIAL_TOKENS, Understanding

__all__ = ["CONTROL_TOKENS", "MINI_TEMPLATE", "build_mini_understanding"]

CONTROL_TOKENS = ("<pad>", "<s>", "<|end|>", "<|user|>", "<|assistant|>", "<image>")
MINI_TEMPLATE = plain_template(
    start="<s>",
    user="<|user|>",
    assistant="<|assistant|>",
    end="<|end|>",
    image="<image>",
    lower_questions=True,
)


def build_mini_understanding(
    tokenizer: Any,
    *,
    text_hidden: int = 256,
    text_layers: int = 4,
    text_heads: int = 4,
    text_ffn: int = 640,
    vision_hidden: int = 128,
    vision_layers: int = 4,
    vision_heads: int = 4,
    vision_ffn: int = 384,
    picture_size: int = 96,
    patch: int = 12,
    max_positions: int = 2048,
) -> Understanding:
    """Build the shipped architecture around a tokenizer.

    Parameters
    ----------
    tokenizer
        A fast Hugging Face tokenizer, or a `tokenizers.Tokenizer`; the control tokens, `[SEG]`, `[REJ]`,
        `<p>` and `</p>` are added where they are missing.
    text_hidden, text_layers, text_heads, text_ffn
        Sizes of the decoder.
    vision_hidden, vision_layers, vision_heads, vision_ffn
        Sizes of the vision transformer.
    picture_size, patch
        Edge of a picture and of a patch in pixels.
    max_positions
        Most tokens of a conversation, image tokens included.
    """
    from transformers import (
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        SiglipVisionConfig,
    )
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    tokenizer = _prepared(tokenizer, max_positions)
    vision = SiglipVisionConfig(
        hidden_size=vision_hidden,
        intermediate_size=vision_ffn,
        num_hidden_layers=vision_layers,
        num_attention_heads=vision_heads,
        image_size=picture_size,
        patch_size=patch,
        vision_use_head=False,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=text_hidden,
        intermediate_size=text_ffn,
        num_hidden_layers=text_layers,
        num_attention_heads=text_heads,
        num_key_value_heads=text_heads,
        max_position_embeddings=max_positions,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=vision,
            text_config=text,
            vision_feature_layer=-1,
            vision_feature_select_strategy="full",
            image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
            image_seq_length=(picture_size // patch) ** 2,
            tie_word_embeddings=True,
        )
    )
    processor = LlavaProcessor(
        image_processor=SiglipImageProcessorPil(
            size={"height": picture_size, "width": picture_size},
            image_mean=[0.5, 0.5, 0.5],
            image_std=[0.5, 0.5, 0.5],
        ),
        tokenizer=tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="full",
        num_additional_image_tokens=0,
        chat_template=MINI_TEMPLATE,
    )
    return Understanding(model.eval(), processor)


def _prepared(tokenizer: Any, max_positions: int) -> Any:
    """Wrap and complete a tokenizer; the ids it already has stay as they are."""
    from transformers import AddedToken, PreTrainedTokenizerFast

    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    known = backend.get_vocab()
    backend.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token in (*CONTROL_TOKENS, *SPECIAL_TOKENS)
            if token not in known
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="<|end|>",
        extra_special_tokens=["<|user|>", "<|assistant|>", "<image>", *SPECIAL_TOKENS],
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=max_positions,
        clean_up_tokenization_spaces=False,
    )
