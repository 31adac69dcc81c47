"""Ground: the answer's own words on every slice in one batched pass, and a mask for each `[SEG]`.

No text is written per slice: question and answer are read behind each slice's picture, so that each
`[SEG]` gets that slice's own state. What does not depend on the question (embedding, read picture) is
taken from memory.

Shapes: B slices, K `[SEG]` of the answer, [h, w] the decoder's output size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from MedSegRLib.model import Conversation, DecodedMasks, ImageEmbedding, MedSegR, ReadPictures, resize_logits
from MedSegRLib.model.canvas import Canvas

from .evidence import Look
from .memory import Memory, SliceMemory, join, split

__all__ = ["Grounder", "encoder_images", "looks_of"]

_ENCODED_TOGETHER = 16
_DECODED_TOGETHER = 48  # slices times findings
# segment-anything's own normalisation of 0..255 colours.
_SAM_MEAN, _SAM_SD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Grounder:
    """A model in front of the slices of one scan."""

    model: MedSegR
    canvas: Canvas
    memory: Memory

    def batches(self, slices: Sequence[int], findings: int) -> Iterator[list[int]]:
        """Part slices into what is decoded together."""
        size = max(1, min(_ENCODED_TOGETHER, _DECODED_TOGETHER // max(findings, 1)))
        for start in range(0, len(slices), size):
            yield list(slices[start : start + size])

    @torch.inference_mode()
    def recall(self, slices: Sequence[int]) -> tuple[ImageEmbedding, ReadPictures]:
        """Embeddings and read pictures of slices; only those that are not remembered are made."""
        known: dict[int, SliceMemory] = {}
        for index in slices:
            found = self.memory.get(index)
            if found is not None:
                known[index] = found
        missing = [index for index in slices if index not in known]
        if missing:
            embedding = self.model.encode(self._images(missing))
            read = self.model.understanding.read_pictures(self.pictures(missing))
            # Through half precision at once: a first answer and a repeated one are then the same.
            for index, made in zip(missing, split(embedding, read), strict=True):
                known[index] = made
                self.memory.put(index, made)
        return join([known[index] for index in slices], self.model.dtype)

    @torch.inference_mode()
    def ground(self, slices: Sequence[int], spoken: Conversation) -> list[list[Look]]:
        """Look for each `[SEG]` of a conversation's last answer on each slice, [B][K]."""
        embedding, read = self.recall(slices)
        states = self.model.understanding.answer_states(read, spoken)
        return looks_of(self.model.decode(embedding, states, read.image_states))

    def pictures(self, slices: Sequence[int]) -> list:
        """Slices as the language model sees them, uint8 [size, size, 3]."""
        config = self.model.config
        return list(self.canvas.pictures(slices, config.picture_size, config.picture_channels))

    def restore(self, logits: Tensor) -> Tensor:
        """Bring logits [N, h, w] to the slices' own pixels, float32 [N, rows, columns]."""
        size = self.canvas.frame.size
        if logits.shape[-2:] != (size, size):
            logits = resize_logits(logits[None], (size, size))[0]
        return self.canvas.frame.restore(logits.float())

    def _images(self, slices: Sequence[int]) -> Tensor:
        images = encoder_images(self.canvas, slices, self.model.grounding.config.encoder)
        return images.to(self.model.device, self.model.dtype)


def encoder_images(canvas: Canvas, slices: Sequence[int], encoder: str) -> Tensor:
    """Slices as an image encoder of the kind "pyramid" or "vit" takes them, float32 [N, C, S, S]."""
    images = canvas.images(slices)
    if encoder == "vit":
        mean, sd = (torch.tensor(values)[:, None, None] for values in (_SAM_MEAN, _SAM_SD))
        images = (images * 255.0 - mean) / sd
    return images


def looks_of(decoded: DecodedMasks) -> list[list[Look]]:
    """Part decoded masks into single looks, [B][K]."""
    # Half precision is enough to tell which side of the threshold a pixel lies on.
    logits = decoded.mask_logits.float().clamp(-1e4, 1e4).to(torch.float16).cpu()
    presence = decoded.presence_logits.float().sigmoid().tolist()
    quality = decoded.quality.float().clamp(0.0, 1.0).tolist()
    return [
        [Look(logits[b, k].clone(), presence[b][k], quality[b][k]) for k in range(logits.shape[1])]
        for b in range(logits.shape[0])
    ]
