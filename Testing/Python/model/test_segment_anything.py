"""Grounding is segment-anything's: the same weights and prompts give its own masks and IoU."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from MedSegRLib.model import Grounding, GroundingConfig, ImageEmbedding
from MedSegRLib.model.segment_anything import sam_modeling

SMALL = GroundingConfig(
    encoder="vit",
    image_size=(64, 64),
    embed_dim=32,
    decoder_heads=2,
    decoder_mlp_dim=64,
    quality_hidden_dim=32,
    vit_dim=48,
    vit_depth=2,
    vit_heads=2,
    vit_window=2,
)


def _segment_anything(config: GroundingConfig, state: dict[str, torch.Tensor]) -> tuple[Any, Any, Any]:
    """segment-anything's own modules with a state, loaded strictly."""
    sam = sam_modeling()
    grid = (config.image_size[0] // 16, config.image_size[1] // 16)
    prompt = sam.PromptEncoder(
        embed_dim=config.embed_dim,
        image_embedding_size=grid,
        input_image_size=config.image_size,
        mask_in_chans=config.mask_in_chans,
    )
    decoder = sam.MaskDecoder(
        transformer_dim=config.embed_dim,
        num_multimask_outputs=3,
        iou_head_hidden_dim=config.quality_hidden_dim,
        iou_head_depth=3,
        transformer=sam.TwoWayTransformer(
            depth=2,
            embedding_dim=config.embed_dim,
            mlp_dim=config.decoder_mlp_dim,
            num_heads=config.decoder_heads,
        ),
    )
    encoder = sam.ImageEncoderViT(
        depth=config.vit_depth,
        embed_dim=config.vit_dim,
        img_size=config.image_size[0],
        mlp_ratio=4,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        num_heads=config.vit_heads,
        patch_size=16,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=(2, 5, 8, 11) if config.vit_depth == 12 else (config.vit_depth - 1,),
        window_size=config.vit_window,
        out_chans=config.embed_dim,
    )
    for module, name in (
        (encoder, "image_encoder."),
        (prompt, "prompt_encoder."),
        (decoder, "mask_decoder."),
    ):
        part = {k.removeprefix(name): v for k, v in state.items() if k.startswith(name)}
        module.load_state_dict({k: v for k, v in part.items() if not k.startswith("presence_head")})
    return encoder.eval(), prompt.eval(), decoder.eval()


def _grounding(config: GroundingConfig) -> Grounding:
    torch.manual_seed(0)
    grounding = Grounding(config).eval()
    with torch.no_grad():  # position tables start at zero, which would hide a mistake in them
        for name, value in grounding.named_parameters():
            if "pos_embed" in name or "rel_pos" in name:
                value.normal_(std=0.1)
    return grounding


@torch.no_grad()
@pytest.mark.parametrize("dense", [False, True])
def test_masks_and_iou_are_segment_anythings(dense: bool) -> None:
    grounding = _grounding(SMALL)
    encoder, prompt, decoder = _segment_anything(SMALL, grounding.state_dict())
    images = torch.randn(2, 3, 64, 64)
    sparse = torch.randn(2, 3, SMALL.embed_dim)
    maps = torch.rand(2, 3, 16, 16) * 2 - 1 if dense else None
    embedding = grounding.encode(images)
    torch.testing.assert_close(embedding.embedding, encoder(images))
    decoded = grounding.decode(embedding, sparse, maps)
    for b in range(2):
        # Maps of the prompt encoder's own size are not resized, so they are its mask prompt as it is.
        _, dense_prompt = prompt(points=None, boxes=None, masks=None if maps is None else maps[b][:, None])
        masks, quality = decoder(
            image_embeddings=embedding.embedding[b : b + 1],
            image_pe=prompt.get_dense_pe(),
            sparse_prompt_embeddings=sparse[b][:, None],
            dense_prompt_embeddings=dense_prompt,
            multimask_output=False,
        )
        torch.testing.assert_close(decoded.mask_logits[b], masks[:, 0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(decoded.quality[b], quality[:, 0], atol=1e-5, rtol=1e-4)
    assert (decoded.mask_logits.std(dim=(-2, -1)) > 1e-3).all()


@torch.no_grad()
def test_vit_b_at_1024() -> None:
    config = GroundingConfig.sam_vit_b()
    grounding = _grounding(config)
    state = grounding.state_dict()
    encoder, prompt, decoder = _segment_anything(config, state)
    # The layout of the published file: its own keys and nothing of ours.
    own = {k: v for k, v in state.items() if "presence_head" not in k}
    assert len(own) == sum(len(module.state_dict()) for module in (encoder, prompt, decoder))
    image = grounding.encode(torch.randn(1, 3, 1024, 1024))
    assert image.embedding.shape == (1, 256, 64, 64)
    sparse = torch.randn(1, 2, 256)
    decoded = grounding.decode(image, sparse, torch.rand(1, 2, 8, 8))
    assert decoded.mask_logits.shape == (1, 2, 256, 256)
    decoded = grounding.decode(image, sparse, None)
    _, dense = prompt(points=None, boxes=None, masks=None)
    masks, quality = decoder(
        image_embeddings=image.embedding,
        image_pe=prompt.get_dense_pe(),
        sparse_prompt_embeddings=sparse[0][:, None],
        dense_prompt_embeddings=dense,
        multimask_output=False,
    )
    torch.testing.assert_close(decoded.mask_logits[0], masks[:, 0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(decoded.quality[0], quality[:, 0], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_embeddings_are_taken_by_slice() -> None:
    grounding = _grounding(SMALL)
    image = ImageEmbedding(torch.randn(3, SMALL.embed_dim, 4, 4))
    sparse = torch.randn(3, 1, SMALL.embed_dim)
    every = grounding.decode(image, sparse, None).mask_logits
    assert len(image[1:]) == 2
    torch.testing.assert_close(grounding.decode(image[1:], sparse[1:], None).mask_logits, every[1:])


def test_a_mask_prompt_that_would_say_nothing_is_refused() -> None:
    """segment-anything normalises a quarter of these channels: over one channel nothing would be left."""
    with pytest.raises(ValueError, match="mask_in_chans"):
        GroundingConfig(encoder="pyramid", image_size=(32, 32), widths=(8, 8, 8), mask_in_chans=4)
