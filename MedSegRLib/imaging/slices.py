"""Slices: the two-dimensional pictures that the model sees, and the way back to the scan's grid.

A slice is a plane of the volume's canonical view: the same voxels, axes permuted and flipped.
Nothing is interpolated and nothing is windowed here, so the way back is exact.

Conventions: acquired arrays are [K, J, I]; slice pixels are [row, column]; indices are
zero-based.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from MedSegRLib.imaging.geometry import (
    AxisOrder,
    Plane,
    canonical_order,
    gather_canonical,
    scatter_canonical,
)
from MedSegRLib.imaging.volume import Volume

ScalarT = TypeVar("ScalarT", bound=np.generic)


@dataclass(frozen=True, eq=False)
class SliceStack:
    """All slices of a volume along one plane; make it with `SliceStack.of`.

    Attributes
    ----------
    volume
        The scan.
    plane
        The plane of the slices.
    order
        How the canonical view was made of the acquired array.
    voxels
        [slice, row, column], float32, a read-only view of `volume.voxels`.
    spacing_mm
        Millimetres between slices, rows and columns, in this order.

    Examples
    --------
    >>> volume = Volume(np.arange(24).reshape(2, 3, 4), np.diag([-1.0, -2.0, 5.0, 1.0]))
    >>> stack = SliceStack.of(volume, Plane.CORONAL)
    >>> stack.count, stack.voxels.shape, stack.spacing_mm
    (3, (3, 2, 4), (2.0, 5.0, 1.0))
    """

    volume: Volume
    plane: Plane
    order: AxisOrder
    voxels: npt.NDArray[np.float32] = field(repr=False)
    spacing_mm: tuple[float, float, float]

    @classmethod
    def of(cls, volume: Volume, plane: Plane) -> SliceStack:
        """Slice a volume along a plane."""
        order = canonical_order(volume.ijk_to_ras, plane)
        # spacing_mm is in the order I, J, K and the axes of the order in K, J, I.
        spacing_kji = volume.spacing_mm[::-1]
        a, b, c = order.axes
        spacing_mm = (spacing_kji[a], spacing_kji[b], spacing_kji[c])
        return cls(volume, plane, order, gather_canonical(volume.voxels, order), spacing_mm)

    @property
    def count(self) -> int:
        """Number of slices."""
        return int(self.voxels.shape[0])

    def scatter(self, canonical: npt.NDArray[ScalarT]) -> npt.NDArray[ScalarT]:
        """Put an array over the whole view back onto the volume's grid.

        Parameters
        ----------
        canonical
            [slice, row, column], of the shape of `voxels`: a mask, a label map, or numbers.

        Returns
        -------
        A new C-contiguous array [K, J, I] of the same type.

        Raises
        ------
        ValueError
            If the shape is not that of the view.
        """
        if canonical.shape != self.voxels.shape:
            raise ValueError(
                f"the array has shape {canonical.shape}, the {self.plane.value} view {self.voxels.shape}; "
                "resize logits, not masks, before scattering"
            )
        return scatter_canonical(canonical, self.order)

    def scatter_slice_masks(self, masks: Mapping[int, npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
        """Put the masks of single slices back onto the volume's grid; see the function."""
        return scatter_slice_masks(masks, self.order, self.volume.shape_kji)


def scatter_slice_masks(
    masks: Mapping[int, npt.NDArray[np.bool_]], order: AxisOrder, shape_kji: tuple[int, int, int]
) -> npt.NDArray[np.bool_]:
    """Put the masks of single slices back onto the grid that the scan was acquired on.

    Axes are flipped and permuted, nothing is interpolated: each mask pixel becomes one voxel,
    and millilitres are preserved.

    Parameters
    ----------
    masks
        Slice index -> mask [row, column] in the canonical view. A slice without an entry
        stays empty; whether it was looked at is for the finding to say.
    order
        How the canonical view was made; its first axis is the one that was sliced.
    shape_kji
        Shape of the acquired array.

    Returns
    -------
    A new C-contiguous array of shape `shape_kji`, [K, J, I].

    Raises
    ------
    ValueError
        If an index lies outside the view, or a mask's shape is not that of its slice. Nothing
        is clipped or resized.

    Examples
    --------
    Sagittal slices of 2 x 3 x 4 voxels, counted from high I to low I:

    >>> order = AxisOrder(axes=(2, 0, 1), flips=(True, False, False))
    >>> mask = np.zeros((2, 3), dtype=bool)
    >>> mask[1, 2] = True
    >>> np.argwhere(scatter_slice_masks({0: mask}, order, (2, 3, 4))).tolist()
    [[1, 2, 3]]
    """
    count, rows, columns = order.shape_canonical(shape_kji)
    canonical = np.zeros((count, rows, columns), dtype=np.bool_)
    for slice_index, mask in masks.items():
        if not 0 <= slice_index < count:
            raise ValueError(
                f"slice {slice_index} is outside the view, whose slices are 0 to {count - 1}; "
                "pass the index that came with the slice"
            )
        if mask.shape != (rows, columns):
            raise ValueError(
                f"the mask of slice {slice_index} has shape {mask.shape}, its slice {(rows, columns)}; "
                "resize logits, not masks, before scattering"
            )
        canonical[slice_index] = mask
    return scatter_canonical(canonical, order)
