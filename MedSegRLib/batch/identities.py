"""Identities: whose the pseudonyms are; apart from the other results, which may be handed on."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from MedSegRLib.imaging import atomic_path

__all__ = ["read_pseudonyms", "write_identities"]

_PRIVATE, _IDENTITIES = "private", "identities.csv"
_COLUMNS = ("pseudonym", "study", "path")


def write_identities(output: Path, identities: Iterable[tuple[str, str, str]]) -> None:
    """Write (pseudonym, key of the study, path) of each scan, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    folder = output / _PRIVATE
    folder.mkdir(exist_ok=True)
    with (
        atomic_path(folder / _IDENTITIES) as partial,
        open(partial, "w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        table = csv.writer(file)
        table.writerow(_COLUMNS)
        table.writerows(identities)


def read_pseudonyms(output: Path) -> dict[str, str]:
    """Key of a study -> its pseudonym in an earlier run; empty where none can be read."""
    try:
        with open(output / _PRIVATE / _IDENTITIES, newline="", encoding="utf-8") as file:
            return {row["study"]: row["pseudonym"] for row in csv.DictReader(file) if row["study"]}
    except (OSError, ValueError, KeyError, csv.Error):
        return {}
