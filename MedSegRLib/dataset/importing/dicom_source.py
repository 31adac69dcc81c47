"""DICOM source: one `Source` of a SEG or RTSTRUCT, once its masks lie on the grid of their series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume

from ..source import Source
from .about import About
from .dicom_series import place_of_series, pseudonym
from .finding import stem_of
from .layers import NamedMask, write_layers

__all__ = ["source_of"]


def source_of(
    file: Path,
    dataset: Any,
    uid: str,
    masks: Sequence[NamedMask],
    images: Path,
    volume: Volume,
    about: About,
    folder: Path,
) -> Source:
    """Write the masks as label maps, and the series as a file where its folder holds others too.

    Parameters
    ----------
    file, dataset
        The SEG or RTSTRUCT.
    uid, images, volume
        The series, where it was found, and what was read.
    masks
        On the grid of the volume.
    about, folder
        What is known of it, and where files are written.

    Raises
    ------
    DatasetError
        If the file names no patient, so that nobody could keep the patient in one split.
    """
    if about.patient_pattern is not None:
        patient = about.patient_of(stem_of(file))
    elif str(dataset.get("PatientID") or "").strip():
        patient = pseudonym(dataset.PatientID)
    else:
        raise DatasetError(f"{file} has no PatientID; say with a pattern how its name holds the patient.")
    study = pseudonym(f"{uid}/{dataset.get('SOPInstanceUID')}")
    place = place_of_series(images, uid, volume, folder.parent / "images" / f"{pseudonym(uid)}.nii.gz")
    return Source(
        patient=patient,
        study=study,
        image=place,
        labels=write_layers(masks, volume, folder, study),
        modality=about.modality_of(volume),
        region=about.region,
        plane=about.plane,
        split=about.split,
        origin=about.origin,
        licence=about.licence,
    )
