"""Grid: where the voxels of a file lie, and whether two grids are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging.itk import quiet_itk

__all__ = ["Grid", "grid_at", "grid_of", "same_grid"]

# Size (I, J, K), and the matrix from voxels (i, j, k, 1) to RAS millimetres.
Grid = tuple[tuple[int, ...], npt.NDArray[np.float64]]


def grid_at(path: Path) -> Grid:
    """The grid of a file, from its header alone.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with quiet_itk():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise DatasetError(f"{path} cannot be read as an image; check the file.") from error
    return grid_of(reader)


def grid_of(image: sitk.Image | sitk.ImageFileReader) -> Grid:
    """The grid of an image; a flat one has one slice of 1 mm."""
    dimension = image.GetDimension()
    size = tuple(image.GetSize()) + (1,) * (3 - dimension)
    matrix = np.eye(4)
    direction = np.asarray(image.GetDirection()).reshape(dimension, dimension)
    matrix[:dimension, :dimension] = direction @ np.diag(image.GetSpacing())
    matrix[:dimension, 3] = image.GetOrigin()
    return size, np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def same_grid(one: Grid, other: Grid) -> bool:
    """Whether two grids have the same size, and their voxels lie within a hundredth of a millimetre."""
    return one[0] == other[0] and bool(np.allclose(one[1], other[1], atol=1e-2))
