"""Volume files: write a scan to NRRD, NIfTI or MetaImage."""

from __future__ import annotations

import os
from pathlib import Path

import SimpleITK as sitk

from MedSegRLib.errors import OutputError
from MedSegRLib.imaging.atomic import atomic_path
from MedSegRLib.imaging.itk import image_of, itk_path, quiet_itk
from MedSegRLib.imaging.volume import Volume

_SUFFIXES = (".nrrd", ".nii", ".nii.gz", ".mha")


def write_volume(path: str | os.PathLike[str], volume: Volume) -> None:
    """Write a volume's voxels and geometry; the file appears whole or not at all.

    Parameters
    ----------
    path
        Ends in .nrrd, .nii, .nii.gz or .mha.
    volume
        The scan; modality and notes are not kept by these formats.

    Raises
    ------
    OutputError
        If the ending is unknown or the file cannot be written.
    """
    wanted = Path(path)
    if not wanted.name.lower().endswith(_SUFFIXES):
        raise OutputError(f"{wanted} has no known ending for a volume; use one of {', '.join(_SUFFIXES)}.")
    with atomic_path(wanted) as partial:
        place = itk_path(partial, OutputError)
        try:
            with quiet_itk():
                sitk.WriteImage(image_of(volume.voxels, volume.ijk_to_ras), place, useCompression=True)
        except RuntimeError as error:
            raise OutputError(f"{wanted} cannot be written; choose another place or make room.") from error
