"""Intervals: how sure a figure is, by drawing whole patients again and again.

Figures are made of sums, so that a draw is a sum of patients' rows: a mean is a sum over a count, cIoU a sum
of intersections over a sum of unions.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["bootstrap", "patient_sums", "ratio"]

Sums = npt.NDArray[np.float64]


def patient_sums(entries: Iterable[tuple[Hashable, Sequence[float]]]) -> Sums:
    """Add up the values of each patient.

    Parameters
    ----------
    entries
        A patient, and as many values as every other entry has.

    Returns
    -------
    [patient, value]; [0, 0] of none.
    """
    sums: dict[Hashable, npt.NDArray[np.float64]] = {}
    for patient, values in entries:
        sums[patient] = sums.get(patient, 0.0) + np.asarray(values, float)
    return np.stack(list(sums.values())) if sums else np.zeros((0, 0))


def ratio(sums: Sums) -> npt.NDArray[np.float64]:
    """First over second column of [row, column]; NaN where the second is 0."""
    whole = sums[:, 1]
    return np.asarray(np.where(whole > 0, sums[:, 0] / np.where(whole > 0, whole, 1.0), np.nan))


def bootstrap(
    sums_by_patient: Sums,
    statistic: Callable[[Sums], npt.NDArray[np.float64]] = ratio,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % interval of a statistic, whole patients drawn with replacement.

    Questions about one patient are alike, so drawing them one by one would make the interval too narrow.

    Parameters
    ----------
    sums_by_patient
        As `patient_sums` gives them.
    statistic
        Makes one number of each row of sums, [row, value].
    draws, seed
        How often, and the seed that fixes the draws.
    """
    count = len(sums_by_patient)
    if not count:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).integers(0, count, (draws, count))
    times = np.zeros((draws, count))
    np.add.at(times, (np.arange(draws)[:, np.newaxis], drawn), 1.0)
    values = statistic(times @ sums_by_patient)
    if np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)
