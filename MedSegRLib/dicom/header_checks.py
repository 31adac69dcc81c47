"""Header checks: whether a series has what DICOM SEG and SR need, told by the names of the tags.

No value is ever told, only where it is: headers hold names of patients.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydicom import Dataset
from pydicom.uid import UID
from pydicom.valuerep import DA, TM

from MedSegRLib.errors import UnsupportedVolumeError

__all__ = ["check_headers", "check_patient"]

_NEEDED = (
    "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns",
)  # fmt: skip
# Tags of which all slices must have the same value, and what they then are.
_SHARED = {
    "StudyInstanceUID": "of one study",
    "SeriesInstanceUID": "of one series",
    "FrameOfReferenceUID": "in one frame of reference",
    "PatientID": "of one patient",
}
_SEXES = ("", "M", "F", "O")


def check_headers(names: Sequence[str], headers: Sequence[Dataset]) -> None:
    """Make sure that headers are those of one series that a segmentation can refer to.

    Parameters
    ----------
    names
        Of the files, for the sentences.
    headers
        One for each.

    Raises
    ------
    UnsupportedVolumeError
        If they are not; the sentence names the file and the tags.
    """
    if not headers:
        raise UnsupportedVolumeError("There is no slice to refer to; give a DICOM series.")
    for name, header in zip(names, headers, strict=True):
        if int(header.get("NumberOfFrames") or 1) > 1:
            raise UnsupportedVolumeError(
                f"{name} is multi-frame, with {header.NumberOfFrames} pictures in one file; "
                "export it as one file per slice to get DICOM SEG or SR."
            )
        missing = [keyword for keyword in _NEEDED if not header.get(keyword)]
        if missing:
            raise UnsupportedVolumeError(
                f"{name} has no {', '.join(missing)}, which DICOM SEG needs to say where its masks lie; "
                "export the series again with these tags, or write .seg.nrrd."
            )
        if not UID(header.SOPClassUID).name.endswith("Image Storage"):
            raise UnsupportedVolumeError(
                f"{name} is of no kind of image that the standard knows (SOPClassUID); write .seg.nrrd."
            )
    for keyword, shared in _SHARED.items():
        if len({str(header.get(keyword, "")) for header in headers}) > 1:
            raise UnsupportedVolumeError(
                f"The slices beside {names[0]} are not all {shared} ({keyword}); "
                "keep the files of one scan in a folder of their own."
            )
    uids = [str(header.SOPInstanceUID) for header in headers]
    if len(set(uids)) < len(uids):
        raise UnsupportedVolumeError(
            f"{len(uids) - len(set(uids))} slices beside {names[0]} have the SOPInstanceUID of another one; "
            "export the series again."
        )


def check_patient(name: str, header: Dataset) -> None:
    """Make sure that what is copied about patient and study can stand in a new file.

    Raises
    ------
    UnsupportedVolumeError
        If not; the sentence names the file and the tags.
    """
    wrong = [] if header.get("PatientSex", "") in (None, *_SEXES) else ["PatientSex"]
    kinds = {"PatientBirthDate": DA, "StudyDate": DA, "StudyTime": TM}
    for keyword, kind in kinds.items():
        try:
            kind(header.get(keyword))
        except ValueError:
            wrong.append(keyword)
    if wrong:
        raise UnsupportedVolumeError(
            f"{name} has values that the standard does not allow in {', '.join(wrong)}, "
            "which would be copied; correct or empty them and try again."
        )
