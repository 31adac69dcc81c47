"""Contours: polygons of a radiotherapy structure as a mask on the grid of the scan."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume, ras_mm_to_kji

from ..extra import extra

__all__ = ["mask_of_contours"]

# How far from a slice, in slices, a contour may lie and still be that slice's.
_OFF_SLICE = 0.2


def mask_of_contours(
    contours_lps_mm: Iterable[npt.NDArray[np.float64]], volume: Volume, name: str
) -> npt.NDArray[np.bool_]:
    """Fill contours slice by slice; contours on the same slice cut holes into each other (XOR).

    Parameters
    ----------
    contours_lps_mm
        Closed polygons [n, 3], millimetres in LPS, each in a slice of the scan.
    volume
        The scan that they were drawn on.
    name
        For the sentences.

    Returns
    -------
    bool [K, J, I]: voxels whose centre is inside.

    Raises
    ------
    DatasetError
        If a contour lies between slices or outside of the scan.
    """
    draw = extra("skimage.draw", "Filling contours")
    mask = np.zeros(volume.shape_kji, np.bool_)
    for points in contours_lps_mm:
        kji = ras_mm_to_kji(volume.ijk_to_ras, points * (-1.0, -1.0, 1.0))
        k = round(float(np.mean(kji[:, 0])))
        if np.abs(kji[:, 0] - k).max() > _OFF_SLICE:
            raise DatasetError(
                f"{name} has a contour that lies in no slice of {volume.name}; give the scan it was drawn on."
            )
        last = np.asarray(volume.shape_kji) - 0.5
        if not 0 <= k < mask.shape[0] or (kji < -0.5 - 1e-3).any() or (kji > last + 1e-3).any():
            raise DatasetError(
                f"{name} has a contour outside of {volume.name}; give the scan it was drawn on."
            )
        mask[k] ^= draw.polygon2mask(mask.shape[1:], kji[:, 1:])
    return mask
