"""Image files: which files of a folder are scans, which belong to scans, and which only look like one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from MedSegRLib.batch.found import Found, Stated
from MedSegRLib.batch.study import Study
from MedSegRLib.errors import ImageReadError, UnsupportedVolumeError
from MedSegRLib.imaging.read import read_size_ijk

__all__ = ["add_image_file", "is_image_name", "stem_of", "why_not_by_name"]

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
_NOT_READ = (".mgz", ".mgh", ".mnc", ".hdr")
_CALLED_DICOM = (".dcm", ".dicom", ".ima")
_LABEL_MAP = re.compile(r"[-_.](?:d?seg|segmentation|labels?|labelmap|(?:brain)?mask)$", re.IGNORECASE)


def is_image_name(name: str) -> bool:
    """Whether a file is called like a scan, in a folder where nobody named it."""
    lower = name.lower()
    return lower.endswith(_SUFFIXES) and ".seg." not in lower


def stem_of(name: str) -> str:
    """A file's name without the ending of an image."""
    lower = name.lower()
    ending = next((one for one in _SUFFIXES if lower.endswith(one)), Path(name).suffix)
    return name[: len(name) - len(ending)] or name


def why_not_by_name(path: Path) -> str | None:
    """Why a file of a folder that is no scan might be taken for one by a person; None where nobody would."""
    name = path.name.lower()
    if is_image_name(name) and _LABEL_MAP.search(stem_of(name)):
        return "It is called like a label map; if it is a scan, give it by itself or in a list."
    if name.endswith(_NOT_READ):
        return "It is of a format that is not read; convert it to NIfTI."
    if name.endswith(_CALLED_DICOM):
        return "It is called DICOM but does not begin as DICOM files do; export it again."
    return None


def add_image_file(path: Path, key: str, stated: Stated, found: Found) -> None:
    """Add the study of a file that is no DICOM, or why it is none.

    Parameters
    ----------
    path
        The file; its header is read.
    key
        What it is called where the list gives no id.
    stated
        What a list says of it. A JSON file beside it, as dcm2niix and BIDS write, tells the rest, and the
        patient's name unless it was taken out.
    found
        Gets it.
    """
    if path.is_symlink() and not path.exists():
        found.leave_out(path, "It is a link to a file that is not here; fetch the file or remove the link.")
        return
    try:
        size_ijk = read_size_ijk(path)
    except (ImageReadError, UnsupportedVolumeError) as error:
        found.leave_out(path, error)
        return
    beside = _read_beside(path)
    patient = beside.get("PatientName", "")
    found.note_name(patient, [str(path)])
    found.studies.append(
        Study(
            stated.id or key,
            "file",
            (path,),
            stated.modality or beside.get("Modality", ""),
            stated.body_part or beside.get("BodyPartExamined", ""),
            stem_of(path.name),
            size_ijk[2],
            patient=patient,
        )
    )


def _read_beside(path: Path) -> dict[str, str]:
    try:
        said: Any = json.loads(path.with_name(f"{stem_of(path.name)}.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        # It belongs to somebody else, who may write into a .json whatever they like.
        return {}
    return (
        {key: value for key, value in said.items() if isinstance(value, str)}
        if isinstance(said, dict)
        else {}
    )
