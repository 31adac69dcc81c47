"""Masks: reading what a data set's reference points at, on the grid of its scan."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume

from .format import MaskReference
from .label_map import LabelMap, ignored, inside, read_label_map

__all__ = ["read_ignored", "read_mask"]


def read_mask(reference: MaskReference, folder: Path, volume: Volume) -> npt.NDArray[np.bool_]:
    """Read a mask, bool [K, J, I] of the volume's shape.

    Raises
    ------
    DatasetError
        If it cannot be read, holds anything but whole numbers, or lies on another grid.
    ImageReadError
        If it is a NIfTI that is cut short.
    """
    return inside(_labels_of(reference, folder, volume), reference)


def read_ignored(reference: MaskReference, folder: Path, volume: Volume) -> npt.NDArray[np.bool_]:
    """Read the voxels that a mask says nothing of, as `read_mask`."""
    return ignored(_labels_of(reference, folder, volume), reference)


def _labels_of(reference: MaskReference, folder: Path, volume: Volume) -> LabelMap:
    path = folder / reference.file
    if not path.is_file():
        raise DatasetError(f"There is no mask {reference.file} beside the data set; validate the data set.")
    return _read(path, path.stat().st_mtime_ns, volume)


@lru_cache(maxsize=2)
def _read(path: Path, _changed_ns: int, volume: Volume) -> LabelMap:
    """Kept, since an item's targets mostly lie in one file."""
    return read_label_map(path, volume)
