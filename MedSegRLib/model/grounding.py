"""Grounding: from `[SEG]` prompts to masks, built of segment-anything's own parts.

The image encoder is segment-anything's vision transformer (SAM and MedSAM weights load) or the small
pyramid. A finding gives a sparse prompt, its projected `[SEG]` state (LISA, arXiv 2308.00692), and a
dense prompt, the map of its similarity to the image-position states (UGround, arXiv 2510.03853).

Shapes: B slices, K findings on each, C embedding channels, [h, w] the embedding grid, [g, g] image positions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional

from .mask_decoder import DecodedMasks, FusedMaskDecoder
from .pyramid import ImageEmbedding, PyramidEncoder
from .segment_anything import sam_modeling

__all__ = ["Grounding", "GroundingConfig"]

_VIT_GLOBAL_ATTENTION = {768: (2, 5, 8, 11), 1024: (5, 11, 17, 23), 1280: (7, 15, 23, 31)}


@dataclass(frozen=True)
class GroundingConfig:
    """Sizes of the grounding module; `image_size` is (H, W) in pixels, the size the recipe trained at."""

    encoder: Literal["pyramid", "vit"]
    image_size: tuple[int, int]
    embed_dim: int = 256
    decoder_depth: int = 2
    decoder_heads: int = 8
    decoder_mlp_dim: int = 2048
    multimask_outputs: int = 3
    quality_hidden_dim: int = 256
    mask_in_chans: int = 16
    # pyramid only
    in_channels: int = 3
    widths: tuple[int, ...] = ()
    detail_dim: int = 0
    semantic_classes: int = 0
    # vit only
    vit_dim: int = 768
    vit_depth: int = 12
    vit_heads: int = 12
    vit_window: int = 14

    def __post_init__(self) -> None:
        if self.mask_in_chans < 8:
            # segment-anything normalises over a quarter of them: over one, every mask prompt is the same.
            raise ValueError(f"mask_in_chans is {self.mask_in_chans}; a dense prompt needs at least 8")

    @classmethod
    def sam_vit_b(cls) -> GroundingConfig:
        """The configuration of segment-anything's `vit_b` at 1024, which MedSAM shares."""
        return cls(encoder="vit", image_size=(1024, 1024))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GroundingConfig:
        """Read a configuration as `to_dict` wrote it; an unknown key is a TypeError."""
        values = dict(values)
        for key in ("image_size", "widths"):
            if key in values:
                values[key] = tuple(values[key])
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `config.json`."""
        return asdict(self)

    @property
    def stride(self) -> int:
        """Pixels of the input that one position of the embedding spans."""
        return PyramidEncoder.stride if self.encoder == "pyramid" else 16


class Grounding(nn.Module):
    """Image encoder, prompt encoder and mask decoder; attribute names are segment-anything's."""

    def __init__(self, config: GroundingConfig) -> None:
        super().__init__()
        self.config = config
        sam = sam_modeling()
        grid = (config.image_size[0] // config.stride, config.image_size[1] // config.stride)
        self.image_encoder: nn.Module
        if config.encoder == "pyramid":
            self.image_encoder = PyramidEncoder(
                config.in_channels, config.widths, config.embed_dim, config.detail_dim
            )
        else:
            self.image_encoder = sam.ImageEncoderViT(
                depth=config.vit_depth,
                embed_dim=config.vit_dim,
                img_size=config.image_size[0],
                mlp_ratio=4,
                norm_layer=partial(nn.LayerNorm, eps=1e-6),
                num_heads=config.vit_heads,
                patch_size=16,
                qkv_bias=True,
                use_rel_pos=True,
                global_attn_indexes=_VIT_GLOBAL_ATTENTION.get(config.vit_dim, (config.vit_depth - 1,)),
                window_size=config.vit_window,
                out_chans=config.embed_dim,
            )
        self.prompt_encoder = sam.PromptEncoder(
            embed_dim=config.embed_dim,
            image_embedding_size=grid,
            input_image_size=config.image_size,
            mask_in_chans=config.mask_in_chans,
        )
        self.mask_decoder = FusedMaskDecoder(
            transformer_dim=config.embed_dim,
            detail_dim=config.detail_dim,
            semantic_classes=config.semantic_classes,
            num_multimask_outputs=config.multimask_outputs,
            iou_head_hidden_dim=config.quality_hidden_dim,
            transformer=sam.TwoWayTransformer(
                depth=config.decoder_depth,
                embedding_dim=config.embed_dim,
                mlp_dim=config.decoder_mlp_dim,
                num_heads=config.decoder_heads,
            ),
        )

    def _apply(self, fn: Any, recurse: bool = True) -> Grounding:
        # segment-anything computes its position codes in fp32 whatever the weights are.
        codes = self.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
        super()._apply(fn, recurse)
        moved = self.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
        if moved.dtype != codes.dtype and moved.is_floating_point():
            self.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix = codes.to(moved.device)
        return self

    def encode(self, images: Tensor) -> ImageEmbedding:
        """Embed slices [B, C, H, W]; done once a volume, whatever is asked of it."""
        embedding = self.image_encoder(images)
        return embedding if isinstance(embedding, ImageEmbedding) else ImageEmbedding(embedding)

    def decode(self, image: ImageEmbedding, seg_prompts: Tensor, similarity: Tensor | None) -> DecodedMasks:
        """Decode K findings on each of B slices.

        Parameters
        ----------
        image
            The embedding of B slices.
        seg_prompts
            [B, K, C] projected `[SEG]` states: the sparse prompts.
        similarity
            [B, K, g, g] maps in -1..1 over the whole slice, or None for segment-anything's own
            "no mask" embedding: the dense prompts.
        """
        b, k, _ = seg_prompts.shape
        h, w = image.embedding.shape[-2:]
        if similarity is None:
            dense = self.prompt_encoder.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(b * k, -1, h, w)
        else:
            maps = functional.interpolate(
                similarity.reshape(b * k, 1, *similarity.shape[-2:]).float(),
                size=(4 * h, 4 * w),
                mode="bilinear",
                align_corners=False,
            ).to(self.prompt_encoder.no_mask_embed.weight.dtype)
            _, dense = self.prompt_encoder(points=None, boxes=None, masks=maps)
        pe = self.prompt_encoder.pe_layer((h, w)).unsqueeze(0).to(image.embedding.dtype)
        return self.mask_decoder.decode(image, pe, seg_prompts.unsqueeze(2), dense)

    def load_segment_anything(self, state: dict[str, Tensor]) -> None:
        """Take the weights of a SAM or MedSAM checkpoint; keys that are neither are refused by name."""
        known = {"pixel_mean", "pixel_std"}
        missing, unexpected = self.load_state_dict(
            {key: value for key, value in state.items() if key not in known}, strict=False
        )
        missing = [key for key in missing if not key.startswith("mask_decoder.presence_head")]
        if missing or unexpected:
            raise ValueError(f"the weights do not fit: missing {missing}, unexpected {unexpected}")


def resize_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize mask logits [B, K, h, w] to a slice's own size before they are thresholded."""
    return functional.interpolate(logits.float(), size=size, mode="bilinear", align_corners=False)
