"""Pyramid encoder: a small convolutional image encoder in the place of SAM's vision transformer.

SAM's mask decoder works at a quarter of the encoder's input and a sixteenth inside; on a 200-pixel slice
that loses every thin structure. This encoder goes down and up again (a U-shaped pyramid), hands the
decoder an embedding at an eighth, and its finer levels for the mask upscaling (HQ-SAM, SAM 2).

Conventions: images are [B, C, H, W] with neighbouring slices as channels, H and W multiples of 16,
values windowed to 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ImageEmbedding", "PyramidEncoder"]


@dataclass(frozen=True)
class ImageEmbedding:
    """What an image encoder remembers of a batch of slices.

    `embedding` is [B, C, H/s, W/s]. `fine` holds levels that the mask upscaling may fuse, coarse to fine:
    at a quarter, a half and the whole of the input size; empty for segment-anything's own encoder.
    """

    embedding: Tensor
    fine: tuple[Tensor, ...] = ()

    def __getitem__(self, index: slice | Tensor) -> ImageEmbedding:
        return ImageEmbedding(self.embedding[index], tuple(level[index] for level in self.fine))

    def __len__(self) -> int:
        return int(self.embedding.shape[0])


class _Block(nn.Sequential):
    """Two 3 x 3 convolutions, each followed by batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class PyramidEncoder(nn.Module):
    """U-shaped pyramid over slices; `widths` are the channels at strides 2, 4, 8, 16 (and 32)."""

    stride = 8

    def __init__(self, in_channels: int, widths: tuple[int, ...], embed_dim: int, detail_dim: int) -> None:
        super().__init__()
        self.unshuffle = nn.PixelUnshuffle(2)
        inputs = (in_channels * 4, *widths[:-1])
        self.down = nn.ModuleList(_Block(i, o) for i, o in zip(inputs, widths, strict=True))
        self.up = nn.ModuleList(
            _Block(coarse + fine, fine) for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.neck = nn.Conv2d(widths[2], embed_dim, 1)
        self.fine_quarter = nn.Conv2d(widths[1], embed_dim // 4, 1)
        self.fine_half = nn.Conv2d(widths[0], embed_dim // 8, 1)
        self.detail = nn.Conv2d(widths[0], detail_dim * 4, 1)
        self.detail_image = nn.Conv2d(in_channels, detail_dim, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, images: Tensor) -> ImageEmbedding:
        """Embed slices [B, C, H, W]."""
        x = self.unshuffle(images).contiguous(memory_format=torch.channels_last)
        skips = []
        for level, block in enumerate(self.down):
            if level:
                x = functional.max_pool2d(x, 2)
            x = block(x)
            skips.append(x)
        ups = {len(self.down) - 1: x}
        for block, level in zip(self.up, range(len(self.down) - 2, -1, -1), strict=True):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, skips[level]], dim=1))
            ups[level] = x
        detail = functional.relu(self.shuffle(self.detail(ups[0])) + self.detail_image(images))
        return ImageEmbedding(self.neck(ups[2]), (self.fine_quarter(ups[1]), self.fine_half(ups[0]), detail))
