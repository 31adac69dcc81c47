"""DICOM series: the scan that a SEG or RTSTRUCT was drawn on, found by its UID, and pseudonyms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
from pydicom.errors import InvalidDicomError

from MedSegRLib.errors import DatasetError, SeriesChoiceError
from MedSegRLib.imaging import Modality, Volume, list_series, read_volume, write_volume

__all__ = ["dicom_files", "place_of_series", "pseudonym", "read_series"]


def dicom_files(path: Path, modality: str) -> Iterator[tuple[Path, Any]]:
    """The DICOM files of a modality (SEG, RTSTRUCT) in a file or folder, with their data sets.

    Raises
    ------
    DatasetError
        If there is none, or one is damaged.
    """
    if not path.exists():
        raise DatasetError(f"There is no file or folder {path}; check the path.")
    count = 0
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        try:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["Modality"])
            if header.get("Modality") != modality:
                continue
            dataset = pydicom.dcmread(file)
        except InvalidDicomError:
            continue
        except (OSError, EOFError, ValueError) as error:
            raise DatasetError(f"{file} is cut short or damaged; copy or export it again.") from error
        count += 1
        yield file, dataset
    if not count:
        raise DatasetError(f"{path} holds no DICOM {modality}; check the path.")


def read_series(images: Path, uid: str, file: Path, modality: Modality | None) -> Volume:
    """Read the series that `file` was drawn on.

    Raises
    ------
    DatasetError
        If the folder does not hold it.
    """
    try:
        return read_volume(images, series=uid, modality=modality)
    except SeriesChoiceError as error:
        raise DatasetError(
            f"{file} was drawn on the series {uid}, which {images} does not hold; give its images."
        ) from error


def place_of_series(images: Path, uid: str, volume: Volume, target: Path) -> Path:
    """A path that reads as this one series: its own folder, or a file written to `target`.

    A folder with several series is not one scan, so the series is written as NIfTI.
    """
    series = {one.uid: one for one in list_series(images)}
    folders = {piece.path.parent for piece in series[uid].slices}
    if len(folders) == 1:
        folder = folders.pop()
        if len(list_series(folder)) == 1:
            return folder
    target.parent.mkdir(exist_ok=True)
    write_volume(target, volume)
    return target


def pseudonym(identifier: object) -> str:
    """A name for a patient or series that is always the same and does not show the identifier."""
    return hashlib.sha256(f"MedSeg-QA/{identifier}".encode()).hexdigest()[:12]
