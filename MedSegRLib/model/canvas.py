"""Canvases: slices as the model sees them, and its logits back on the slices' own pixels.

A canvas is a square of at least 1 mm pixels, centred on what the scan shows; every slice of a scan has the
same one. Neighbouring slices stand in its channels. A picture is the same canvas, small, for the language
model.

Shapes: N slices, C channels (`slice_offsets_mm`), S canvas edge in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from MedSegRLib.imaging import SliceStack, Window

__all__ = ["Canvas", "CanvasFrame"]

_FOREGROUND = 0.1
_MARGIN_MM = 8.0


@dataclass(frozen=True)
class CanvasFrame:
    """Where the canvas lies on the slices of one scan.

    Attributes
    ----------
    size
        Edge S in pixels.
    pixel_mm
        Edge of a canvas pixel.
    slice_shape
        (rows, columns) of a slice in its own pixels.
    resized_shape
        (rows, columns) of a slice at `pixel_mm`.
    corner
        (row, column) of the canvas on the resized slice; negative where the canvas is larger.
    """

    size: int
    pixel_mm: float
    slice_shape: tuple[int, int]
    resized_shape: tuple[int, int]
    corner: tuple[int, int]

    @classmethod
    def of(
        cls,
        windowed: npt.NDArray[np.float32],
        spacing_mm: tuple[float, float],
        sizes: Sequence[int],
        pixel_mm: float,
    ) -> CanvasFrame:
        """Choose the smallest canvas that holds the foreground.

        Parameters
        ----------
        windowed
            [slice, row, column] in 0..1.
        spacing_mm
            Of (row, column).
        sizes
            Edges to choose from, in pixels, ascending. What is larger than the last one is made to fit by
            larger pixels.
        pixel_mm
            Pixel that the model was trained at.
        """
        foreground = windowed > _FOREGROUND
        extents, centres = [], []
        for axis, spacing in ((1, spacing_mm[0]), (2, spacing_mm[1])):
            profile = foreground.sum(axis=tuple(a for a in range(3) if a != axis)).astype(np.float64)
            share = np.cumsum(profile) / max(profile.sum(), 1.0)
            low, high = int(np.searchsorted(share, 0.002)), int(np.searchsorted(share, 0.998))
            if profile.sum() == 0:
                low, high = 0, len(profile) - 1
            extents.append((high - low + 1) * spacing)
            centres.append((low + high + 1) / 2 * spacing)
        needed = max(extents) + _MARGIN_MM
        size = next((s for s in sizes if needed <= s * pixel_mm), sizes[-1])
        pixel = max(pixel_mm, needed / size)
        shape = (int(windowed.shape[1]), int(windowed.shape[2]))
        resized = tuple(
            n if abs(mm / pixel - 1) < 0.02 else max(1, round(n * mm / pixel))
            for n, mm in zip(shape, spacing_mm, strict=True)
        )
        scale = [r / (n * mm) for r, n, mm in zip(resized, shape, spacing_mm, strict=True)]
        corner = tuple(round(c * s - size / 2) for c, s in zip(centres, scale, strict=True))
        return cls(size, pixel, shape, (resized[0], resized[1]), (corner[0], corner[1]))

    def place(self, slices: Tensor) -> Tensor:
        """Resize and crop or pad slices [N, rows, columns] to [N, S, S]."""
        if self.resized_shape != self.slice_shape:
            slices = functional.interpolate(
                slices[:, None], size=self.resized_shape, mode="bilinear", align_corners=False, antialias=True
            )[:, 0]
        padding = []
        for axis in (1, 0):
            before = -self.corner[axis]
            padding += [before, self.size - before - self.resized_shape[axis]]
        return functional.pad(slices, padding)

    def restore(self, logits: Tensor, outside: float = -20.0) -> Tensor:
        """Bring canvas logits [..., S, S] back to the slices' own pixels [..., rows, columns].

        What the canvas does not show gets the logit `outside`: nothing was found there.
        """
        padding = []
        for axis in (1, 0):
            before = self.corner[axis]
            padding += [before, self.resized_shape[axis] - self.size - before]
        flat = logits.reshape(-1, 1, self.size, self.size).float()
        flat = functional.pad(flat, padding, value=outside)
        if self.resized_shape != self.slice_shape:
            flat = functional.interpolate(flat, size=self.slice_shape, mode="bilinear", align_corners=False)
        return flat.reshape(*logits.shape[:-2], *self.slice_shape)


class Canvas:
    """All slices of a scan along a plane, windowed and placed.

    Parameters
    ----------
    stack, window
        The slices and how their grey values are windowed.
    sizes, pixel_mm
        See `CanvasFrame.of`.
    offsets_mm
        Distance of each channel from its slice, towards higher slice indices.

    Attributes
    ----------
    frame, count
        Where the canvas lies, and the number of slices.
    steps
        Distance of each channel from its slice, in slices.
    """

    def __init__(
        self,
        stack: SliceStack,
        window: Window,
        *,
        sizes: Sequence[int],
        pixel_mm: float,
        offsets_mm: Sequence[float],
    ) -> None:
        windowed = window.apply(stack.voxels)
        between, rows, columns = stack.spacing_mm
        self.frame = CanvasFrame.of(windowed, (rows, columns), sizes, pixel_mm)
        self.count = stack.count
        self.steps = tuple(round(offset / between) for offset in offsets_mm)
        self._placed = self.frame.place(torch.from_numpy(np.ascontiguousarray(windowed)))

    def images(self, indices: Sequence[int]) -> Tensor:
        """Slices with their neighbours, [N, C, S, S] in 0..1; the outermost slice stands in for none."""
        index = torch.as_tensor(list(indices))[:, None] + torch.tensor(self.steps)[None, :]
        return self._placed[index.clamp_(0, self.count - 1)]

    def grey(self) -> npt.NDArray[np.uint8]:
        """All slices, uint8 [slice, S, S]."""
        return (self._placed * 255).round().to(torch.uint8).numpy()

    def pictures(
        self, indices: Sequence[int], size: int, channels: tuple[int, int, int]
    ) -> list[npt.NDArray[np.uint8]]:
        """The same slices small, uint8 [size, size, 3], three of the channels as colours."""
        small = downscale(self.images(indices)[:, list(channels)], size)
        return list((small * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy())

    def filled(self) -> list[int]:
        """Indices of the slices that show anything at all; every slice if none does."""
        share = (self._placed > _FOREGROUND).float().mean((1, 2))
        indices = [int(i) for i in torch.nonzero(share > 0.002)[:, 0]]
        return indices or list(range(self.count))


def downscale(images: Tensor, size: int) -> Tensor:
    """Average [N, C, S, S] down to [N, C, size, size]."""
    return functional.interpolate(
        images, size=(size, size), mode="bilinear", align_corners=False, antialias=True
    )
