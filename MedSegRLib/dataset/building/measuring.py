"""Measuring: from arrays of part numbers and grey values to what is known of each part.

Conventions: arrays are canonical views [slice, row, column]; `crs_to_ras` acts on (column, row, slice, 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.anatomy import Side

from .facts import Part, PartFacts

__all__ = ["measure_parts", "middle_of_body_mm", "touching"]

Numbers = npt.NDArray[np.integer]
# How many voxels around a part count as its surroundings.
_AROUND = 2
# Pieces of less than this share of the largest are specks.
_SPECK = 0.05
# Nearer to the middle than this share of the body's width, a part is on neither side.
_NEAR_MIDDLE = 0.03


def measure_parts(
    numbers: Sequence[Numbers],
    parts: Sequence[Part],
    grey: npt.NDArray[np.floating],
    crs_to_ras: npt.NDArray[np.float64],
    *,
    spacing_known: bool = True,
    orientation_known: bool = True,
    middle_mm: tuple[float, float] | None = None,
) -> dict[Part, PartFacts]:
    """Measure every part.

    Parameters
    ----------
    numbers
        Arrays [slice, row, column], one per label map: 1 + the index into `parts`, 0 for none.
    parts
        What the numbers stand for.
    grey
        Grey values of the same shape.
    crs_to_ras
        4 x 4, millimetres.
    spacing_known, orientation_known
        False where 1 mm was assumed, and where nobody says how the patient lay.
    middle_mm
        Position of the body's middle along right, and the body's width; None to find them in `grey`.

    Returns
    -------
    Facts of the parts that have a voxel.
    """
    if middle_mm is None:
        middle_mm = middle_of_body_mm(grey, crs_to_ras)
    neighbours = touching(numbers, len(parts))
    single = grey.shape[0] == 1
    voxel_mm3 = float(abs(np.linalg.det(crs_to_ras[:3, :3])))
    pixel_mm2 = float(np.linalg.norm(np.cross(crs_to_ras[:3, 0], crs_to_ras[:3, 1])))
    found: dict[Part, PartFacts] = {}
    for number, part, where in _located(numbers, parts):
        box = tuple(slice(int(w.min()), int(w.max()) + 1) for w in where)
        centroid = _to_ras(crs_to_ras, np.array([float(w.mean()) for w in where]))
        array = next(a for a in numbers if a[where[0][0], where[1][0], where[2][0]] == number)
        inside, around, pieces = _in_and_around(array, number, grey, box)
        spread = float(np.concatenate((inside, around)).std()) or 1.0
        mean, beside = float(inside.mean()), float(around.mean()) if around.size else float(inside.mean())
        found[part] = PartFacts(
            part=part,
            voxels=len(where[0]),
            volume_ml=None if single or not spacing_known else len(where[0]) * voxel_mm3 / 1000.0,
            area_cm2=len(where[0]) * pixel_mm2 / 100.0 if single and spacing_known else None,
            centroid_ras_mm=(float(centroid[0]), float(centroid[1]), float(centroid[2])),
            extent_mm=_extent_mm(crs_to_ras, box) if spacing_known else None,
            lies=_side(crs_to_ras, where, centroid[0], middle_mm) if orientation_known else Side.NONE,
            pieces=pieces,
            touches=tuple(parts[n - 1] for n in sorted(neighbours.get(number, ()))),
            mean_intensity=mean,
            surrounding_intensity=beside,
            contrast=(mean - beside) / spread,
            at_edge=any(
                n > 1 and (b.start == 0 or b.stop == n) for b, n in zip(box, grey.shape, strict=True)
            ),
        )
    return found


def middle_of_body_mm(
    grey: npt.NDArray[np.floating], crs_to_ras: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Middle of the body along the patient's right, and its width there, millimetres.

    The body is what is brighter than the mean of the picture's darkest and mean value.
    """
    low = float(grey.min())
    body = np.nonzero(grey > low + 0.5 * (float(grey.mean()) - low))
    rights = [
        _to_ras(crs_to_ras, np.array(corner, dtype=float))[0]
        for corner in _corners([np.percentile(axis, (2, 98)) for axis in body])
    ]
    return (min(rights) + max(rights)) / 2.0, max(rights) - min(rights)


