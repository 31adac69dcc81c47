"""Journal: a build's lines on disk, each there whole or not at all, so that a kill loses and repeats nothing.

A folder holds `items.jsonl` (the data set), `rejected.jsonl` (what failed a check, and why), `done.jsonl`
(the scans that nothing is left to write about), `round_trips.jsonl` (what a model that read items drew) and,
once all is done, `manifest.json`; `build.json` says what the build is of. A line that a kill or a full disk
cut is taken off when the folder is opened again, and what it stood for is written anew.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from MedSegRLib.errors import DatasetError, OutputError
from MedSegRLib.imaging import atomic_path

__all__ = ["BUILD", "DONE", "ITEMS", "MANIFEST", "REJECTED", "ROUND_TRIPS", "Journal", "write_json"]

ITEMS, REJECTED, DONE, ROUND_TRIPS = "items.jsonl", "rejected.jsonl", "done.jsonl", "round_trips.jsonl"
MANIFEST, BUILD = "manifest.json", "build.json"


class Journal:
    """The folder of a build, opened for going on.

    Parameters
    ----------
    folder
        Made if it is not there.
    build
        What makes a build this one: recipe, annotator, seed. A folder of another build is refused.

    Raises
    ------
    DatasetError
        If the folder holds another build.
    OutputError
        If it cannot be written to.
    """

    def __init__(self, folder: Path, build: dict[str, Any]) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from error
        kept = folder / BUILD
        if kept.exists():
            if _read_json(kept) != build:
                raise DatasetError(
                    f"{folder} holds a build of another recipe, annotator or seed; choose another folder."
                )
        elif (folder / ITEMS).exists():
            raise DatasetError(f"{folder} holds a data set that no build made; choose another folder.")
        else:
            write_json(kept, build)
        self._files = {name: _open_whole(folder / name) for name in (ITEMS, REJECTED, DONE, ROUND_TRIPS)}

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """What a file holds so far."""
        path = self.folder / name
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield json.loads(line)
                except json.JSONDecodeError as error:
                    raise DatasetError(
                        f"Line {number} of {path} is not JSON ({error.msg}); remove it, it is written anew."
                    ) from error

    def append(self, name: str, value: dict[str, Any]) -> None:
        """Append a line in one write.

        Raises
        ------
        OutputError
            If the disk is full or refuses; the half line is taken off again.
        """
        file = self._files[name]
        line = (json.dumps(value, ensure_ascii=False) + "\n").encode()
        before = file.seek(0, os.SEEK_END)
        try:
            if file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            file.truncate(before)
            raise _unwritable(self.folder / name, error) from error

    def flush(self) -> None:
        """Make sure that what was appended outlives a power cut."""
        try:
            for file in self._files.values():
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the manifest, last of all."""
        self.flush()
        write_json(self.folder / MANIFEST, manifest)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files = {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read ({error}); choose another folder.") from error


def _open_whole(path: Path) -> FileIO:
    """Open for appending, without a last line that was cut."""
    try:
        # Without a buffer: one call of write is one write to the disk.
        file = FileIO(path, "a+")
        end = size = file.seek(0, os.SEEK_END)
        while end:
            start = max(end - 4096, 0)
            file.seek(start)
            whole = file.read(end - start).rfind(b"\n")
            end = start if whole < 0 else start + whole + 1
            if whole >= 0:
                break
        if end != size:
            file.truncate(end)
        return file
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    if error.errno == errno.ENOSPC:
        return OutputError(
            f"{path} cannot be written since the disk is full; make room and run the same command again, "
            "it goes on where it stopped."
        )
    return OutputError(f"{path} cannot be written ({error.strerror}); choose another place.")
