"""Transaction: one study, from its files to its folder of results, which is there whole or not at all.

It knows nothing of where it runs or what runs beside it: it takes values, gives a value, and asks whoever
`open_session` lends. While it waits for its turn it holds the scan that it has read already, and the next
one is asked while it writes; so a few of these at a time keep a model busy.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from MedSegRLib.answers import Answer
from MedSegRLib.batch.asking import NoWorkerError, SessionFactory, WorkerLostError, ask_all
from MedSegRLib.batch.fingerprints import question_fingerprints
from MedSegRLib.batch.plan import Task
from MedSegRLib.batch.record import Record, read_record
from MedSegRLib.batch.settings import Settings
from MedSegRLib.batch.study import Study
from MedSegRLib.batch.writing import about, dicom_source, read_answers, told, write_study
from MedSegRLib.errors import CheckpointError, ImageReadError, MedSegRError, MemoryFullError, OutputError
from MedSegRLib.imaging import Volume, atomic_folder

__all__ = ["DiskFullError", "Outcome", "answer_study"]

State = Literal["answered", "written", "kept", "failed"]
_FULL = (errno.ENOSPC, errno.EDQUOT)
_LEAST_BYTES = 1 << 20


class DiskFullError(OutputError):
    """The disk takes no more, so that no other study will be written either."""


@dataclass(frozen=True)
class Outcome:
    """What became of a study.

    Attributes
    ----------
    state
        "answered": at least one question was asked; "written": answers of an earlier run hold and were
        written in another way; "kept": all of it holds; "failed".
    folder
        Name of its folder; "" where it has none yet.
    why
        Why it failed, in one sentence; "" if it did not.
    """

    state: State
    folder: str
    why: str = ""


def answer_study(task: Task, open_session: SessionFactory, folder: Path, settings: Settings) -> Outcome:
    """Answer a study's questions, those whose answers of an earlier run hold excepted.

    Parameters
    ----------
    task
        The study and its questions.
    open_session
        Lends whoever is asked.
    folder
        Where the folders of studies are.
    settings
        Of the batch.

    Returns
    -------
    What became of it; what is wrong with this study alone is told here and not raised.

    Raises
    ------
    CheckpointError, NoWorkerError, DiskFullError
        What no other study would be spared.
    Stopped
        If the batch is to stop; nothing was written then.
    """
    name = ""
    try:
        scan = _scan_fingerprint(task.study)
        name = folder_name(task.study, scan, settings)
        return _answered(task, open_session, folder / name, settings, scan)
    except (CheckpointError, NoWorkerError):
        raise
    except MedSegRError as error:
        if isinstance(error, OutputError) and _is_full(error, folder):
            raise DiskFullError(
                f"The disk of {folder} is full; make room and run the same command again, it goes on where "
                "it stopped."
            ) from error
        return Outcome("failed", name, str(error))
    except OSError as error:
        return Outcome("failed", name, f"{task.study.paths[0]} cannot be read ({error.strerror or error}).")
    except MemoryError:
        return Outcome("failed", name, str(MemoryFullError()))


def _scan_fingerprint(study: Study) -> str:
    """Of the files, and of what is said of them that a reader heeds."""
    return hashlib.sha256(f"{study.fingerprint()}/{study.modality}".encode()).hexdigest()


def folder_name(study: Study, scan: str, settings: Settings) -> str:
    """The study's key, or a pseudonym: a hash of the scan's bytes, which nobody guesses without the scan."""
    if not settings.deidentify:
        return study.key
    return f"study-{hashlib.sha256(f'{study.key}/{scan}'.encode()).hexdigest()[:12]}"


def _answered(
    task: Task, open_session: SessionFactory, place: Path, settings: Settings, scan: str
) -> Outcome:
    wanted = question_fingerprints(task.questions)
    record = read_record(place)
    if record is not None and (record.scan, record.model) != (scan, settings.model_fingerprint):
        record = None
    if record is not None and _says_all(record, task, wanted, settings):
        return Outcome("kept", place.name)
    volume = _read(task.study, place.name, settings)
    # Before hours are spent on answers that could not be written.
    source = dicom_source(task.study, settings)
    known = {} if record is None else read_answers(place, record, wanted, volume)
    answers = known if known.keys() == wanted.keys() else _asked(task, open_session, volume, known)
    with atomic_folder(place, replace=True) as partial:
        write_study(partial, task, answers, settings, scan, source)
    return Outcome("written" if answers is known else "answered", place.name)


def _says_all(record: Record, task: Task, wanted: dict[str, str], settings: Settings) -> bool:
    entries = [(entry.id, entry.fingerprint) for entry in record.entries]
    said = (record.written, record.about) == (settings.written, about(task.study, settings))
    return entries == list(wanted.items()) and said


def _read(study: Study, name: str, settings: Settings) -> Volume:
    try:
        volume = study.read()
    except OSError as error:
        raise ImageReadError(
            f"{study.paths[0]} cannot be read ({error.strerror or error}); check the file."
        ) from error
    if settings.deidentify:
        return replace(volume, name=name, source=None)
    # However the path was written, the results are the same.
    source = None if volume.source is None else os.path.abspath(volume.source)
    return replace(volume, name=told(volume.name, study, settings), source=source)


def _asked(
    task: Task, open_session: SessionFactory, volume: Volume, known: dict[str, Answer]
) -> dict[str, Answer]:
    """Ask; once more from the beginning if the worker was lost meanwhile."""
    try:
        with open_session(volume) as session:
            return ask_all(session, task.questions, known)
    except WorkerLostError:
        pass
    try:
        with open_session(volume) as session:
            return ask_all(session, task.questions, known)
    except WorkerLostError as error:
        raise MedSegRError(f"Tried twice: {error}") from error


def _is_full(error: OutputError, folder: Path) -> bool:
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return True
    # Libraries of images say of a full disk only that they cannot write.
    return shutil.disk_usage(folder).free < _LEAST_BYTES
