"""Space: whether a disk will hold what a batch writes, said before a night is spent on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from MedSegRLib.batch.plan import Task
from MedSegRLib.batch.settings import Settings
from MedSegRLib.errors import OutputError

__all__ = ["check_space", "needed_bytes"]

# Of an answer: pictures of its report and its masks, which pack to about a twentieth of the scan.
_PICTURES_BYTES = 1_500_000
_MASKS_SHARE = 0.05
_SHARE = {"nifti": 0.05, "dicom-seg": 0.3, "dicom-sr": 0.0}
_STUDY_BYTES = 200_000


def needed_bytes(tasks: Sequence[Task], settings: Settings) -> int:
    """About how many bytes the results of studies take."""
    share = _MASKS_SHARE + sum(_SHARE[name] for name in settings.formats)
    needed = 0.0
    for task in tasks:
        scan = sum(_size_of(path) for path in task.study.paths)
        needed += _STUDY_BYTES + len(task.questions) * (_PICTURES_BYTES + share * scan)
    return round(needed)


def check_space(tasks: Sequence[Task], settings: Settings, folder: Path) -> None:
    """Refuse a disk that will not hold the results of studies.

    Raises
    ------
    OutputError
        If its free space is less than what is needed; the sentence says both.
    """
    needed, free = needed_bytes(tasks, settings), shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            f"The results of {len(tasks)} studies take about {_gb(needed)}, but the disk of {folder} has "
            f"{_gb(free)} free; make room, or choose another disk."
        )


def _size_of(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0  # Its study will fail, and say so.


def _gb(count: int) -> str:
    return f"{count / 1e9:.2g} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"
