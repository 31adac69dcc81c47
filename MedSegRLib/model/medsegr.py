"""MedSegR: understanding and grounding joined, so that each `[SEG]` becomes a mask.

A `[SEG]` state becomes a sparse prompt by two linear layers (LISA, arXiv 2308.00692), and a dense prompt
by its similarity to the states of the image positions (UGround, arXiv 2510.03853). All findings of all
slices of a batch are decoded at once.

Shapes: B slices, K findings on each, D hidden size, C prompt channels, [gh, gw] image positions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .grounding import Grounding
from .losses import medsegr_loss
from .mask_decoder import DecodedMasks
from .pyramid import ImageEmbedding
from .understanding import Understanding

__all__ = ["MedSegR", "MedSegRConfig", "TrainingBatch", "pad_states"]


@dataclass(frozen=True)
class MedSegRConfig:
    """What a checkpoint was trained for: written to `config.json` under "medsegr".

    `plane` is that of a scan's slices where nobody asks for another; `other_planes` may be asked for.
    """

    name: str = "medsegr"
    version: str = "0"
    plane: str = "axial"
    other_planes: tuple[str, ...] = ()
    pixel_mm: float = 1.0
    canvas_sizes: tuple[int, ...] = (192, 224, 256)
    slice_offsets_mm: tuple[float, ...] = (-3.0, -1.0, 0.0, 1.0, 3.0)
    picture_size: int = 96
    picture_channels: tuple[int, int, int] = (1, 2, 3)
    key_slices: int = 8
    offered: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    use_sparse: bool = True
    use_dense: bool = True
    similarity_dim: int = 64
    max_answer_tokens: int = 160

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `config.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MedSegRConfig:
        """Read what `to_dict` wrote; an unknown name is a TypeError."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise TypeError(f"unknown settings {', '.join(unknown)}")
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**plain)

    def with_(self, **changes: Any) -> MedSegRConfig:
        """Return a copy with some values changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class TrainingBatch:
    """B conversations, of which G are about one slice each and have masks.

    `text` is a batch of `Understanding.batch(training=True)`; `rows` int64 [G] says which conversations
    have masks; `images` [G, C, H, W]; `masks` bool [G, K, H, W], the masks of the `[SEG]` tokens of each
    in their order, filled up with empty ones; an absent target is an empty mask. A conversation may have
    several pictures: the slice is picture number `picture`.
    """

    text: dict[str, Tensor]
    rows: Tensor | None = None
    images: Tensor | None = None
    masks: Tensor | None = None
    picture: int = 0


class MedSegR(nn.Module):
    """The whole model.

    Parameters
    ----------
    understanding
        The multimodal language model.
    grounding
        Image encoder and mask decoder.
    config
        What the checkpoint is for.
    """

    def __init__(self, understanding: Understanding, grounding: Grounding, config: MedSegRConfig) -> None:
        super().__init__()
        self.understanding, self.grounding, self.config = understanding, grounding, config
        # What calibration.json of its folder says; empty for a model that was not calibrated.
        self.calibration: Mapping[str, Any] = {}
        hidden = understanding.hidden_size
        self.seg_projector = nn.Sequential(
            nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, grounding.config.embed_dim)
        )
        self.similarity_seg = nn.Linear(hidden, config.similarity_dim)
        self.similarity_image = nn.Linear(hidden, config.similarity_dim)
        self.similarity_scale = nn.Parameter(torch.tensor(math.log(4.0)))
        self.similarity_bias = nn.Parameter(torch.tensor(0.0))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.similarity_bias.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the weights."""
        return self.similarity_bias.dtype

    def project(self, seg_states: Tensor, image_states: Tensor) -> tuple[Tensor, Tensor]:
        """Turn states into prompts.

        Parameters
        ----------
        seg_states
            [B, K, D] states that predict `[SEG]`.
        image_states
            [B, gh, gw, D] states of the image positions of the same slices.

        Returns
        -------
        seg_prompts
            [B, K, C].
        similarity
            [B, K, gh, gw] in -1..1.
        """
        prompts = self.seg_projector(seg_states)
        seg = functional.normalize(self.similarity_seg(seg_states), dim=-1)
        image = functional.normalize(self.similarity_image(image_states), dim=-1)
        cosine = torch.einsum("bkd,bhwd->bkhw", seg, image)
        return prompts, torch.tanh(self.similarity_scale.exp() * cosine + self.similarity_bias)

    def encode(self, images: Tensor) -> ImageEmbedding:
        """Embed slices [B, C, H, W], windowed to 0..1 (pyramid) or normalised as SAM wants them (vit)."""
        return self.grounding.encode(images)

    def decode(self, image: ImageEmbedding, seg_states: Tensor, image_states: Tensor) -> DecodedMasks:
        """Decode K findings on each of B slices from their states; see `project`."""
        prompts, similarity = self.project(seg_states, image_states)
        return self.decode_prompts(image, prompts, similarity)

    def decode_prompts(self, image: ImageEmbedding, prompts: Tensor, similarity: Tensor) -> DecodedMasks:
        """Decode prompts that `project` made, without the kind that the checkpoint does without."""
        if not self.config.use_sparse:
            prompts = torch.zeros_like(prompts)
        return self.grounding.decode(image, prompts, similarity if self.config.use_dense else None)

    def training_losses(self, batch: TrainingBatch, *, seg_gradient: float = 1.0) -> dict[str, Tensor]:
        """Weighted terms of the loss of a batch; their sum is what is minimised.

        Parameters
        ----------
        batch
            Conversations, and the slices and masks of some of them.
        seg_gradient
            Share of the masks' gradient that goes back into the language model.

        Raises
        ------
        ValueError
            If a conversation has more `[SEG]` tokens than masks.
        """
        states = self.understanding.forward_states(batch.text, logits=True)
        assert states.logits is not None
        decoded, masks, asked = None, None, None
        if batch.rows is not None and batch.images is not None and batch.masks is not None:
            rows = batch.rows.tolist()
            every = self.understanding.seg_states(batch.text, states.hidden)
            seg, asked = pad_states([every[i] for i in rows], batch.masks.shape[1])
            pictures = self.understanding.image_states(batch.text, states.hidden)
            image = torch.stack([pictures[i][batch.picture] for i in rows])
            seg, image = _scaled_gradient(seg, seg_gradient), _scaled_gradient(image, seg_gradient)
            decoded, masks = self.decode(self.encode(batch.images), seg, image), batch.masks
        return medsegr_loss(states.logits, batch.text["labels"], decoded, masks, asked)


def pad_states(states: Sequence[Tensor], count: int | None = None) -> tuple[Tensor, Tensor]:
    """Fill rows of states [K_i, D] up to [B, K, D]; with bool [B, K], True where a state is real."""
    most = max((len(s) for s in states), default=0)
    count = most if count is None else count
    if most > count:
        raise ValueError(f"A conversation has {most} [SEG] tokens but only {count} masks.")
    padded = torch.stack([functional.pad(s, (0, 0, 0, count - len(s))) for s in states])
    asked = torch.arange(count, device=padded.device) < torch.tensor(
        [[len(s)] for s in states], device=padded.device
    )
    return padded, asked


def _scaled_gradient(states: Tensor, share: float) -> Tensor:
    return states if share == 1.0 else states * share + states.detach() * (1 - share)
