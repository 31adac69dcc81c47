"""Outlines: a slice enlarged to the proportions of its millimetres, with the findings' borders on it.

Conventions: slices and masks are [row, column]; pictures are uint8 [row, column, 3]; the outer edges of
slice and picture coincide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Colour = tuple[float, float, float]

_SHORTER_SIDE_PIXELS = 480
_LONGER_SIDE_PIXELS = 960
_OVERSAMPLING = 2  # borders are drawn finer and averaged, so that they are smooth


def picture_size(shape: tuple[int, int], spacing_mm: tuple[float, float]) -> tuple[int, int]:
    """Pixels (rows, columns) of the picture of a slice.

    The shorter side gets 480 pixels, unless the longer one would get more than 960 then.

    Examples
    --------
    >>> picture_size((20, 100), (5.0, 0.5))
    (960, 480)
    """
    extent = [count * step for count, step in zip(shape, spacing_mm, strict=True)]
    scale = min(_SHORTER_SIDE_PIXELS / min(extent), _LONGER_SIDE_PIXELS / max(extent))
    rows, columns = (max(1, round(side * scale)) for side in extent)
    return rows, columns


def draw_slice(
    windowed: npt.NDArray[np.float32],
    masks: Sequence[npt.NDArray[np.bool_]],
    colours: Sequence[Colour],
    spacing_mm: tuple[float, float],
) -> npt.NDArray[np.uint8]:
    """Draw a slice with the border of each mask in its colour, about 2 pixels wide.

    Parameters
    ----------
    windowed
        Grey values 0 to 1, [row, column].
    masks, colours
        For each finding: bool [row, column], and red, green, blue from 0 to 1. Later ones lie on top.
    spacing_mm
        Millimetres between rows and between columns.
    """
    size = picture_size((windowed.shape[0], windowed.shape[1]), spacing_mm)
    grey = enlarge(windowed, size)
    picture = np.repeat(grey[..., np.newaxis], 3, axis=2)
    for mask, colour in zip(masks, colours, strict=True):
        cover = _border(mask, size)[..., np.newaxis]
        picture = picture * (1 - cover) + np.asarray(colour) * cover
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), dtype=np.uint8)


def enlarge(values: npt.NDArray[np.floating], size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Resize [row, column] to `size`: averaged where it gets smaller, linear in between where larger."""
    enlarged = _resize_rows(np.asarray(values, dtype=np.float64), size[0])
    return _resize_rows(enlarged.T, size[1]).T


def _resize_rows(values: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    step = len(values) / count
    if step > 1:
        # The mean over what each new row covers, by way of the running sum.
        edges = np.arange(count + 1) * step
        running = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(axis=0)])
        return np.diff(_between_rows(running, edges), axis=0) / step
    return _between_rows(values, (np.arange(count) + 0.5) * step - 0.5)


def _between_rows(
    values: npt.NDArray[np.float64], position: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    position = np.clip(position, 0, len(values) - 1)
    before = np.floor(position).astype(np.intp)
    after = np.minimum(before + 1, len(values) - 1)
    share = (position - before)[:, np.newaxis]
    return np.asarray(values[before] * (1 - share) + values[after] * share)


def _border(mask: npt.NDArray[np.bool_], size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """How much of each pixel the border of a mask covers, 0 to 1."""
    if not mask.any():
        return np.zeros(size)
    fine = (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING)
    amount = enlarge(mask.astype(np.float64), fine)
    # In a picture smaller than its slice a thin mask may cover half of no pixel; it is shown all the same.
    inside = np.pad(amount >= min(0.5, amount.max() / 2), 1)
    core = inside
    for _ in range(2 * _OVERSAMPLING):
        # A pixel stays where it and its four neighbours are inside; the picture's edge is outside.
        kept = core.copy()
        kept[1:-1, 1:-1] &= core[:-2, 1:-1] & core[2:, 1:-1] & core[1:-1, :-2] & core[1:-1, 2:]
        core = kept
    ring = (inside & ~core)[1:-1, 1:-1]
    return np.asarray(ring.reshape(size[0], _OVERSAMPLING, size[1], _OVERSAMPLING).mean(axis=(1, 3)))
