"""Segment names: what segments of a file call themselves, and what the user says that it means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.errors import DatasetError

from .label_table import LabelName

__all__ = ["name_of"]

# What programs call a segment that nobody has named.
_NAMELESS = re.compile(r"\s*(segment|label|roi)?[\s_-]*\d*\s*", re.IGNORECASE)


def name_of(file: Path, names: Sequence[str], said: Sequence[LabelName], table: AnatomyTable) -> LabelName:
    """Find out what a segment is.

    Parameters
    ----------
    file
        For the sentences.
    names
        What it is called, best first: its own name, then what its codes mean.
    said
        The user's label table, which goes before the anatomy table.

    Raises
    ------
    DatasetError
        If it has no name, or only one that a program gave it.
    """
    own = next((name.strip() for name in names if not _NAMELESS.fullmatch(name)), None)
    if own is None:
        raise DatasetError(f"{file} has a segment without a name ('{names[0]}'); name it in the file.")
    for entry in said:
        if entry.name.lower() in {name.strip().lower() for name in names}:
            return entry
    meant = (LabelName.of(name, table) for name in names)
    known = next((one for one in meant if one.structure is not None), None)
    return LabelName(own, None) if known is None else LabelName(own, known.structure, known.side)
