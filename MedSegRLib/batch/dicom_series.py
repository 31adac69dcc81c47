"""DICOM series: which files are one scan, whether it is whole, and what is no scan of a patient."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from MedSegRLib.batch.dicom_header import DicomHeader
from MedSegRLib.batch.found import Found, Stated
from MedSegRLib.batch.study import Study
from MedSegRLib.errors import ImageReadError, UnsupportedVolumeError
from MedSegRLib.imaging.dicom import refuse_other_than_one_grey_frame, stacked
from MedSegRLib.imaging.dicom_files import DicomSlice, holds_no_picture

__all__ = ["add_series"]

# Beginnings of storage classes -> what a person calls them; longer ones first.
_NO_SCAN = {
    "1.2.840.10008.5.1.4.1.1.88.59": "a key object selection (KO)",
    "1.2.840.10008.5.1.4.1.1.88.": "a structured report (SR)",
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation (SEG)",
    "1.2.840.10008.5.1.4.1.1.481.3": "a set of contours (RTSTRUCT)",
    "1.2.840.10008.5.1.4.1.1.481.": "a plan or dose of radiotherapy",
    "1.2.840.10008.5.1.4.1.1.11.": "a presentation state (PR)",
    "1.2.840.10008.5.1.4.1.1.104.": "a document",
}
_SECONDARY_CAPTURE = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.7(\.|$)")
_LOCALIZER = re.compile(
    r"(?<![a-z])(locali[sz]ers?|scout|topogram|surview|scanogram|survey|tri-?pilot"
    r"|3[ _-]?pl(ane)?[ _-]?loc)(?![a-z])",
    re.IGNORECASE,
)
_SCREEN = re.compile(r"screen[ _-]?(save|shot|capture)", re.IGNORECASE)


def add_series(headers: Iterable[tuple[DicomHeader, Stated]], found: Found) -> None:
    """Add the series that DICOM files make up, and why others are none.

    Parameters
    ----------
    headers
        Of all files of a batch, since the files of a series may lie anywhere, each with what a list says.
    found
        Gets them. A series is called by a hash of the UIDs of study and series, never after the patient.
    """
    series: dict[str, list[tuple[DicomHeader, Stated]]] = defaultdict(list)
    told: dict[str, set[str]] = defaultdict(set)
    for header, stated in headers:
        told[header.patient_name] |= {str(header.path.parent), header.path.name, header.description}
        if not header.series_uid:
            found.leave_out(header.path, "It does not say which series it belongs to; export it again.")
            continue
        series[header.series_uid].append((header, stated))
    for patient, texts in told.items():
        found.note_name(patient, texts)
    for _, members in sorted(series.items()):
        members.sort(key=lambda member: str(member[0].path))
        _add_one([header for header, _ in members], members[0][1], found)


def _add_one(headers: list[DicomHeader], stated: Stated, found: Found) -> None:
    what, paths = _called(headers), [header.path for header in headers]
    why = next(filter(None, (_why_no_scan(headers), _why_two(headers))), None)
    if why is not None:
        found.leave_out(what, why, paths, headers[0].description)
        return
    headers = _without_copies(headers, found)
    try:
        slices = _in_order([header.slice() for header in headers], headers[0].description or "The series")
    except (ImageReadError, UnsupportedVolumeError) as error:
        found.leave_out(what, _why_two_by_place(headers) or error, paths, headers[0].description)
        return
    first = headers[0]
    digest = hashlib.sha256(f"{first.study_uid}/{first.series_uid}".encode()).hexdigest()
    found.studies.append(
        Study(
            stated.id or f"dicom-{digest[:12]}",
            "dicom",
            tuple(one.path for one in slices),
            stated.modality or first.modality,
            stated.body_part or first.body_part,
            first.description,
            len(slices),
            first.series_uid,
            first.patient_name,
        )
    )


def _in_order(slices: Sequence[DicomSlice], what: str) -> Sequence[DicomSlice]:
    if len(slices) == 1:
        refuse_other_than_one_grey_frame(slices[0])
        return slices
    return stacked(what, slices)[0]


def _why_no_scan(headers: Sequence[DicomHeader]) -> str | None:
    """Why a series is not made of slices of a patient; what only some of its files are does not count."""
    kinds = {_kind(header) for header in headers}
    if len(kinds) > 1 or kinds == {None}:
        return None
    return f"It is {kinds.pop()}, no scan to ask about."


def _kind(header: DicomHeader) -> str | None:
    for beginning, name in _NO_SCAN.items():
        if header.storage_class.startswith(beginning):
            return name
    if holds_no_picture(header.storage_class):
        return "without a picture"
    if any("SCREEN" in value for value in header.image_type) or _SCREEN.search(header.description):
        return "a picture of a screen (screen save)"
    if _SECONDARY_CAPTURE.match(header.storage_class):
        return "a secondary capture, a picture made of pictures"
    if "LOCALIZER" in header.image_type or _LOCALIZER.search(header.description):
        return "a localizer (scout), made to plan the scan"
    return None


def _why_two(headers: Sequence[DicomHeader]) -> str | None:
    """Why files with one series UID are two series: two studies or patients, or two forms of one image."""
    first = headers[0]
    for header in headers:
        if (header.study_uid, header.patient_id) != (first.study_uid, first.patient_id):
            return _two(first.path, header.path)
    seen: dict[str, Path] = {}
    for header in headers:
        earlier = seen.setdefault(header.instance_uid or str(header.path), header.path)
        if earlier != header.path and _content(earlier) != _content(header.path):
            return _two(earlier, header.path)
    return None


def _why_two_by_place(headers: Sequence[DicomHeader]) -> str | None:
    """Why files that are no stack together are two series: each folder's own files are one."""
    folders: dict[Path, list[DicomHeader]] = defaultdict(list)
    for header in headers:
        folders[header.path.parent].append(header)
    if len(folders) < 2:
        return None
    try:
        for members in folders.values():
            _in_order([header.slice() for header in members], "")
    except (ImageReadError, UnsupportedVolumeError):
        return None
    one, other = list(folders)[:2]
    return _two(one, other)


def _two(one: Path, other: Path) -> str:
    return (
        f"Two different series have this one's UID, see {one} and {other}; keep one of them, or give each a "
        "UID of its own."
    )


def _without_copies(headers: Sequence[DicomHeader], found: Found) -> list[DicomHeader]:
    """Drop files that are there twice, byte by byte; the first of their paths stays."""
    kept: dict[str, DicomHeader] = {}
    copies: dict[tuple[Path, Path], int] = defaultdict(int)
    for header in headers:
        earlier = kept.setdefault(header.instance_uid or str(header.path), header)
        if earlier is not header:
            copies[header.path.parent, earlier.path.parent] += 1
    for (folder, original), count in copies.items():
        files = "1 file" if count == 1 else f"{count} files"
        found.leave_out(folder, f"It holds copies of {files} of {original}, which are asked about once.")
    return list(kept.values())


def _content(path: Path) -> bytes:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


def _called(headers: Sequence[DicomHeader]) -> str:
    first = headers[0]
    count = "1 file" if len(headers) == 1 else f"{len(headers)} files"
    return (
        f"{first.path.parent} ({first.description or 'no description'}, {first.modality or 'DICOM'}, {count})"
    )
