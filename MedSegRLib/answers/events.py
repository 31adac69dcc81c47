"""Events: what happens between a question and its answer, in this order.

Planned, then Text, SliceDone, FindingReady and Revised as they come, and at the end exactly one of
Finished, Cancelled and Failed. Terminal, panel, batch and tests consume the same stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers.answer import Answer
from MedSegRLib.answers.errors import MedSegRError
from MedSegRLib.answers.finding import Finding
from MedSegRLib.imaging import Plane


@dataclass(frozen=True)
class Planned:
    """Which canonical slices of which plane will be looked at."""

    slices: tuple[int, ...]
    plane: Plane

    def __post_init__(self) -> None:
        object.__setattr__(self, "slices", tuple(int(index) for index in self.slices))


@dataclass(frozen=True)
class Text:
    """More of the visible text; never a part of a tag."""

    delta: str


@dataclass(frozen=True, eq=False)
class SliceDone:
    """One slice has been looked at.

    Attributes
    ----------
    done, total
        How many slices are done, this one included, and how many there are.
    slice_index
        The canonical index.
    masks
        Name -> bool [row, column], of what was seen on it; preliminary, before the slices are put together.
    seconds_left
        An estimate; None as long as there is none.
    """

    done: int
    total: int
    slice_index: int
    masks: Mapping[str, npt.NDArray[np.bool_]] = field(repr=False)
    seconds_left: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.done <= self.total:
            raise ValueError(f"{self.done} of {self.total} slices cannot be done")
        object.__setattr__(self, "masks", MappingProxyType(dict(self.masks)))

    def __reduce__(self) -> tuple[type[SliceDone], tuple[Any, ...]]:
        # A read-only mapping cannot cross to another process as it is.
        return type(self), (self.done, self.total, self.slice_index, dict(self.masks), self.seconds_left)


@dataclass(frozen=True)
class FindingReady:
    """A finding is put together and measured."""

    finding: Finding


@dataclass(frozen=True)
class Revised:
    """The whole visible text anew, since the masks contradicted what was shown before."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The end: the whole answer."""

    answer: Answer


@dataclass(frozen=True)
class Cancelled:
    """The end: stopped by the user; what was done so far, marked as not complete."""

    answer: Answer

    def __post_init__(self) -> None:
        if self.answer.complete:
            raise ValueError("an answer that was cancelled is not complete; say so in it")


@dataclass(frozen=True)
class Failed:
    """The end: it could not be done; the error's sentence says why."""

    error: MedSegRError


Event = Planned | Text | SliceDone | FindingReady | Revised | Finished | Cancelled | Failed
