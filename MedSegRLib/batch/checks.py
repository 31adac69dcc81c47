"""Checks: what is refused before anything is read or asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from MedSegRLib.batch.plan import Task
from MedSegRLib.batch.settings import FORMATS, Settings
from MedSegRLib.errors import OutputError, UserInputError
from MedSegRLib.extras import import_extra

__all__ = ["check_choices", "check_formats", "check_output"]


def check_choices(workers: int, formats: Sequence[str], deidentify: bool, names: bool) -> None:
    """Refuse choices that make no sense, alone or together, by UserInputError."""
    if workers < 1:
        raise UserInputError(f"{workers} workers cannot answer; give 1 or more.")
    for name in formats:
        if name not in FORMATS:
            raise UserInputError(f"There is no format '{name}'; use {', '.join(FORMATS)}.")
    if deidentify and names:
        raise UserInputError("Results are either without names or with them; leave one of the two out.")
    if deidentify and _dicom(formats):
        raise UserInputError(
            "DICOM SEG and SR carry the patient of their series; leave --deidentify or these formats out."
        )


def check_output(output: Path, inputs: Sequence[Path]) -> None:
    """Refuse an output folder that cannot be one, by OutputError."""
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output} is a file; name a folder.")
    if not output.absolute().parent.is_dir():
        raise OutputError(f"{output} cannot be made, there is no folder {output.parent}; create it first.")
    place = output.resolve()
    for one in inputs:
        if one.is_dir() and (place == one.resolve() or one.resolve() in place.parents):
            raise OutputError(
                f"{output} lies in {one}, where the next run would take results for scans; choose a folder "
                "outside."
            )


def check_formats(tasks: Sequence[Task], settings: Settings) -> None:
    """Refuse DICOM results where no study is DICOM or nothing can write them, by UserInputError."""
    wanted = _dicom(settings.formats)
    if wanted and not any(task.study.kind == "dicom" for task in tasks):
        raise UserInputError(
            f"None of the studies is a DICOM series, so there can be no {' and no '.join(wanted)}; leave "
            "the format out."
        )
    if wanted:
        # Told now and not in the first study's place at midnight.
        import_extra("highdicom", "Writing DICOM SEG and SR", "dicom")


def _dicom(formats: Sequence[str]) -> list[str]:
    return [name for name in formats if name.startswith("dicom-")]
