"""Arrays that nobody can change, copied only where somebody could."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def read_only(array: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The array itself if it is read-only already and nobody else's, else a read-only copy.

    Examples
    --------
    >>> mask = read_only([[0, 1]], np.bool_)
    >>> mask.flags.writeable, read_only(mask, np.bool_) is mask
    (False, True)
    """
    found = np.asarray(array)
    flags = found.flags
    if found.dtype == dtype and flags.c_contiguous and flags.owndata and not flags.writeable:
        return found
    copy = np.array(found, dtype=dtype, order="C", copy=True)
    copy.flags.writeable = False
    return copy
