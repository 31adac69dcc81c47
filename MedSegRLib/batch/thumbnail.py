"""Thumbnail: an answer's best slice, small enough for a page of many studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers import Answer
from MedSegRLib.answers.pictures import key_picture
from MedSegRLib.answers.png import png_bytes

__all__ = ["shrunk", "write_thumbnail"]

_LONGER_SIDE_PIXELS = 192


def write_thumbnail(answer: Answer, path: Path) -> None:
    """Write the picture of its key slice as PNG."""
    path.write_bytes(png_bytes(shrunk(key_picture(answer).rgb, _LONGER_SIDE_PIXELS)))


def shrunk(rgb: npt.NDArray[np.uint8], most: int) -> npt.NDArray[np.uint8]:
    """Average blocks of pixels, so that neither side of uint8 [row, column, 3] is longer than `most`.

    Examples
    --------
    >>> shrunk(np.full((4, 6, 3), 7, np.uint8), 3).shape
    (2, 3, 3)
    """
    step = -(-max(rgb.shape[:2]) // most)
    rows, columns = (max(1, side // step) for side in rgb.shape[:2])
    tall, wide = min(step, rgb.shape[0]), min(step, rgb.shape[1])
    blocks = rgb[: rows * tall, : columns * wide].reshape(rows, tall, columns, wide, 3)
    return np.round(blocks.mean(axis=(1, 3))).astype(np.uint8)
