"""Metrics: how near a mask is to the truth, and how often an answer is right.

Masks are bool [K, J, I]. Two empty masks agree (Dice and IoU 1, distance 0); one empty mask is a miss:
Dice and IoU 0, distance `MISS_MM`, as is customary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

__all__ = [
    "MISS_MM", "bootstrap", "ciou", "dice", "ece", "giou", "hd95_mm", "iou", "n_acc", "right_target", "t_acc",
]  # fmt: skip

Mask = npt.NDArray[np.bool_]
ValueT = TypeVar("ValueT")

MISS_MM = 100.0


def dice(found: Mask, truth: Mask) -> float:
    """Dice coefficient, 0 to 1."""
    total = int(found.sum()) + int(truth.sum())
    return 1.0 if total == 0 else 2.0 * int((found & truth).sum()) / total


def iou(found: Mask, truth: Mask) -> float:
    """Intersection over union, 0 to 1."""
    union = int((found | truth).sum())
    return 1.0 if union == 0 else int((found & truth).sum()) / union


def giou(pairs: Iterable[tuple[Mask, Mask]]) -> float:
    """Mean of the IoU of (found, truth) pairs; NaN of none."""
    values = [iou(found, truth) for found, truth in pairs]
    return float(np.mean(values)) if values else float("nan")


def ciou(pairs: Iterable[tuple[Mask, Mask]]) -> float:
    """Sum of intersections over sum of unions, which large targets dominate; NaN without any voxel."""
    intersection = union = 0
    for found, truth in pairs:
        intersection += int((found & truth).sum())
        union += int((found | truth).sum())
    return intersection / union if union else float("nan")


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
    Millimetres between centres of surface voxels (those with a face to the outside).
    """
    if not found.any() or not truth.any():
        return 0.0 if found.any() == truth.any() else MISS_MM
    # Cropped to both masks and one voxel around: distances inside do not change, the maps get small.
    box = tuple(slice(int(where.min()), int(where.max()) + 1) for where in np.nonzero(found | truth))
    surfaces = [_surface(np.pad(mask[box], 1)) for mask in (found, truth)]
    distances = []
    for here, there in ((surfaces[0], surfaces[1]), (surfaces[1], surfaces[0])):
        image = sitk.GetImageFromArray(there.astype(np.uint8))
        image.SetSpacing([float(step) for step in spacing_mm])
        to_there = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
        # Inside the one-voxel surface the signed distance may be below 0: it is at the surface.
        distances.append(np.maximum(sitk.GetArrayFromImage(to_there)[here], 0.0))
    return float(max(np.percentile(values, percent) for values in distances))


def _surface(mask: Mask) -> Mask:
    """Voxels of a padded mask with at least one of six neighbours outside."""
    inner = mask.copy()
    for axis in range(3):
        for step in (-1, 1):
            inner &= np.roll(mask, step, axis)
    return mask & ~inner


def n_acc(empty: Sequence[bool]) -> float:
    """Share of the questions about absent things that got no mask and were refused; NaN of none."""
    return float(np.mean(empty)) if len(empty) else float("nan")


def t_acc(answered: Sequence[bool]) -> float:
    """Share of the questions about present things that got a mask of the thing; NaN of none."""
    return float(np.mean(answered)) if len(answered) else float("nan")


def right_target(found: Set[ValueT], expected: Set[ValueT]) -> bool:
    """Whether exactly the expected (structure, side) parts were found, none missing, none more."""
    return set(found) == set(expected)


def ece(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error: mean gap between confidence and share of right ones.

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
    0 to 1, each bin weighted by its number; NaN of none.
    """
    if len(confidence) != len(right):
        raise ValueError(f"{len(confidence)} confidences and {len(right)} outcomes")
    if not len(confidence):
        return float("nan")
    values, outcomes = np.asarray(confidence, float), np.asarray(right, float)
    which = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [
        (which == b).mean() * abs(values[which == b].mean() - outcomes[which == b].mean())
        for b in np.unique(which)
    ]
    return float(sum(gaps))


def bootstrap(
    values_by_patient: Sequence[ValueT],
    statistic: Callable[[Sequence[ValueT]], float],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % interval of a statistic, patients drawn with replacement."""
    rng = np.random.default_rng(seed)
    count = len(values_by_patient)
    if not count:
        return float("nan"), float("nan")
    drawn = [statistic([values_by_patient[i] for i in rng.integers(0, count, count)]) for _ in range(draws)]
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return float(low), float(high)
