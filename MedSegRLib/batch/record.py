"""Record: what the results of a study were made of, so that a later run knows which of them still hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["RECORD", "Entry", "Record", "read_record"]

RECORD = "study.json"
_FORMAT, _VERSION = "medsegr-study", 1


@dataclass(frozen=True)
class Entry:
    """One question of a study and the files of its answer.

    Attributes
    ----------
    id, fingerprint
        Of the question.
    answer
        Name of the JSON file.
    masks
        Name of the .seg.nrrd; None where nothing was found.
    """

    id: str
    fingerprint: str
    answer: str
    masks: str | None


@dataclass(frozen=True)
class Record:
    """The record of a study, `study.json`; written last into its folder.

    Attributes
    ----------
    scan, model
        Fingerprints.
    written
        `Settings.written`.
    about
        What is told of the study: modality, body_part, description, patient.
    entries
        In the order that was asked in.
    sizes_bytes
        Every other file of the folder and its size.
    notes
        Sentences about what a format could not keep.
    """

    scan: str
    model: str
    written: Mapping[str, Any]
    about: Mapping[str, str]
    entries: tuple[Entry, ...]
    sizes_bytes: Mapping[str, int]
    notes: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Write it into the folder of the study, which is not in its place yet."""
        values = {"format": _FORMAT, "version": _VERSION, **asdict(self)}
        text = json.dumps(values, ensure_ascii=False, indent=1)
        (folder / RECORD).write_text(text + "\n", encoding="utf-8")

    def is_whole(self, folder: Path) -> bool:
        """Whether every file is there as it was written."""
        try:
            return all((folder / name).stat().st_size == size for name, size in self.sizes_bytes.items())
        except OSError:
            return False


def read_record(folder: Path) -> Record | None:
    """The record of a study that was answered before; None if there is none that can be relied on."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if (found.pop("format"), found.pop("version")) != (_FORMAT, _VERSION):
            return None
        entries = tuple(Entry(**entry) for entry in found.pop("entries"))
        record = Record(entries=entries, notes=tuple(found.pop("notes")), **found)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        # Damaged or of another version: the study is answered anew.
        return None
    return record if record.is_whole(folder) else None
