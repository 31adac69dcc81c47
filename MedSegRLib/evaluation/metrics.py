"""Metrics: how near a mask is to the truth, and how often an answer is right.

Masks are bool [K, J, I]. Two empty masks agree (Dice, IoU and surface Dice 1, distance 0); one empty mask is
a miss: Dice, IoU and surface Dice 0, distance `MISS_MM`, as is customary.

Surfaces are the voxels with a face to the outside, distances between them come from SimpleITK's maps; along
an axis of one voxel (a picture) nothing is outside, so that a border is a line there.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

__all__ = [
    "MISS_MM", "SURFACE_TOLERANCE_MM", "Bin", "dice", "ece", "hausdorff_mm", "hd95_mm", "iou", "reliability",
    "right_target", "surface_dice", "surface_gaps_mm", "surface_share",
]  # fmt: skip

Mask = npt.NDArray[np.bool_]
Gaps = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]
ValueT = TypeVar("ValueT")

MISS_MM = 100.0
SURFACE_TOLERANCE_MM = 2.0


def dice(found: Mask, truth: Mask) -> float:
    """Dice coefficient, 0 to 1."""
    total = int(found.sum()) + int(truth.sum())
    return 1.0 if total == 0 else 2.0 * int((found & truth).sum()) / total


def iou(found: Mask, truth: Mask) -> float:
    """Intersection over union, 0 to 1."""
    union = int((found | truth).sum())
    return 1.0 if union == 0 else int((found & truth).sum()) / union


def hd95_mm(found: Mask, truth: Mask, spacing_mm: Sequence[float], percent: float = 95.0) -> float:
    """Hausdorff distance between surfaces: the larger of both directed 95th percentiles.

    Parameters
    ----------
    found, truth
        bool [K, J, I].
    spacing_mm
        Along I, J, K, as of `Volume.spacing_mm`.
    percent
        100 for the plain Hausdorff distance.

    Returns
    -------
    Millimetres between centres of surface voxels.
    """
    return hausdorff_mm(surface_gaps_mm(found, truth, spacing_mm), percent)


def surface_dice(
    found: Mask, truth: Mask, spacing_mm: Sequence[float], tolerance_mm: float = SURFACE_TOLERANCE_MM
) -> float:
    """Share of both surfaces' voxels that lie within a tolerance of the other surface, 0 to 1.

    Parameters
    ----------
    found, truth, spacing_mm
        As of `hd95_mm`.
    tolerance_mm
        A distance that counts as none.
    """
    return surface_share(surface_gaps_mm(found, truth, spacing_mm), tolerance_mm)


def hausdorff_mm(gaps: Gaps, percent: float = 95.0) -> float:
    """What `hd95_mm` is, of distances that are known."""
    return float(max(np.percentile(values, percent) for values in gaps))


def surface_share(gaps: Gaps, tolerance_mm: float = SURFACE_TOLERANCE_MM) -> float:
    """What `surface_dice` is, of distances that are known."""
    near = sum(int((values <= tolerance_mm).sum()) for values in gaps)
    return near / sum(len(values) for values in gaps)


def surface_gaps_mm(found: Mask, truth: Mask, spacing_mm: Sequence[float]) -> Gaps:
    """Distance of every surface voxel of each mask from the other mask's surface, as of `hd95_mm`.

    Returns
    -------
    Millimetres, of the voxels of `found` and of `truth`; one value each where a mask is empty.
    """
    if not found.any() or not truth.any():
        gap = np.array([0.0 if found.any() == truth.any() else MISS_MM])
        return gap, gap
    # Cropped to both masks and one voxel around: distances inside do not change, the maps get small.
    box = tuple(slice(int(where.min()), int(where.max()) + 1) for where in np.nonzero(found | truth))
    axes = [axis for axis in range(3) if found.shape[axis] > 1]
    margin = [(1, 1) if axis in axes else (0, 0) for axis in range(3)]
    surfaces = [_surface(np.pad(mask[box], margin), axes) for mask in (found, truth)]
    gaps = []
    for here, there in ((surfaces[0], surfaces[1]), (surfaces[1], surfaces[0])):
        image = sitk.GetImageFromArray(there.astype(np.uint8))
        image.SetSpacing([float(step) for step in spacing_mm])
        to_there = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
        # Inside the one-voxel surface the signed distance may be below 0: it is at the surface.
        gaps.append(np.maximum(sitk.GetArrayFromImage(to_there)[here], 0.0))
    return gaps[0], gaps[1]


def _surface(mask: Mask, axes: Sequence[int]) -> Mask:
    """Voxels of a padded mask with a neighbour outside along one of the axes."""
    inner = mask.copy()
    for axis in axes:
        for step in (-1, 1):
            inner &= np.roll(mask, step, axis)
    return mask & ~inner


def right_target(found: Set[ValueT], expected: Set[ValueT]) -> bool:
    """Whether exactly the expected (structure, side) parts were found, none missing, none more."""
    return set(found) == set(expected)


@dataclass(frozen=True)
class Bin:
    """Masks of about one confidence: from `low` to `high`, their number, mean and the share of right ones."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


def reliability(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> tuple[Bin, ...]:
    """The reliability curve: how many are right of those with about the same confidence.

    Parameters
    ----------
    confidence
        0 to 1.
    right
        Whether each was right.
    bins
        Number of equal bins; a value on a border is in the upper bin, 1 in the last.

    Returns
    -------
    The bins that are not empty, rising.
    """
    if len(confidence) != len(right):
        raise ValueError(f"{len(confidence)} confidences and {len(right)} outcomes")
    values, outcomes = np.asarray(confidence, float), np.asarray(right, float)
    which = np.minimum((values * bins).astype(int), bins - 1)
    return tuple(
        Bin(
            b / bins,
            (b + 1) / bins,
            int(mine.sum()),
            float(values[mine].mean()),
            float(outcomes[mine].mean()),
        )
        for b in np.unique(which).tolist()
        for mine in [which == b]
    )


def ece(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error: mean gap between confidence and share of right ones.

    Parameters
    ----------
    confidence, right, bins
        As of `reliability`.

    Returns
    -------
    0 to 1, each bin weighted by its number; NaN of none.
    """
    curve = reliability(confidence, right, bins)
    if not curve:
        return float("nan")
    return sum(b.count * abs(b.confidence - b.right) for b in curve) / len(confidence)
