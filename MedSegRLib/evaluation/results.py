"""Results: scores of parts and of questions, as plain values that JSON can hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from enum import Enum
from typing import Any, NamedTuple

from MedSegRLib.anatomy import Side

from .gallery import WorstCase
from .metrics import Bin, ece, reliability
from .structures16 import PartScore

__all__ = [
    "ASKED", "MATCH_IOU", "RIGHT_DICE", "MaskScore", "PatientPart", "QuestionScore", "Results", "Told",
    "part_names", "plain_values",
]  # fmt: skip

ASKED = "All questions were asked in free text."
RIGHT_DICE = 0.7  # a mask above it counts as right where confidence is judged
MATCH_IOU = 0.5  # from here on a mask is that of a target, where phrases are matched to masks


@dataclass(frozen=True)
class PatientPart:
    """The score of a part in one patient of a group.

    Attributes
    ----------
    group, patient
        Of the scan.
    score
        How well it was found.
    modality
        MR, CT, unknown, or empty where one group has only one.
    kind
        The type of the question, where a data set tells it.
    conversation, turn
        In which conversation it was asked for, and in which of its exchanges, counted from 1.
    """

    group: str
    patient: str
    score: PartScore
    modality: str = ""
    kind: str = ""
    conversation: str = ""
    turn: int = 1


@dataclass(frozen=True)
class MaskScore:
    """All masks of one answer against all that were expected.

    Attributes
    ----------
    expected, shown
        Number of parts that are there, and of masks.
    matched
        Parts of which a mask with IoU of at least `MATCH_IOU` is shown under a phrase that names them.
    misnamed
        Masks that fit an expected part as well, under a phrase that names another.
    intersection, union
        Voxels of everything shown and everything expected.
    confidence, right
        Of each mask that tells a confidence: whether its phrase names an expected part and it has a Dice
        above `RIGHT_DICE` with it.
    """

    expected: int
    shown: int
    matched: int
    misnamed: int
    intersection: int
    union: int
    confidence: tuple[float, ...] = ()
    right: tuple[bool, ...] = ()

    @property
    def iou(self) -> float:
        """IoU of everything; 1 if nothing is there and nothing is shown."""
        return self.intersection / self.union if self.union else 1.0


@dataclass(frozen=True)
class QuestionScore:
    """How one question was answered.

    Attributes
    ----------
    suite
        implicit, absent, present, medsegqa or development.
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
    structures
        Ids of what was asked for.
    modality, conversation, turn
        As of `PatientPart`.
    masks
        Where all true masks are known.
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
    modality: str = ""
    conversation: str = ""
    turn: int = 1
    masks: MaskScore | None = None


class Told(NamedTuple):
    """A confidence that was told with a mask of a patient (group, pseudonym), and whether it was right."""

    patient: tuple[str, str]
    confidence: float
    right: bool


@dataclass(frozen=True)
class Results:
    """Everything that was measured of one model, or of what another system had said.

    Attributes
    ----------
    model
        Its name and version.
    parts, questions
        The scores.
    notes
        Sentences for the end.
    source
        How the answers came about.
    worst
        Pictures of the worst masks.
    """

    model: str
    parts: tuple[PatientPart, ...] = ()
    questions: tuple[QuestionScore, ...] = ()
    notes: tuple[str, ...] = field(default=())
    source: str = ASKED
    worst: tuple[WorstCase, ...] = field(default=(), repr=False)

    @property
    def told(self) -> tuple[Told, ...]:
        """Every confidence that was told with a mask.

        Where all true masks are known, masks that nobody asked for count as wrong; in the suites only the
        parts that were asked for are judged, and each once, without those of the suite "turns".
        """
        whole = [q for q in self.questions if q.suite == "medsegqa" and q.masks is not None]
        if whole:
            return tuple(
                Told((q.group, q.patient), confidence, right)
                for q in whole
                if q.masks is not None
                for confidence, right in zip(q.masks.confidence, q.masks.right, strict=True)
            )
        return tuple(
            Told((p.group, p.patient), p.score.confidence, p.score.dice > RIGHT_DICE)
            for p in self.parts
            if p.score.found and p.score.confidence is not None and not p.conversation
        )

    @property
    def calibration_error(self) -> float:
        """ECE of the confidence of all masks that were found, against a Dice above `RIGHT_DICE`."""
        return ece([t.confidence for t in self.told], [t.right for t in self.told])

    @property
    def reliability(self) -> tuple[Bin, ...]:
        """The reliability curve behind it."""
        return reliability([t.confidence for t in self.told], [t.right for t in self.told])

    def share(self, suite: str) -> float:
        """Share of right ones among the questions of a suite; NaN of none."""
        right = [q.right for q in self.questions if q.suite == suite]
        return sum(right) / len(right) if right else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, all but the pictures; a number that is not one is null."""
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "worst"}
        for name in ("parts", "questions"):
            kept[name] = [asdict(score) for score in kept[name]]
        curve = [asdict(b) for b in self.reliability]
        return plain_values({"calibration_error": self.calibration_error, "reliability": curve, **kept})


def part_names(parts: Iterable[tuple[str, Side]]) -> tuple[str, ...]:
    """Sorted "left hippocampus", "brainstem"."""
    return tuple(sorted(s if side is Side.NONE else f"{side.value} {s}" for s, side in parts))


def plain_values(value: Any) -> Any:
    """The same in values that JSON knows; NaN becomes null."""
    if isinstance(value, dict):
        return {key: plain_values(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and value != value:
        return None
    return value
