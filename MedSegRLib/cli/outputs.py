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
    from MedSegRLib.dicom import DicomSource
    from MedSegRLib.imaging import Volume

DICOM = (".dcm",)
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


def dicom_source(paths: Sequence[Path], scan: Path, series: str | None, volume: Volume) -> DicomSource | None:
    """What DICOM files among the outputs are to refer to; None where there are none.

    Raises
    ------
    UserInputError
        If a DICOM SEG of this scan cannot be written, or would replace a slice of it.
    """
    wanted = [path for path in paths if path.name.lower().endswith(DICOM)]
    if not wanted:
        return None
    from MedSegRLib.dicom import DicomSource
    from MedSegRLib.extras import import_extra

    import_extra("highdicom", "Writing DICOM SEG", "dicom")
    source = DicomSource.read(scan, series)
    source.slices_along(volume)
    for path in wanted:
        source.refuse_to_replace(path)
    return source


def save_answer(answer: Answer, paths: Sequence[Path], source: DicomSource | None = None) -> list[str]:
    """Write an answer to each file as its ending says; DICOM with the source that it refers to.

    Returns
    -------
    Sentences about what was written, what was not, and what a format could not keep.
    """
    segmentation = next((path.name for path in paths if path.name.lower().endswith(".seg.nrrd")), None)
    said = []
    for path in paths:
        if path.name.lower().endswith((*MASKS, *DICOM)) and not answer.findings:
            older = "; the file there is of an earlier answer" if path.exists() else ""
            said.append(f"No finding, so {path} was not written{older}.")
        elif source is not None and path.name.lower().endswith(DICOM):
            from MedSegRLib.dicom import write_dicom_seg

            write_dicom_seg([answer], source, path)
            said.append(f"Written: {path}")
        else:
            said += [f"Written: {path}", *answer.save(path, segmentation)]
    return said
