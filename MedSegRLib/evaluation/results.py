"""Results: scores of parts and of questions, as plain values that JSON can hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from MedSegRLib.anatomy import Side

from .metrics import ece
from .structures16 import PartScore

__all__ = ["RIGHT_DICE", "PatientPart", "QuestionScore", "Results", "part_names"]

RIGHT_DICE = 0.7  # a mask above it counts as right where confidence is judged


@dataclass(frozen=True)
class PatientPart:
    """The score of a part in one patient of a group."""

    group: str
    patient: str
    score: PartScore


@dataclass(frozen=True)
class QuestionScore:
    """How one question was answered.

    Attributes
    ----------
    suite
        implicit, absent, present or medsegqa.
    kind
        What kind of question; what the tables part them by.
    group, patient
        Of the scan.
    question, text
        What was asked and told.
    expected, found
        Parts such as "left hippocampus".
    right
        As the suite says.
    """

    suite: str
    kind: str
    group: str
    patient: str
    question: str
    expected: tuple[str, ...]
    found: tuple[str, ...]
    right: bool
    text: str
    structures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """Everything that was measured of one model."""

    model: str
    parts: tuple[PatientPart, ...] = ()
    questions: tuple[QuestionScore, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def calibration_error(self) -> float:
        """ECE of the confidence of all masks that were found, against a Dice above `RIGHT_DICE`."""
        found = [p.score for p in self.parts if p.score.found and p.score.confidence is not None]
        return ece([s.confidence or 0.0 for s in found], [s.dice > RIGHT_DICE for s in found])

    def share(self, suite: str) -> float:
        """Share of right ones among the questions of a suite; NaN of none."""
        right = [q.right for q in self.questions if q.suite == suite]
        return sum(right) / len(right) if right else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a distance or error that is not a number is null."""
        return {"calibration_error": _plain(self.calibration_error), **_plain(asdict(self))}


def part_names(parts: Iterable[tuple[str, Side]]) -> tuple[str, ...]:
    """Sorted "left hippocampus", "brainstem"."""
    return tuple(sorted(s if side is Side.NONE else f"{side.value} {s}" for s, side in parts))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and value != value:
        return None
    return value
