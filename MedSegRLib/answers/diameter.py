"""Diameters: how long a mask is at most, within one slice and in space, exactly.

The longest distance lies between corners of the convex hull. A corner of the hull in space is a
corner of the hull within its slice, so hulls of slices leave few points to compare.

Conventions: distances are millimetres between the centres of voxels, as of ITK's Feret diameter;
a mask of one voxel has length 0. Points are (column, row, slice) of a canonical view.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from MedSegRLib.imaging import Plane, canonical_order, canonical_to_ras, gather_canonical

_ROWS_AT_ONCE = 512


def longest_diameters_mm(
    mask: npt.NDArray[np.bool_], ijk_to_ras: npt.NDArray[np.float64], plane: Plane
) -> tuple[float, float]:
    """Longest distance within one slice of a plane, and in space.

    Parameters
    ----------
    mask
        bool [K, J, I], not empty.
    ijk_to_ras
        4 x 4, RAS millimetres; may be oblique, anisotropic or sheared.
    plane
        The plane of the slices.

    Returns
    -------
    (within a slice, in space), millimetres.
    """
    order = canonical_order(ijk_to_ras, plane)
    view = gather_canonical(mask, order)
    crs_to_ras = canonical_to_ras(ijk_to_ras, order, mask.shape)[:3, :3]
    slices = np.flatnonzero(view.any(axis=(1, 2)))
    in_plane_mm = 0.0
    corners_mm = []
    for slice_index in slices:
        corners = _hull_corners(view[slice_index])
        points = np.column_stack([corners[:, ::-1], np.full(len(corners), slice_index)])
        points_mm = points @ crs_to_ras.T
        in_plane_mm = max(in_plane_mm, _longest(points_mm))
        corners_mm.append(points_mm)
    return in_plane_mm, _longest(np.concatenate(corners_mm))


def _hull_corners(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Corners [n, (row, column)] of the convex hull of a slice's mask."""
    rows = np.flatnonzero(mask.any(axis=1))
    lines = mask[rows]
    first = lines.argmax(axis=1)
    last = mask.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
    left = _bend(np.column_stack([rows, first]), 1)
    right = _bend(np.column_stack([rows, last]), -1)
    return np.array(sorted({*left, *right}), dtype=np.int64)


def _bend(points: npt.NDArray[np.int64], turn: int) -> list[tuple[int, int]]:
    """Points of a chain, sorted by row, that bend outwards; integers, so that nothing is rounded."""
    chain: list[tuple[int, int]] = []
    for row, column in points.tolist():
        while len(chain) > 1:
            (a_row, a_column), (b_row, b_column) = chain[-2:]
            cross = (b_row - a_row) * (column - a_column) - (b_column - a_column) * (row - a_row)
            if cross * turn > 0:
                break
            chain.pop()
        chain.append((row, column))
    return chain


def _longest(points_mm: npt.NDArray[np.float64]) -> float:
    """Longest distance between any two of the points [n, 3]."""
    centred = points_mm - (points_mm.min(axis=0) + points_mm.max(axis=0)) / 2
    from_centre = np.linalg.norm(centred, axis=1)
    # A length that is there, found by walking to the far end twice, rules out points near the centre.
    far = centred[from_centre.argmax()]
    for _ in range(2):
        distance = np.linalg.norm(centred - far, axis=1)
        far = centred[distance.argmax()]
    known = float(distance.max())
    kept = centred[from_centre + from_centre.max() >= known * (1 - 1e-12)]
    longest = known
    for start in range(0, len(kept), _ROWS_AT_ONCE):
        some = kept[start : start + _ROWS_AT_ONCE]
        rest = kept[start:]
        squared = (some**2).sum(axis=1)[:, None] + (rest**2).sum(axis=1) - 2 * some @ rest.T
        a, b = np.unravel_index(squared.argmax(), squared.shape)
        longest = max(longest, float(np.linalg.norm(some[a] - rest[b])))
    return longest
