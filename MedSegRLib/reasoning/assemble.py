"""Assemble: from looks at slices to masks in 3-D on the scan's own grid.

Presence is decided from all slices, with hysteresis along the axis; thin slices are smoothed with their
neighbours, since each was looked at alone; where two findings dispute a boundary the higher logit wins;
small islands are dropped. Words play no part: only numbers decide.

Shapes: canonical masks are [slice, row, column], finished ones [K, J, I].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
import torch
from torch import Tensor

from MedSegRLib.imaging import SliceStack

from .calibration import Calibration
from .evidence import Evidence, Look

__all__ = ["Assembled", "assemble", "hysteresis", "keep_components", "settle", "smoothed"]

BoolArray = npt.NDArray[np.bool_]
Restore = Callable[[Tensor], Tensor]

_ISLAND = 0.1
# A neighbour's share of a smoothed slice, and how far apart slices may lie to show much the same.
_NEIGHBOUR, _NEAR_MM = 0.25, 2.0
_NESTED = 0.5
_RESTORED_TOGETHER = 16


@dataclass(frozen=True)
class Assembled:
    """A phrase's mask, bool [K, J, I] and not empty, and its confidence."""

    phrase: str
    mask: BoolArray
    confidence: float


def assemble(
    evidence: Evidence, stack: SliceStack, restore: Restore, calibration: Calibration
) -> list[Assembled]:
    """Put the looks of an answer together; a phrase that comes out empty is left out.

    Parameters
    ----------
    evidence
        Looks by phrase and slice.
    stack
        The slices that were looked at.
    restore
        Brings logits [N, h, w] to the slices' own pixels [N, rows, columns].
    calibration
        Thresholds.
    """
    threshold = calibration.mask_threshold_logit
    near = stack.spacing_mm[0] <= _NEAR_MM
    masks: dict[str, BoolArray] = {}
    for phrase, looks in evidence.looks.items():
        presence = {index: look.presence for index, look in looks.items()}
        kept = hysteresis(presence, calibration.presence_low, calibration.presence_high)
        mask = np.zeros(stack.voxels.shape, dtype=np.bool_)
        for start in range(0, len(kept), _RESTORED_TOGETHER):
            some = kept[start : start + _RESTORED_TOGETHER]
            logits = restore(torch.stack([smoothed(looks, index, near) for index in some]))
            mask[list(some)] = (logits > threshold).cpu().numpy()
        if mask.any():
            masks[phrase] = mask

    def logits_of(phrase: str, index: int) -> npt.NDArray[np.float32]:
        return restore(smoothed(evidence.looks[phrase], index, near)[None])[0].cpu().numpy()

    settle(masks, logits_of)
    assembled = []
    for phrase, mask in masks.items():
        mask = keep_components(mask)
        if mask.any():
            score = _score(mask, evidence.looks[phrase])
            assembled.append(Assembled(phrase, stack.scatter(mask), calibration.confidence(score)))
    return assembled


def hysteresis(presence: Mapping[int, float], low: float, high: float) -> tuple[int, ...]:
    """Choose the slices on which something is.

    A run of slices whose presence stays at `low` or above is kept if its best one reaches `high`. A
    slice that was not looked at ends a run.

    Examples
    --------
    >>> hysteresis({0: 0.4, 1: 0.9, 2: 0.35, 3: 0.1, 4: 0.4, 6: 0.6}, 0.3, 0.5)
    (0, 1, 2, 6)
    """
    kept: list[int] = []
    run: list[int] = []
    for index in [*sorted(index for index, value in presence.items() if value >= low), None]:
        if run and (index is None or index != run[-1] + 1):
            if max(presence[i] for i in run) >= high:
                kept += run
            run = []
        if index is not None:
            run.append(index)
    return tuple(kept)


def smoothed(looks: Mapping[int, Look], index: int, near: bool) -> Tensor:
    """Logits of a slice, float32 [h, w], averaged with those of both its neighbours where these are `near`.

    A slice at the end of what was looked at stays as it is.
    """
    own = looks[index].logits.float()
    if not near or index - 1 not in looks or index + 1 not in looks:
        return own
    beside = looks[index - 1].logits.float() + looks[index + 1].logits.float()
    return (1 - 2 * _NEIGHBOUR) * own + _NEIGHBOUR * beside


def settle(masks: Mapping[str, BoolArray], logits_of: Callable[[str, int], npt.NDArray[np.float32]]) -> None:
    """Settle disputed boundaries, in place: of two findings the one of the higher logit gets the pixel.

    Where more than half of the smaller lies in the larger, they are one within the other or the same
    thing under two names ("brain" and "hippocampus"): both keep their pixels.

    Parameters
    ----------
    masks
        Phrase -> bool [slice, row, column].
    logits_of
        Logits [row, column] of a phrase on a slice.
    """
    disputes = []
    for first, second in combinations(masks, 2):
        both = masks[first] & masks[second]
        smaller = min(np.count_nonzero(masks[first]), np.count_nonzero(masks[second]))
        if 0 < np.count_nonzero(both) <= _NESTED * smaller:
            disputes.append((first, second, both))
    for first, second, both in disputes:
        for index in np.flatnonzero(both.any(axis=(1, 2))).tolist():
            first_wins = logits_of(first, index) >= logits_of(second, index)
            masks[second][index] &= ~(both[index] & first_wins)
            masks[first][index] &= ~(both[index] & ~first_wins)


def keep_components(mask: BoolArray, share: float = _ISLAND) -> BoolArray:
    """Keep the largest 3-D component and those of at least a share of it; corners connect."""
    where = np.nonzero(mask)
    if len(where[0]) == 0:
        return mask
    box = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in where)
    labels = sitk.GetArrayFromImage(
        sitk.ConnectedComponent(sitk.GetImageFromArray(mask[box].astype(np.uint8)), True)
    )
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept = np.zeros_like(mask)
    kept[box] = (sizes >= share * sizes.max())[labels] & mask[box]
    return kept


def _score(mask: BoolArray, looks: Mapping[int, Look]) -> float:
    """Mean of quality x presence over the slices of a mask, by area."""
    areas = mask.sum(axis=(1, 2))
    slices: Sequence[int] = np.flatnonzero(areas).tolist()
    return float(
        np.average(
            [looks[index].quality * looks[index].presence for index in slices],
            weights=[areas[index] for index in slices],
        )
    )
