"""Relative: how a file of a data set names another, from its own folder, with forward slashes."""

from __future__ import annotations

import os
from pathlib import Path

from MedSegRLib.errors import DatasetError

__all__ = ["relative"]


def relative(path: Path, folder: Path) -> str:
    """Write a path as seen from a folder.

    Raises
    ------
    DatasetError
        If there is no way from one to the other, as between two drives of Windows.
    """
    try:
        # Where a link leads, since the way up from a link is not the way up from its place.
        return Path(os.path.relpath(os.path.realpath(path), os.path.realpath(folder))).as_posix()
    except ValueError as error:
        raise DatasetError(f"{path} is on another drive than {folder}; keep them on one.") from error
