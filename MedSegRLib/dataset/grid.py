"""Grid: where the voxels of a file lie, read from its header alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging.itk import quiet_itk

from .validate import grid_of

__all__ = ["grid_at"]


def grid_at(path: Path) -> npt.NDArray[np.float64]:
    """The matrix from voxels (i, j, k, 1) to RAS millimetres.

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
    return grid_of(reader)[1]
