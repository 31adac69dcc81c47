"""Walk: every file of a folder and the folders in it, each folder once whatever links there are."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from MedSegRLib.batch.found import Found

__all__ = ["files_under"]


def files_under(folder: Path, found: Found) -> Iterator[Path]:
    """Give the files of a folder, in an order that is always the same.

    Links to folders are followed last, so that a file is met where it lies and not through a link, and a link
    to a folder that was seen leads nowhere new. Hidden files and folders are passed over.

    Parameters
    ----------
    folder
        Where to begin.
    found
        Is told of folders that cannot be opened.
    """
    seen: set[tuple[int, int]] = set()
    links = deque([folder])
    while links:
        waiting = [links.popleft()]
        while waiting:
            place = waiting.pop()
            try:
                status = os.stat(place)
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                with os.scandir(place) as entries:
                    inside = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                found.leave_out(place, f"It cannot be opened ({error.strerror}); check the permissions.")
                continue
            folders = []
            for entry in inside:
                # "._name" is what macOS writes beside a file, __MACOSX where it packs them.
                if entry.name.startswith(".") or entry.name == "__MACOSX":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(place / entry.name)
                elif entry.is_dir():
                    links.append(place / entry.name)
                else:
                    yield place / entry.name
            waiting += reversed(folders)
