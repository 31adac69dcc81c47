"""Geometry: where a voxel lies in the patient, and how a scan is turned into canonical views.

Conventions: voxel arrays are [K, J, I]; `ijk_to_ras` acts on (i, j, k, 1) and gives
millimetres towards the patient's right, front (anterior) and head (superior); indices are
zero-based and name the centre of a voxel. A canonical view is the same array with axes
permuted and flipped, never interpolated, so the way back is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import permutations
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

ScalarT = TypeVar("ScalarT", bound=np.generic)

LPS_TO_RAS: npt.NDArray[np.float64] = np.diag([-1.0, -1.0, 1.0, 1.0])
LPS_TO_RAS.flags.writeable = False


class Plane(Enum):
    """An anatomical plane; slices lie in it and are counted across it."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"


# Anatomical axis (0 right, 1 anterior, 2 superior) that a plane's slices are counted along.
_NORMAL_AXIS = {Plane.SAGITTAL: 0, Plane.CORONAL: 1, Plane.AXIAL: 2}

# (anatomical axis, sign) that slice, row and column grow towards, so that every picture is
# shown as radiologists look at it: patient's right at the left edge, head or front on top.
_CANONICAL_DIRECTIONS: dict[Plane, tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    Plane.AXIAL: ((2, +1), (1, -1), (0, -1)),
    Plane.CORONAL: ((1, +1), (2, -1), (0, -1)),
    Plane.SAGITTAL: ((0, -1), (2, -1), (1, -1)),
}


@dataclass(frozen=True)
class AxisOrder:
    """How a canonical view [slice, row, column] is made from an acquired array [K, J, I].

    Parameters
    ----------
    axes
        For slice, row and column: the axis of the acquired array (0 is K, 1 is J, 2 is I).
    flips
        For slice, row and column: whether the acquired axis is counted backwards.
    """

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    def __post_init__(self) -> None:
        if sorted(self.axes) != [0, 1, 2] or len(self.flips) != 3:
            raise ValueError(
                f"axes {self.axes} with flips {self.flips} are no order of three axes; "
                "name each of 0 (K), 1 (J) and 2 (I) once"
            )

    def shape_canonical(self, shape_kji: tuple[int, int, int]) -> tuple[int, int, int]:
        """Shape [slice, row, column] of the view of an array of shape `shape_kji`."""
        return shape_kji[self.axes[0]], shape_kji[self.axes[1]], shape_kji[self.axes[2]]


