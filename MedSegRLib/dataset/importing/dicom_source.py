"""DICOM source: sources of SEG or RTSTRUCT files and the series that they were drawn on.

What tells one kind of file from the other is a `DicomKind`: `dicom_seg.SEG` and `rtstruct.RTSTRUCT`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume

from ..source import Source
from .about import About
from .dicom_series import dicom_files, place_of_series, pseudonym, read_series
from .finding import stem_of
from .label_table import LabelName
from .layers import NamedMask, write_layers
from .segment_names import name_of

__all__ = ["DicomKind", "Drawn", "read_dicom"]

# What a mask is called, best first, and the mask, bool [K, J, I] on the grid of the series.
Drawn = tuple[list[str], npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class DicomKind:
    """A kind of DICOM file that holds masks.

    Attributes
    ----------
    modality
        SEG or RTSTRUCT.
    series_of
        The UIDs of the series that a data set says it was drawn on.
    masks_of
        File, data set and series to masks; raises DatasetError where one cannot be read or lies elsewhere.
    """

    modality: str
    series_of: Callable[[Any], set[str]]
    masks_of: Callable[[Path, Any, Volume], Iterable[Drawn]]


def read_dicom(
    kind: DicomKind,
    images: Path,
    drawn: Path,
    said: Sequence[LabelName],
    about: About,
    table: AnatomyTable,
    folder: Path,
) -> Iterator[Source]:
    """Read files of a kind and the series that they were drawn on.

    Masks are written as label maps, and a series as a file where its folder holds others too.

    Parameters
    ----------
    kind
        What the files are.
    images
        A folder with those series, among others or not.
    drawn
        A file, or a folder in which all of that kind are read.
    said
        What names mean that the anatomy table does not hold.
    about
        What all have in common.
    table
        The anatomy table.
    folder
        Where label maps are written.

    Raises
    ------
    DatasetError
        If the series is not there, a mask has no name, is empty or not on the series' grid, or the file
        names no patient, so that nobody could keep the patient in one split.
    ImageReadError, UnsupportedVolumeError
        If the series cannot be read or asked about.
    """
    for file, dataset in dicom_files(drawn, kind.modality):
        uids = kind.series_of(dataset)
        if len(uids) != 1:
            raise DatasetError(
                f"{file} names {len(uids)} series that it was drawn on; give one that names one."
            )
        uid = uids.pop()
        volume = read_series(images, uid, file, about.modality)
        masks = [
            NamedMask(name_of(file, names, said, table), mask)
            for names, mask in kind.masks_of(file, dataset, volume)
        ]
        patient, study = _patient(file, dataset, about), pseudonym(f"{uid}/{dataset.get('SOPInstanceUID')}")
        target = folder.parent / "images" / f"{pseudonym(uid)}.nii.gz"
        yield Source(
            patient=patient,
            study=study,
            image=place_of_series(images, uid, volume, target),
            labels=write_layers(masks, volume, folder, study),
            modality=about.modality_of(volume),
            region=about.region,
            plane=about.plane,
            split=about.split,
            origin=about.origin,
            licence=about.licence,
        )


def _patient(file: Path, dataset: Any, about: About) -> str:
    if about.patient_pattern is not None:
        return about.patient_of(stem_of(file))
    if str(dataset.get("PatientID") or "").strip():
        return pseudonym(dataset.PatientID)
    raise DatasetError(f"{file} has no PatientID; say with a pattern how its name holds the patient.")
