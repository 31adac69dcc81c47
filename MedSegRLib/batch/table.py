"""Table: findings and measurements of all studies, one row each, built from the studies' own files.

A study's answer in which nothing was found has one row without a finding, so that "not found" and "not
asked" are told apart.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from MedSegRLib.batch.record import Entry, Record, read_record
from MedSegRLib.batch.writing import REPORT
from MedSegRLib.imaging import atomic_path

__all__ = ["COLUMNS", "Row", "rows_of", "write_table"]


@dataclass(frozen=True)
class Row:
    """A finding of an answer, or an answer without one.

    Attributes
    ----------
    study
        Name of its folder.
    patient
        Only where names were asked for.
    modality, body_part
        As the scan's headers say.
    question_id, question
        What was asked.
    finding
        Its name with the side; "" where nothing was found.
    structure, side
        Id in the anatomy table and side of the patient.
    volume_ml, longest_in_plane_mm, longest_3d_mm
        None where the spacing is unknown.
    mean_intensity, sd_intensity
        In the scan's own units (HU for CT).
    voxels
        Of the mask.
    confidence
        0 to 1.
    slices
        How many slices of the plane it lies on.
    plane
        The plane that was looked at.
    masks, segment
        File of the masks, from the output folder, and the segment's id in it.
    absent
        What was looked for and is not there, separated by semicolons.
    answer
        In words.
    report
        The study's page, from the output folder.
    """

    study: str
    patient: str
    modality: str
    body_part: str
    question_id: str
    question: str
    finding: str
    structure: str
    side: str
    volume_ml: float | None
    longest_in_plane_mm: float | None
    longest_3d_mm: float | None
    mean_intensity: float | None
    sd_intensity: float | None
    voxels: int | None
    confidence: float | None
    slices: int | None
    plane: str
    masks: str
    segment: str
    absent: str
    answer: str
    report: str


COLUMNS = tuple(field.name for field in fields(Row))


def rows_of(folder: Path) -> Iterator[Row]:
    """Rows of one study, given its folder of results; none if it has no whole record."""
    record = read_record(folder)
    if record is None:
        return
    for entry in record.entries:
        answer = json.loads((folder / entry.answer).read_text(encoding="utf-8"))
        for finding in answer["findings"] or [None]:
            yield _row(folder, record, entry, answer, finding)


def write_table(rows: Iterable[Row], path: Path) -> None:
    """Write a CSV file (UTF-8, RFC 4180) whole or not at all, one row after the other.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with atomic_path(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row in rows:
            table.writerow([_cell(value) for value in asdict(row).values()])


def _row(
    folder: Path, record: Record, entry: Entry, answer: dict[str, Any], finding: dict[str, Any] | None
) -> Row:
    here = f"{folder.parent.name}/{folder.name}"
    found: dict[str, Any] = {} if finding is None else finding
    size = found.get("measurements", {})
    about = record.about
    return Row(
        study=folder.name,
        patient=about["patient"],
        modality=about["modality"] or answer["volume"]["modality"],
        body_part=about["body_part"],
        question_id=entry.id,
        question=answer["question"]["text"],
        finding=found.get("name", ""),
        structure=found.get("structure") or "",
        side=found.get("side", ""),
        volume_ml=size.get("volume_ml"),
        longest_in_plane_mm=size.get("longest_in_plane_mm"),
        longest_3d_mm=size.get("longest_3d_mm"),
        mean_intensity=size.get("mean_intensity"),
        sd_intensity=size.get("sd_intensity"),
        voxels=size.get("voxels"),
        confidence=found.get("confidence"),
        slices=len(found["slices"]) if found else None,
        plane=answer["provenance"]["plane"],
        masks=f"{here}/{entry.masks}" if found else "",
        segment=found["mask"]["segment"] if found else "",
        absent="; ".join(answer["absent"]),
        answer=answer["text"],
        report=f"{here}/{REPORT}",
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
