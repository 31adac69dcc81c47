"""What MedSeg-QA is made of: exchanges of a question and an answer whose findings have masks.

An answer is raw markup (`answers.markup`): `<p>left hippocampus</p>[SEG]` for a finding, `[REJ]` in its
place for a named thing that is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from MedSegRLib.anatomy import Side

__all__ = ["Exchange", "Part", "QuestionType", "Scene", "Target"]

# A structure of the anatomy table and its side.
Part = tuple[str, Side]


class QuestionType(Enum):
    """What kind of question an exchange asks."""

    DIRECT = "direct"
    IMPLICIT = "implicit"
    SEVERAL = "several"
    SIZE = "size"
    COMPARISON = "comparison"
    COUNTING = "counting"
    PRESENCE = "presence"
    FOLLOW_UP = "follow_up"
    ABSENT = "absent"
    OUTSIDE = "outside"
    NOT_OFFERED = "not_offered"
    UNANSWERABLE = "unanswerable"
    HELP = "help"


@dataclass(frozen=True)
class Target:
    """One `[SEG]` or `[REJ]` of an answer: its words, the structure and side, and whether it is there."""

    phrase: str
    structure: str
    side: Side
    present: bool


@dataclass(frozen=True)
class Exchange:
    """A question and its answer; `targets` in the order of the answer's mentions."""

    question: str
    answer: str
    question_type: QuestionType
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Computed facts of a scan (or of one slice of it) that conversations are written from.

    Attributes
    ----------
    region
        brain, head_neck, thorax, heart, abdomen, pelvis or spine.
    present_ml
        Millilitres of every part that is there, by (structure, side).
    offered
        Ids of the structures that may be segmented; others are refused in words.
    """

    region: str
    offered: tuple[str, ...]
    present_ml: Mapping[Part, float] = field(default_factory=dict)