def nearest_axes(ijk_to_ras: npt.NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    """Name the anatomical axis that each of I, J and K runs along, oblique scans included.

    The three axes are matched together, so no two of them get the same name even when a
    scan is turned by 45 degrees.

    Parameters
    ----------
    ijk_to_ras
        4 x 4, millimetres.

    Returns
    -------
    For I, J and K: (anatomical axis: 0 right, 1 anterior, 2 superior; sign +1 or -1).

    Examples
    --------
    >>> nearest_axes(np.diag([-0.5, 2.0, 3.0, 1.0]))
    ((0, -1), (1, 1), (2, 1))
    """
    columns = np.asarray(ijk_to_ras, dtype=np.float64)[:3, :3]
    cosines = columns / np.linalg.norm(columns, axis=0)
    # Rounded, so that an exact tie is broken by the order of the permutations and not by noise.
    best = max(permutations(range(3)), key=lambda p: round(sum(abs(cosines[p[n], n]) for n in range(3)), 9))
    return tuple((axis, 1 if cosines[axis, n] >= 0 else -1) for n, axis in enumerate(best))


def nearest_plane(ijk_to_ras: npt.NDArray[np.float64], array_axis: int = 0) -> Plane:
    """Name the plane whose slices are counted along an axis of the array (0 is K).

    Examples
    --------
    >>> nearest_plane(np.diag([1.0, 1.0, 5.0, 1.0])), nearest_plane(np.diag([1.0, 1.0, 5.0, 1.0]), 2)
    (<Plane.AXIAL: 'axial'>, <Plane.SAGITTAL: 'sagittal'>)
    """
    anatomical_axis, _ = nearest_axes(ijk_to_ras)[2 - array_axis]
    return next(plane for plane, normal in _NORMAL_AXIS.items() if normal == anatomical_axis)


def canonical_order(ijk_to_ras: npt.NDArray[np.float64], plane: Plane) -> AxisOrder:
    """Find the order that shows a scan in a plane as radiologists look at it.

    Axial: slices from foot to head, rows from front to back. Coronal: slices from back to
    front, rows from head to foot. Both: columns from the patient's right to the left.
    Sagittal: slices from the patient's right to the left, rows from head to foot, columns
    from front to back. Of an oblique scan the nearest axes are taken.

    Examples
    --------
    A scan whose I runs to the patient's left, J to the back and K to the head is already so:

    >>> canonical_order(np.diag([-1.0, -1.0, 1.0, 1.0]), Plane.AXIAL)
    AxisOrder(axes=(0, 1, 2), flips=(False, False, False))
    >>> canonical_order(np.diag([-1.0, -1.0, 1.0, 1.0]), Plane.SAGITTAL)
    AxisOrder(axes=(2, 0, 1), flips=(False, True, False))
    """
    by_anatomy = {axis: (2 - n, sign) for n, (axis, sign) in enumerate(nearest_axes(ijk_to_ras))}
    wanted = [(*by_anatomy[axis], sign) for axis, sign in _CANONICAL_DIRECTIONS[plane]]
    axes = tuple(array_axis for array_axis, _, _ in wanted)
    flips = tuple(acquired_sign != sign for _, acquired_sign, sign in wanted)
    return AxisOrder(axes, flips)  # type: ignore[arg-type]


def gather_canonical(acquired: npt.NDArray[ScalarT], order: AxisOrder) -> npt.NDArray[ScalarT]:
    """Show an acquired array [K, J, I] as its canonical view [slice, row, column].

    Returns
    -------
    A view: no voxel is copied, and what is written into it is written into `acquired`.

    Examples
    --------
    >>> acquired = np.arange(24).reshape(2, 3, 4)
    >>> view = gather_canonical(acquired, AxisOrder(axes=(2, 0, 1), flips=(True, False, False)))
    >>> view.shape, bool(view[0, 1, 2] == acquired[1, 2, 3])
    ((4, 2, 3), True)
    """
    view = acquired.transpose(order.axes)
    return view[tuple(slice(None, None, -1) if flip else slice(None) for flip in order.flips)]


def scatter_canonical(canonical: npt.NDArray[ScalarT], order: AxisOrder) -> npt.NDArray[ScalarT]:
    """Put a canonical array [slice, row, column] back into the acquired order [K, J, I].

    Exact inverse of `gather_canonical`, for masks, label maps and grey values alike.

    Returns
    -------
    A new C-contiguous array.

    Examples
    --------
    >>> order = AxisOrder(axes=(2, 0, 1), flips=(True, False, False))
    >>> acquired = np.arange(24).reshape(2, 3, 4)
    >>> bool((scatter_canonical(gather_canonical(acquired, order), order) == acquired).all())
    True
    """
    unflipped = canonical[tuple(slice(None, None, -1) if flip else slice(None) for flip in order.flips)]
    inverse = [order.axes.index(array_axis) for array_axis in range(3)]
    return np.array(unflipped.transpose(inverse), order="C", copy=True)


def canonical_to_ras(
    ijk_to_ras: npt.NDArray[np.float64], order: AxisOrder, shape_kji: tuple[int, int, int]
) -> npt.NDArray[np.float64]:
    """Give the matrix from (column, row, slice, 1) of a canonical view to RAS millimetres.

    Examples
    --------
    >>> order = AxisOrder(axes=(0, 1, 2), flips=(False, False, True))
    >>> matrix = canonical_to_ras(np.diag([0.5, 2.0, 3.0, 1.0]), order, (2, 3, 4))
    >>> (matrix @ (0, 0, 0, 1)).tolist()
    [1.5, 0.0, 0.0, 1.0]
    """
    crs_to_ijk = np.zeros((4, 4))
    crs_to_ijk[3, 3] = 1.0
    for canonical_axis, (array_axis, flip) in enumerate(zip(order.axes, order.flips, strict=True)):
        row, column = 2 - array_axis, 2 - canonical_axis
        crs_to_ijk[row, column] = -1.0 if flip else 1.0
        crs_to_ijk[row, 3] = shape_kji[array_axis] - 1 if flip else 0.0
    return np.asarray(ijk_to_ras, dtype=np.float64) @ crs_to_ijk


def spacing_of(ijk_to_ras: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Distance in millimetres between neighbours along I, J and K."""
    i, j, k = np.linalg.norm(np.asarray(ijk_to_ras, dtype=np.float64)[:3, :3], axis=0)
    return float(i), float(j), float(k)


def kji_to_ras_mm(ijk_to_ras: npt.NDArray[np.float64], kji: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Position of voxels, given by their array indices.

    Parameters
    ----------
    ijk_to_ras
        4 x 4, millimetres.
    kji
        [..., 3], zero-based indices into the acquired array; fractions are allowed.

    Returns
    -------
    [..., 3], RAS millimetres of the voxels' centres.

    Examples
    --------
    >>> kji_to_ras_mm(np.diag([-1.0, 2.0, 5.0, 1.0]), [1, 2, 3]).tolist()
    [-3.0, 4.0, 5.0]
    """
    ijk = np.asarray(kji, dtype=np.float64)[..., ::-1]
    return np.asarray(ijk @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3])


def ras_mm_to_kji(
    ijk_to_ras: npt.NDArray[np.float64], position_ras_mm: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Array indices [..., K J I], not rounded, of positions [..., 3] in RAS millimetres.

    Examples
    --------
    >>> ras_mm_to_kji(np.diag([-1.0, 2.0, 5.0, 1.0]), [-3.0, 4.0, 5.0]).tolist()
    [1.0, 2.0, 3.0]
    """
    offset = np.asarray(position_ras_mm, dtype=np.float64) - ijk_to_ras[:3, 3]
    ijk = np.linalg.solve(ijk_to_ras[:3, :3], offset.reshape(-1, 3).T).T.reshape(offset.shape)
    return np.asarray(ijk[..., ::-1], dtype=np.float64)


def lps_to_ijk_to_ras(
    origin_lps_mm: npt.ArrayLike, spacing_mm: npt.ArrayLike, direction: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Turn ITK's and DICOM's description of a grid into `ijk_to_ras`.

    Parameters
    ----------
    origin_lps_mm
        Centre of voxel (0, 0, 0), millimetres towards left, posterior, superior.
    spacing_mm
        Along I, J, K.
    direction
        3 x 3 or 9 numbers, row by row; its columns are the unit vectors of I, J, K in LPS.

    Examples
    --------
    >>> lps_to_ijk_to_ras((10, 20, 30), (1, 2, 3), np.eye(3)).tolist()[0]
    [-1.0, 0.0, 0.0, -10.0]
    """
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :3] = np.asarray(direction, dtype=np.float64).reshape(3, 3) * np.asarray(
        spacing_mm, dtype=np.float64
    )
    ijk_to_lps[:3, 3] = np.asarray(origin_lps_mm, dtype=np.float64)
    return LPS_TO_RAS @ ijk_to_lps


def ijk_to_ras_to_lps(
    ijk_to_ras: npt.NDArray[np.float64],
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Turn `ijk_to_ras` into (origin, spacing, direction row by row) as ITK wants them."""
    ijk_to_lps: Any = LPS_TO_RAS @ ijk_to_ras
    spacing_mm = spacing_of(ijk_to_lps)
    direction = ijk_to_lps[:3, :3] / np.asarray(spacing_mm)
    return tuple(ijk_to_lps[:3, 3].tolist()), spacing_mm, tuple(direction.ravel().tolist())
