"""Units: what a build writes one item each about: a scan as a whole, or one of its slices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane

from ..source import Source
from .examining import Examined

__all__ = ["Share", "Unit", "share_of", "source_key", "units_of"]


@dataclass(frozen=True)
class Share:
    """What of the scans of one origin becomes items.

    Attributes
    ----------
    origin
        As of the sources; empty for every origin that no other share names.
    planes
        Planes whose slices are talked about; empty for each source's own.
    every
        One of how many slices that show something; 0 for none.
    scans
        Conversations about each scan as a whole; pictures have none.
    leave_out
        Patients who are not written about.
    """

    origin: str = ""
    planes: tuple[Plane, ...] = ()
    every: int = 1
    scans: int = 1
    leave_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.every < 0 or self.scans < 0 or (self.every == 0 and self.scans == 0):
            raise DatasetError(
                f"The share of '{self.origin}' has every = {self.every} and scans = {self.scans}; "
                "write counts of which one is above 0."
            )


@dataclass(frozen=True)
class Unit:
    """One item to be written: its id, and the canonical slice or None for the whole scan."""

    id: str
    slice_index: int | None


def share_of(source: Source, shares: Sequence[Share]) -> Share | None:
    """The share that a source belongs to; None if nobody asked for it."""
    named = [share for share in shares if share.origin == source.origin]
    share = next(iter(named or [share for share in shares if not share.origin]), None)
    # An index puts the origin before the patient, since two origins may number theirs alike.
    names = (source.patient, source.patient.removeprefix(f"{source.origin}/"))
    return None if share is None or any(name in share.leave_out for name in names) else share


def source_key(source: Source, plane: Plane) -> str:
    """Name of a scan along a plane, fit for ids and file names."""
    patient = source.patient.removeprefix(f"{source.origin}/")
    words = (source.origin, patient, source.study.removeprefix(patient), plane.value)
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", word) for word in words if word.strip("_-. "))


def units_of(examined: Examined, share: Share) -> list[Unit]:
    """The units of a scan along a plane, those about it as a whole first.

    Conversations about the whole scan are written along the source's own plane.
    """
    key = source_key(examined.source, examined.plane)
    units = []
    if examined.slice_count > 1 and examined.plane is (share.planes or (examined.source.plane,))[0]:
        units = [Unit(f"{key}-scan{number}", None) for number in range(share.scans)]
    if share.every:
        slices = examined.slices_with_parts()[share.every // 2 :: share.every]
        units += [Unit(f"{key}-{index:03d}", index) for index in slices]
    return units
