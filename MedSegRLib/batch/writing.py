"""Writing: the files of one study, into a folder that is not in its place yet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from MedSegRLib.answers import Answer, write_report
from MedSegRLib.batch.fingerprints import question_fingerprints
from MedSegRLib.batch.patient_names import without_names
from MedSegRLib.batch.plan import Task
from MedSegRLib.batch.record import Entry, Record
from MedSegRLib.batch.settings import Settings
from MedSegRLib.batch.study import Study
from MedSegRLib.batch.thumbnail import write_thumbnail
from MedSegRLib.errors import ImageReadError
from MedSegRLib.imaging import Volume, read_segmentation

if TYPE_CHECKING:
    from MedSegRLib.dicom import DicomSource

__all__ = ["REPORT", "THUMBNAIL", "about", "dicom_source", "read_answers", "told", "write_study"]

REPORT, THUMBNAIL = "report.html", "thumbnail.png"
SEG, SR = "findings.seg.dcm", "findings.sr.dcm"


def write_study(
    folder: Path,
    task: Task,
    answers: Mapping[str, Answer],
    settings: Settings,
    scan: str,
    source: DicomSource | None,
) -> Record:
    """Write masks, JSON, report and thumbnail of a study, and its record last.

    Parameters
    ----------
    folder
        Empty.
    task
        The study and its questions.
    answers
        By the question's id; all of them.
    settings
        Of the batch.
    scan
        Fingerprint of the scan.
    source
        The series, where DICOM is to be written.

    Raises
    ------
    OutputError, OSError
        If a file cannot be written.
    """
    # What took how long is no result, and would make every run's files others.
    plain = {
        name: replace(answer, provenance=replace(answer.provenance, seconds={}))
        for name, answer in answers.items()
    }
    fingerprints = question_fingerprints(task.questions)
    entries: list[Entry] = []
    notes: list[str] = []
    for question in task.questions:
        answer = plain[question.id]
        masks = f"{question.id}.seg.nrrd" if answer.findings else None
        said = f"{question.id}.answer.json"
        answer.save(folder / said, masks)
        if masks is not None:
            answer.save(folder / masks)
            if "nifti" in settings.formats:
                notes += answer.save(folder / f"{question.id}.nii.gz")
        entries.append(Entry(question.id, fingerprints[question.id], said, masks))
    asked = [plain[question.id] for question in task.questions]
    write_report(asked, folder / REPORT)
    if source is not None:
        _write_dicom(folder, asked, source, settings)
    write_thumbnail(next((answer for answer in asked if answer.findings), asked[0]), folder / THUMBNAIL)
    record = Record(
        scan,
        settings.model_fingerprint,
        settings.written,
        about(task.study, settings),
        tuple(entries),
        {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
        tuple(dict.fromkeys(notes)),
    )
    record.write(folder)
    return record


def read_answers(
    folder: Path, record: Record, wanted: Mapping[str, str], volume: Volume
) -> dict[str, Answer]:
    """Answers of an earlier run that still hold, by the question's id; what cannot be read is left out.

    Parameters
    ----------
    folder, record
        Of the study.
    wanted
        The fingerprint of each question that is asked now, by its id.
    volume
        The scan, the same as then.
    """
    found = {}
    for entry in record.entries:
        if wanted.get(entry.id) == entry.fingerprint:
            try:
                found[entry.id] = _read_answer(folder, entry, volume)
            except (ImageReadError, OSError, ValueError, KeyError, TypeError):
                # Damaged since: it is asked again.
                continue
    return found


def _read_answer(folder: Path, entry: Entry, volume: Volume) -> Answer:
    data = json.loads((folder / entry.answer).read_text(encoding="utf-8"))
    masks = {} if entry.masks is None else {s.id: s.mask for s in read_segmentation(folder / entry.masks)}
    return Answer.from_dict(data, volume, [masks[finding["mask"]["segment"]] for finding in data["findings"]])


def dicom_source(study: Study, settings: Settings) -> DicomSource | None:
    """The series that DICOM results are to refer to; None where none are to be written.

    Raises
    ------
    UnsupportedVolumeError
        If it lacks what they need.
    """
    if study.kind != "dicom" or not {"dicom-seg", "dicom-sr"} & set(settings.formats):
        return None
    # pydicom takes its time, and most batches write no DICOM.
    from MedSegRLib.dicom import DicomSource

    return DicomSource.of_files(study.paths)


def _write_dicom(folder: Path, answers: Sequence[Answer], source: DicomSource, settings: Settings) -> None:
    from MedSegRLib.dicom import write_dicom_seg, write_dicom_sr

    if "dicom-seg" in settings.formats and any(answer.findings for answer in answers):
        write_dicom_seg(answers, source, folder / SEG)
    if "dicom-sr" in settings.formats:
        write_dicom_sr(answers, source, folder / SR)


def about(study: Study, settings: Settings) -> dict[str, str]:
    """What the table tells of a study."""
    return {
        "modality": study.modality,
        "body_part": study.body_part,
        # Free text of a scanner's console, where names are found too.
        "description": "" if settings.deidentify else told(study.description, study, settings),
        "patient": study.patient if settings.names else "",
    }


def told(text: str, study: Study, settings: Settings) -> str:
    """A text about a study without patients' names, unless names were asked for."""
    return text if settings.names else without_names(text, study.name_words)
