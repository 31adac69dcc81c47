"""Outputs: checked before a model runs, written when the answer is whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from MedSegRLib.errors import OutputError

if TYPE_CHECKING:
    from MedSegRLib.answers import Answer

MASKS = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".mha")
REPORT = (".html", ".htm")


class _OnlyChecked(Exception):
    """Leaves the writing of a file again, so that nothing is written."""


def check_outputs(paths: Sequence[Path], endings: tuple[str, ...], scan: Path | None = None) -> None:
    """Make sure that files can be written, and write none.

    Parameters
    ----------
    paths
        What is to be written later.
    endings
        Those that are understood.
    scan
        The file that is asked about, which no output may replace.

    Raises
    ------
    OutputError
        If a name ends otherwise, its folder is missing or cannot be written to, it is the scan
        itself, or the same file is named twice.
    """
    from MedSegRLib.imaging import atomic_path

    seen: set[str] = set()
    for path in paths:
        if not path.name.lower().endswith(endings):
            raise OutputError(f"{path} does not end as it must; use {', '.join(endings)}.")
        place = os.path.realpath(path)
        if scan is not None and place == os.path.realpath(scan):
            raise OutputError(f"{path} is the scan itself, which would be lost; choose another name.")
        if place in seen:
            raise OutputError(f"{path} is named for two outputs; give each a name of its own.")
        seen.add(place)
        try:
            with suppress(_OnlyChecked), atomic_path(path):
                raise _OnlyChecked
        except OSError as error:
            # A name too long to be looked up is not even one that is missing.
            raise OutputError(
                f"{path} cannot be written ({error.strerror}); choose another place."
            ) from error


def save_answer(answer: Answer, paths: Sequence[Path]) -> list[str]:
    """Write an answer to each file as its ending says.

    Returns
    -------
    Sentences about what was written, what was not, and what a format could not keep.
    """
    segmentation = next((path.name for path in paths if path.name.lower().endswith(".seg.nrrd")), None)
    said = []
    for path in paths:
        if path.name.lower().endswith(MASKS) and not answer.findings:
            older = "; the file there is of an earlier answer" if path.exists() else ""
            said.append(f"No finding, so {path} was not written{older}.")
            continue
        said += [f"Written: {path}", *answer.save(path, segmentation)]
    return said
