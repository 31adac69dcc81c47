"""List of studies: a CSV or JSONL file with a path in each line, and what the scans do not say themselves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from MedSegRLib.batch.found import Stated
from MedSegRLib.batch.question_file import MODALITIES
from MedSegRLib.errors import BatchError

__all__ = ["is_list_name", "read_list"]

_COLUMNS = ("path", "id", "modality", "body_part")


def is_list_name(name: str) -> bool:
    """Whether an input is called like a list."""
    return name.lower().endswith((".csv", ".jsonl"))


def read_list(path: Path) -> list[tuple[int, Path, Stated]]:
    """Read a list of studies.

    Parameters
    ----------
    path
        CSV with a header line (commas, semicolons or tabs) or one JSON object a line. `path` is a file or
        folder, seen from the list's own folder; `id`, `modality` and `body_part` may be empty or missing, and
        other columns do not matter.

    Returns
    -------
    Line number, path and what is said of it.

    Raises
    ------
    BatchError
        If it cannot be read, or a line makes no sense; the sentence names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BatchError(f"The list {path} cannot be opened ({error.strerror}); check the path.") from error
    except UnicodeDecodeError as error:
        raise BatchError(f"The list {path} is not UTF-8; save it as UTF-8.") from error
    rows = _csv_rows(path, text) if path.suffix.lower() == ".csv" else _json_rows(path, text)
    listed: list[tuple[int, Path, Stated]] = []
    lines: dict[str, int] = {}
    for number, row in rows:
        place = f"{path}, line {number}"
        said = {column: _text(row, column, place) for column in _COLUMNS}
        if not said["path"]:
            raise BatchError(f"{place}: there is no path; write where the scan lies.")
        modality = said["modality"].upper()
        if modality and modality not in MODALITIES:
            raise BatchError(
                f"{place}: there is no modality '{said['modality']}'; write one of {', '.join(MODALITIES)}."
            )
        earlier = lines.setdefault(said["id"].casefold(), number) if said["id"] else number
        if earlier != number:
            raise BatchError(
                f"{place}: the id '{said['id']}' is that of line {earlier} too; give each study its own."
            )
        listed.append((number, path.parent / said["path"], Stated(said["id"], modality, said["body_part"])))
    if not listed:
        raise BatchError(f"The list {path} names no study; write a path in each line.")
    return listed


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    header = text.partition("\n")[0]
    separators = [one for one in ",;\t" if "path" in _names(header, one)]
    if not separators:
        raise BatchError(
            f"{path}, line 1: there is no column 'path'; begin with a line such as {','.join(_COLUMNS)}."
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separators[0], strict=True)
    number = 1
    try:
        names = [name.strip().lower() for name in next(reader)]
        while True:
            # A quoted value may go over several lines: a row begins after the last one ends.
            number = reader.line_num + 1
            row = next(reader, None)
            if row is None:
                return
            if any(cell.strip() for cell in row):
                yield number, dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise BatchError(f"{path}, line {number}: this is not CSV ({error}); correct it.") from error


def _names(header: str, separator: str) -> list[str]:
    return [name.strip().strip('"').strip().lower() for name in header.split(separator)]


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BatchError(
                f"{path}, line {number}: this is not JSON; write one object a line, such as "
                '{"path": "scan.nii.gz"}.'
            ) from error
        if not isinstance(row, dict):
            raise BatchError(
                f'{path}, line {number}: this is no object; write one such as {{"path": "scan.nii.gz"}}.'
            )
        yield number, row


def _text(row: Mapping[str, Any], column: str, place: str) -> str:
    value = row.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BatchError(f"{place}: {column} is no text; write it in quotation marks.")
    return value.strip()
