"""Equipment: what every file says of who made it, of its study, and of when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.valuerep import DA, DT, TM, PersonName

from MedSegRLib.answers import Answer
from MedSegRLib.dicom.coding import as_lo
from MedSegRLib.dicom.header_checks import check_patient
from MedSegRLib.dicom.source import DicomSource

__all__ = ["MANUFACTURER", "Lead", "series_number", "shared_attributes", "stamp"]

MANUFACTURER = "MedSeg-R"
# Tags that must be there and may be empty (type 2).
_MAY_BE_EMPTY = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Lead:
    """The header that patient and study are copied from, and the patient's name.

    The header itself is without the name: highdicom would tell one of a single word in a warning.
    """

    header: Dataset
    patient_name: PersonName | str | None

    @classmethod
    def of(cls, source: DicomSource, number: int) -> Lead:
        """Take it from one of the files.

        Raises
        ------
        ImageReadError, UnsupportedVolumeError
            If the file is gone or damaged, or holds what cannot be copied.
        """
        header = source.whole_header(number)
        header.decode()  # nested text too, by the character set that it is in
        header.SpecificCharacterSet = "ISO_IR 192"  # the one that takes questions in every script
        check_patient(source.files[number].name, header)
        for keyword in _MAY_BE_EMPTY:
            if header.get(keyword) is None:
                setattr(header, keyword, "")
        name, header.PatientName = header.PatientName, ""
        return cls(header, name)


def series_number(header: Dataset, offset: int) -> int:
    """Number of a new series, which leads back to that of the source."""
    return offset + min(max(int(header.get("SeriesNumber") or 0), 0), 100_000)


def shared_attributes(answer: Answer, created: datetime) -> dict[str, Any]:
    """What highdicom is told of equipment and time, whatever is written."""
    model = as_lo(f"{answer.provenance.model} {answer.provenance.model_version}")
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": as_lo(answer.provenance.model),
        "software_versions": (as_lo(f"MedSeg-R {answer.provenance.software_version}"), model),
        # A program has no serial number; which one it was is what a reader would ask.
        "device_serial_number": model,
        "content_qualification": "RESEARCH",
        "content_date": created.date(),
        "content_time": created.time(),
        "series_date": created.date(),
        "series_time": created.time(),
    }


def stamp(dataset: Dataset, lead: Lead, created: datetime) -> None:
    """Set the patient's name and the character set, and the time where highdicom has put its own."""
    dataset.PatientName = lead.patient_name
    # highdicom before 0.28 writes none.
    dataset.SpecificCharacterSet = lead.header.SpecificCharacterSet
    dataset.InstanceCreationDate = DA(created.date())
    dataset.InstanceCreationTime = TM(created.time())
    for equipment in dataset.ContributingEquipmentSequence:
        if equipment.PurposeOfReferenceCodeSequence[0].CodeValue == codes.DCM.ProcessingEquipment.value:
            equipment.ContributionDateTime = DT(created)
