"""Pictures: the slices of an item's scan as 8-bit pictures, and its masks on them.

Conventions: slices are canonical, counted from 0 along the item's plane; pictures and masks are
[row, column].
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from MedSegRLib.imaging import Modality, SliceStack, gather_canonical, read_volume, window_for

from .. import label_map
from ..format import Item, ItemTarget, MaskReference

__all__ = ["ItemPictures"]

Mask = npt.NDArray[np.bool_]


class ItemPictures:
    """Shows the items of a data set; the scan and label map of the last one are kept for the next.

    Parameters
    ----------
    folder
        The folder of the data set's file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack: SliceStack | None = None
        self._stack_of: object = None
        self._labels: npt.NDArray[np.int32] | None = None
        self._labels_of: object = None

    def picture(self, item: Item, index: int) -> npt.NDArray[np.uint8]:
        """A slice in its window, 0 to 255; a picture of 8 bits stays as it is.

        Raises
        ------
        ImageReadError, UnsupportedVolumeError
            If the scan cannot be read.
        """
        stack = self._open(item)
        grey = stack.voxels[index]
        if not stack.volume.spacing_known and grey.min() >= 0 and grey.max() <= 255:
            return grey.astype(np.uint8)
        shown = window_for(stack.volume, item.region).apply(grey)
        return np.round(shown * 255).astype(np.uint8)

    def mask(self, item: Item, reference: MaskReference, *, ignored: bool = False) -> Mask:
        """A mask [slice, row, column]; with `ignored` that of the voxels that are not judged.

        Raises
        ------
        DatasetError
            If it cannot be read, or is not on the grid of the scan.
        """
        stack = self._open(item)
        key = (item.image, reference.file)
        if self._labels is None or self._labels_of != key:
            self._labels = label_map.read_label_map(self._folder / reference.file, stack.volume)
            self._labels_of = key
        labels = gather_canonical(self._labels, stack.order)
        return label_map.ignored(labels, reference) if ignored else label_map.inside(labels, reference)

    def best_slice(self, item: Item, targets: Iterable[ItemTarget]) -> int:
        """The slice, of those the item is about, that shows most targets, and of such the most of them."""
        count = self._open(item).count
        first, last = item.slices or (0, count - 1)
        targets_shown, pixels = np.zeros(count, np.int64), np.zeros(count, np.int64)
        for target in targets:
            if target.mask is not None:
                area = self.mask(item, target.mask).sum(axis=(1, 2))
                targets_shown += area > 0
                pixels += area
        # In order of importance; the middle one where no slice shows anything.
        middle = -np.abs(np.arange(count) - (first + last) // 2)
        order = np.lexsort((middle, pixels, targets_shown))
        return next(int(index) for index in order[::-1] if first <= index <= last)

    def _open(self, item: Item) -> SliceStack:
        key = (item.image, item.plane, item.modality)
        if self._stack is None or self._stack_of != key:
            modality = Modality(item.modality)
            known = None if modality is Modality.UNKNOWN else modality
            self._stack = SliceStack.of(read_volume(self._folder / item.image, modality=known), item.plane)
            self._stack_of = key
        return self._stack
