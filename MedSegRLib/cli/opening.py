"""Opening: from a path and a model's name to a conversation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from MedSegRLib.cli.options import modality_of, plane_of
from MedSegRLib.cli.telling import tell_notes

if TYPE_CHECKING:
    from MedSegRLib.imaging import Volume
    from MedSegRLib.reasoning import Session


def open_scan(scan: Path, series: str | None, modality: str | None) -> Volume:
    """Read a scan, telling on stderr what had to be assumed."""
    from MedSegRLib.imaging import read_volume

    volume = read_volume(scan, series, modality_of(modality))
    tell_notes(volume.notes)
    return volume


def open_session(
    volume: Volume,
    model: str,
    *,
    plane: str | None = None,
    body_part: str | None = None,
    cache: Path | None = None,
) -> Session:
    """Open a model and begin a conversation about a scan."""
    wanted = plane_of(plane)
    # Last, since it takes seconds: what is wrong with the scan is told before.
    from MedSegRLib.model import open_model
    from MedSegRLib.reasoning import Session

    return Session(volume, open_model(model), plane=wanted, body_part=body_part, cache_folder=cache)
