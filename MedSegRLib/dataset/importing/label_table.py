"""Label table: which name each label has, from a CSV or JSON file that the user gives.

CSV with a line of headings: `value,name` and, where the name does not say it, `structure,side`, with
`structure` an id of the anatomy table. JSON: `{"1": "liver"}`, or a list of objects with the same keys as
the CSV. Segments that have names already need no value; the table then says what their names mean.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.errors import DatasetError

from .naming import part_named

__all__ = ["LabelName", "read_label_table"]

_KEYS = ("value", "name", "structure", "side")


@dataclass(frozen=True)
class LabelName:
    """A name, what it is in the anatomy table (None: nothing there), and the label's value if it has one."""

    name: str
    structure: str | None
    side: Side = Side.NONE
    value: int | None = None

    @classmethod
    def of(cls, name: str, table: AnatomyTable, value: int | None = None) -> LabelName:
        """Look up what a name means."""
        part = part_named(name, table)
        return cls(name, None, Side.NONE, value) if part is None else cls(name, *part, value)


def read_label_table(path: Path, table: AnatomyTable, *, with_values: bool = True) -> tuple[LabelName, ...]:
    """Read a label table.

    Parameters
    ----------
    path
        Ends in .csv or .json.
    table
        The anatomy table that names are looked up in.
    with_values
        Whether each entry must say the value of its label.

    Raises
    ------
    DatasetError
        If it cannot be read, an entry has no name or no value, or two have the same.
    """
    entries = [_entry(row, f"{path}, entry {n}", table, with_values) for n, row in enumerate(_rows(path), 1)]
    if not entries:
        raise DatasetError(f"{path} names no label; write one a line.")
    keys = [entry.value if with_values else entry.name for entry in entries]
    twice = next((key for n, key in enumerate(keys) if key in keys[:n]), None)
    if twice is not None:
        raise DatasetError(f"{path} has an entry for {twice} twice; keep one.")
    return tuple(entries)


def _rows(path: Path) -> Iterable[Mapping[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            return list(csv.DictReader(text.splitlines(), skipinitialspace=True))
        if path.suffix.lower() == ".json":
            return _json_rows(path, json.loads(text))
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read as a label table ({error}); check the file.") from error
    raise DatasetError(f"{path} is no label table; give a .csv or a .json.")


def _json_rows(path: Path, data: Any) -> list[Mapping[str, Any]]:
    if isinstance(data, dict):
        return [{"value": value, "name": name} for value, name in data.items()]
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        return data
    raise DatasetError(f'{path} is no label table; write {{"1": "liver"}} or a list of objects.')


def _entry(row: Mapping[Any, Any], place: str, table: AnatomyTable, with_values: bool) -> LabelName:
    unknown = [key for key in row if key not in _KEYS]
    if unknown:
        raise DatasetError(f"{place} has the unknown key '{unknown[0]}'; use {', '.join(_KEYS)}.")
    said = {key: str(row.get(key) if row.get(key) is not None else "").strip() for key in _KEYS}
    if with_values and (not said["value"].isdecimal() or int(said["value"]) < 1):
        raise DatasetError(f"{place} has the value '{said['value']}'; write a whole number above 0.")
    if not said["name"]:
        raise DatasetError(f"{place} is a label without a name; name it.")
    value = int(said["value"]) if with_values else None
    if not said["structure"]:
        if said["side"]:
            raise DatasetError(f"{place} has a side and no structure; write both or none.")
        return LabelName.of(said["name"], table, value)
    if said["structure"] not in table:
        raise DatasetError(
            f"{place} has the structure '{said['structure']}', which is no id of the anatomy table."
        )
    sides = [side.value for side in Side]
    if (said["side"] or "none") not in sides:
        raise DatasetError(f"{place} has the side '{said['side']}'; write one of {', '.join(sides)}.")
    return LabelName(said["name"], said["structure"], Side(said["side"] or "none"), value)
