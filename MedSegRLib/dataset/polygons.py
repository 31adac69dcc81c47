"""Polygons: masks of pictures as the closed outlines that ReasonSeg is written in, and back, exactly.

An outline runs through the centres of the mask's border pixels, and filling it takes the border in, as
LISA does with OpenCV; so both ways are OpenCV's own. Conventions: points are (column, row), masks bool
[row, column].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .extra import extra

__all__ = ["fill", "polygons_of"]

_FEATURE = "Drawing the polygons of ReasonSeg"
Points = Sequence[tuple[int, int]]


def fill(points_xy: npt.ArrayLike, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Fill one outline, border included; fractions of a pixel are cut off as LISA does."""
    cv2 = extra("cv2", _FEATURE)
    drawn = np.zeros(shape, np.uint8)
    outline = [np.asarray(points_xy, np.float64).astype(np.int32).reshape(-1, 1, 2)]
    cv2.polylines(drawn, outline, True, 1, 1)
    cv2.fillPoly(drawn, outline, 1)
    return drawn.astype(np.bool_)


def polygons_of(mask: npt.NDArray[np.bool_]) -> list[list[tuple[int, int]]]:
    """Outlines that do not overlap and, filled, give the mask again.

    An outline cannot have a hole, so a piece with one is cut in two at the row of the hole.
    """
    cv2 = extra("cv2", _FEATURE)
    left = [np.asarray(mask, np.bool_)]
    outlines = []
    while left:
        count, pieces = cv2.connectedComponents(left.pop().astype(np.uint8), connectivity=8)
        for number in range(1, count):
            piece = pieces == number
            found, _ = cv2.findContours(piece.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            points = [(int(x), int(y)) for x, y in found[0].reshape(-1, 2)]
            holes = np.argwhere(fill(points, piece.shape) & ~piece)
            if not holes.size:
                outlines.append(points)
                continue
            row = int(holes[0, 0])
            above = piece.copy()
            above[row + 1 :] = False
            left += [above, piece & ~above]
    return outlines
