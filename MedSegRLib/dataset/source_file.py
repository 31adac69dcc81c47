"""Source file: sources as JSON Lines, what an import writes and the builder reads.

Conventions: as in `format`, UTF-8, one object a line, paths relative to the folder of the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from MedSegRLib.anatomy import Side
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane, atomic_path

from .relative import relative
from .source import Source, SourceLabel, SourceQuestion

__all__ = ["read_sources", "write_sources"]


def write_sources(path: Path, sources: Iterable[Source]) -> int:
    """Write sources whole or not at all, one at a time; returns their number.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    count = 0
    with atomic_path(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as out:
        for source in sources:
            out.write(json.dumps(_to_dict(source, path.parent), ensure_ascii=False) + "\n")
            count += 1
    return count


def read_sources(path: str | os.PathLike[str]) -> Iterator[Source]:
    """Read what `write_sources` wrote, one at a time.

    Raises
    ------
    DatasetError
        If the file cannot be read, or a line is no source; the sentence names the line.
    """
    folder = Path(os.path.realpath(path)).parent
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _from_line(line, folder, f"Line {number} of {path}")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{path} cannot be read as a list of sources ({error}); check the path."
        ) from error


def _to_dict(source: Source, folder: Path) -> dict[str, Any]:
    return {
        "patient": source.patient,
        "study": source.study,
        "image": None if source.image is None else relative(source.image, folder),
        "modality": source.modality,
        "region": source.region,
        "plane": source.plane.value,
        "split": source.split,
        "origin": source.origin,
        "licence": source.licence,
        "labels": [
            {
                "file": relative(label.file, folder),
                "value": label.value,
                "name": label.name,
                "structure": label.structure,
                "side": label.side.value,
            }
            for label in source.labels
        ],
        "undrawn": [[structure, side.value] for structure, side in source.undrawn],
        "questions": [
            {"text": one.text, "file": relative(one.file, folder), "values": list(one.values)}
            for one in source.questions
        ],
    }


def _from_line(line: str, folder: Path, place: str) -> Source:
    try:
        return _from_dict(json.loads(line), folder)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{place} is not JSON ({error.msg}); write one object a line.") from error
    except DatasetError as error:
        raise DatasetError(f"{place}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"{place} is no source ({error}); import the scans again.") from error


def _from_dict(data: dict[str, Any], folder: Path) -> Source:
    return Source(
        patient=data["patient"],
        study=data["study"],
        image=None if data["image"] is None else _at(folder, data["image"]),
        labels=tuple(
            SourceLabel(
                _at(folder, label["file"]),
                int(label["value"]),
                label["name"],
                label["structure"],
                Side(label["side"]),
            )
            for label in data["labels"]
        ),
        modality=data["modality"],
        region=data["region"],
        plane=Plane(data["plane"]),
        undrawn=tuple((structure, Side(side)) for structure, side in data["undrawn"]),
        split=data["split"],
        origin=data["origin"],
        licence=data["licence"],
        questions=tuple(
            SourceQuestion(one["text"], _at(folder, one["file"]), tuple(one["values"]))
            for one in data["questions"]
        ),
    )


def _at(folder: Path, name: str) -> Path:
    return Path(os.path.normpath(folder / name))