def touching(numbers: Sequence[Numbers], count: int) -> dict[int, set[int]]:
    """Which numbers share a face of a voxel, or a voxel where they overlap in several arrays.

    >>> a = np.array([[[1, 1, 0], [2, 0, 3]]])
    >>> touching([a], 3)
    {1: {2}, 2: {1}}
    """
    base = count + 1
    codes: set[int] = set()
    for one in numbers:
        for other in numbers:
            for axis in range(3):
                below, above = (np.moveaxis(array, axis, 0) for array in (one, other))
                codes |= _pairs(below[:-1], above[1:], base)
            if one is not other:
                codes |= _pairs(one, other, base)
    found: dict[int, set[int]] = {}
    for code in codes:
        a, b = divmod(code, base)
        found.setdefault(a, set()).add(b)
        found.setdefault(b, set()).add(a)
    return dict(sorted(found.items()))


def _pairs(one: Numbers, other: Numbers, base: int) -> set[int]:
    differ = (one != other) & (one > 0) & (other > 0)
    return set(np.unique(one[differ].astype(np.int64) * base + other[differ]).tolist())


def _located(
    numbers: Sequence[Numbers], parts: Sequence[Part]
) -> Iterator[tuple[int, Part, tuple[npt.NDArray[np.intp], ...]]]:
    """Each part with a voxel: its number, itself, and the indices of its voxels."""
    for array in numbers:
        flat = np.flatnonzero(array)
        values = array.reshape(-1)[flat]
        order = np.argsort(values, kind="stable")
        flat, values = flat[order], values[order]
        starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])[: len(values)].tolist()
        for begin, end in zip(starts, [*starts, len(values)][1:], strict=True):
            number = int(values[begin])
            yield number, parts[number - 1], np.unravel_index(flat[begin:end], array.shape)


def _in_and_around(
    array: Numbers, number: int, grey: npt.NDArray[np.floating], box: tuple[slice, ...]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating], int]:
    wider = tuple(
        slice(max(b.start - _AROUND, 0), min(b.stop + _AROUND, n))
        for b, n in zip(box, array.shape, strict=True)
    )
    mask = np.asarray(array[wider] == number)
    components = sitk.ConnectedComponentImageFilter()
    components.FullyConnectedOn()
    # Boxes are small: more threads would only wait for each other.
    components.SetNumberOfThreads(1)
    found = sitk.GetArrayFromImage(components.Execute(sitk.GetImageFromArray(mask.astype(np.uint8))))
    sizes = np.bincount(found[mask])
    values = grey[wider]
    return values[mask], values[_widened(mask) & ~mask], int((sizes >= _SPECK * sizes.max()).sum())


def _widened(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """A mask and all within `_AROUND` voxels of it along every axis."""
    wide = mask.copy()
    for axis in range(mask.ndim):
        for _ in range(_AROUND):
            before = np.moveaxis(wide, axis, 0).copy()
            after = np.moveaxis(wide, axis, 0)
            after[1:] |= before[:-1]
            after[:-1] |= before[1:]
    return wide


def _extent_mm(crs_to_ras: npt.NDArray[np.float64], box: tuple[slice, ...]) -> tuple[float, float, float]:
    """Lengths along right, anterior and superior of a box of voxels, their halves at the ends included."""
    sizes = np.array([box[2].stop - box[2].start, box[1].stop - box[1].start, box[0].stop - box[0].start])
    lengths = np.abs(crs_to_ras[:3, :3]) @ sizes
    return float(lengths[0]), float(lengths[1]), float(lengths[2])


def _side(
    crs_to_ras: npt.NDArray[np.float64],
    where: tuple[npt.NDArray[np.intp], ...],
    right_mm: float,
    middle_mm: tuple[float, float],
) -> Side:
    middle, width = middle_mm
    if abs(right_mm - middle) <= _NEAR_MIDDLE * width:
        return Side.NONE
    rights = crs_to_ras[0, 0] * where[2] + crs_to_ras[0, 1] * where[1] + crs_to_ras[0, 2] * where[0]
    share = float(np.mean(rights + crs_to_ras[0, 3] > middle))
    return Side.RIGHT if share > 0.8 else Side.LEFT if share < 0.2 else Side.NONE


def _to_ras(crs_to_ras: npt.NDArray[np.float64], slice_row_column: npt.NDArray) -> npt.NDArray[np.float64]:
    return np.asarray(crs_to_ras[:3, :3] @ slice_row_column[::-1] + crs_to_ras[:3, 3])


def _corners(ranges: Sequence[npt.NDArray]) -> Iterator[tuple[float, float, float]]:
    for s in ranges[0]:
        for r in ranges[1]:
            for c in ranges[2]:
                yield float(s), float(r), float(c)
