"""Outliers: which values lie far from the others, by a measure that the far ones do not spoil."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["FAR", "robust_z"]

# The limit that Iglewicz and Hoaglin recommend.
FAR = 3.5
_FEWEST = 5
# MAD of a normal distribution of standard deviation 1.
_MAD_OF_NORMAL = 0.6745


def robust_z(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Distance of each value from the median, in units of the median absolute deviation.

    The modified z-score of Iglewicz and Hoaglin (How to Detect and Handle Outliers, ASQC, 1993). All are 0
    where there are fewer than five values, or more than half are the same.

    Parameters
    ----------
    values
        One for each study, any unit, [n].

    Examples
    --------
    >>> robust_z([1.0, 2.0, 3.0, 4.0, 100.0]).round(2).tolist()
    [-1.35, -0.67, 0.0, 0.67, 65.43]
    """
    found = np.asarray(values, dtype=np.float64)
    if found.size < _FEWEST:
        return np.zeros(found.shape)
    away = found - np.median(found)
    spread = float(np.median(np.abs(away)))
    return _MAD_OF_NORMAL * away / spread if spread > 0 else np.zeros(found.shape)
