"""Label map: reading one, on the grid of its scan or refused in a sentence; writing one whole."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import DatasetError, OutputError
from MedSegRLib.imaging import Volume, atomic_path
from MedSegRLib.imaging.itk import image_of, quiet_itk
from MedSegRLib.imaging.nifti_file import check_nifti

from .format import MaskReference
from .grid import grid_of, same_grid

__all__ = ["LabelMap", "check_labels", "ignored", "inside", "read_label_map", "write_label_map"]

LabelMap = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def read_label_map(path: Path, volume: Volume | None = None) -> LabelMap:
    """Read a label map.

    Parameters
    ----------
    path
        An image file of whole numbers, such as NIfTI, NRRD or PNG.
    volume
        The scan that it was drawn on; None for a label map without one.

    Returns
    -------
    int32 [K, J, I], 0 where nothing is drawn; a picture has one slice.

    Raises
    ------
    DatasetError
        If it cannot be read, holds anything but whole numbers, or is not on the grid of the scan.
    ImageReadError
        If it is a NIfTI that is cut short.
    """
    try:
        # ITK reads a NIfTI that is cut short as if nothing were drawn where it ends.
        check_nifti(path)
        with quiet_itk():
            image = sitk.ReadImage(str(path))
    except (OSError, RuntimeError) as error:
        raise DatasetError(f"{path} cannot be read as a label map; check the path.") from error
    values = sitk.GetArrayFromImage(image)
    if image.GetNumberOfComponentsPerPixel() != 1:
        # A picture is often saved as grey in three equal channels.
        if not (values == values[..., :1]).all():
            raise DatasetError(f"{path} is in colour; give a label map with one whole number a voxel.")
        values = values[..., 0]
    if values.ndim not in (2, 3):
        raise DatasetError(f"{path} has {values.ndim} dimensions; give a label map with two or three.")
    labels = values.astype(np.int32)
    wrong = values[(labels != values) | (labels < 0)]
    if wrong.size:
        raise DatasetError(f"{path} holds {wrong[0]:g}, which is no label; use whole numbers, 0 for nothing.")
    if labels.ndim == 2:
        labels = labels[np.newaxis]
    if volume is not None:
        _check_grid(path, image, labels.shape, volume)
    return labels


def _check_grid(path: Path, image: sitk.Image, shape_kji: tuple[int, ...], volume: Volume) -> None:
    if shape_kji != volume.shape_kji:
        own, wanted = (" x ".join(map(str, shape[::-1])) for shape in (shape_kji, volume.shape_kji))
        raise DatasetError(
            f"{path} has {own} voxels and its scan {volume.name} {wanted}; "
            "give the label map that was drawn on this scan, or resample it."
        )
    # A picture has no place in space that could differ.
    size, place = shape_kji[::-1], grid_of(image)[1]
    if volume.spacing_known and not same_grid((size, place), (size, volume.ijk_to_ras)):
        raise DatasetError(
            f"{path} lies elsewhere than its scan {volume.name} (origin, spacing or direction); "
            "give the label map that was drawn on this scan, or resample it."
        )


def inside(labels: LabelMap, mask: MaskReference) -> Mask:
    """The voxels of a mask."""
    if mask.labels:
        return np.isin(labels, mask.labels)
    return (labels != 0) & ~ignored(labels, mask)


def ignored(labels: LabelMap, mask: MaskReference) -> Mask:
    """The voxels that a mask says nothing of."""
    return np.isin(labels, mask.ignored)


def check_labels(path: Path, labels: LabelMap, named: Collection[int]) -> frozenset[int]:
    """Make sure that a label map holds something, and nothing without a name.

    Returns
    -------
    The labels with at least one voxel.

    Raises
    ------
    DatasetError
        If there is no voxel of a label, or a label that is not among `named`.
    """
    there = frozenset(int(value) for value in np.unique(labels)) - {0}
    if not there:
        raise DatasetError(f"{path} is empty, no voxel has a label; draw it or leave the scan out.")
    nameless = sorted(there - set(named))
    if nameless:
        listed = ", ".join(map(str, nameless))
        raise DatasetError(f"{path} has labels without a name ({listed}); name them in the label table.")
    return there


def write_label_map(path: Path, labels: npt.NDArray[np.integer], volume: Volume) -> None:
    """Write labels [K, J, I] on the grid of a scan; a .png for a picture.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    small = labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.uint16)
    image = sitk.GetImageFromArray(small[0]) if path.suffix == ".png" else image_of(small, volume.ijk_to_ras)
    with atomic_path(path) as partial:
        try:
            with quiet_itk():
                sitk.WriteImage(image, str(partial), useCompression=True)
        except RuntimeError as error:
            raise OutputError(f"{path} cannot be written; choose another place or make room.") from error
