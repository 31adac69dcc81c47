"""Asking: what the judge needs of a conversation, and what an answer is taken to say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import Side
from MedSegRLib.answers import Answer, Question
from MedSegRLib.imaging import Volume

__all__ = ["Conversation", "Opener", "Part", "Reply", "Shown", "found_parts", "refused"]

Mask = npt.NDArray[np.bool_]
Part = tuple[str, Side]
_NO = re.compile(r"\b(no|not|cannot|can't|never|none|nothing|unable|neither)\b", re.IGNORECASE)


class Conversation(Protocol):
    """What `reasoning.Session` offers of which the judge makes use: free text in, an answer out."""

    def ask(self, question: str | Question) -> Answer:
        """Answer a question."""

    def ground(self, question: str | Question, raw: str) -> Answer:
        """Find what given words name, as if they had been the answer; the conversation stays as it was."""

    def forget(self) -> None:
        """Begin anew about the same scan."""


Opener = Callable[[Volume], Conversation]


@dataclass(frozen=True)
class Shown:
    """One mask of an answer: the part that its words name, bool [K, J, I] with voxels, and its confidence.

    A phrase that the anatomy table does not know stands for itself, so that it counts as wrong;
    confidence is None where it was not told.
    """

    part: Part
    mask: Mask = field(repr=False)
    confidence: float | None


@dataclass(frozen=True)
class Reply:
    """What somebody, our model or another, said and showed to one question.

    Attributes
    ----------
    text
        In words, without tags.
    shown
        The masks that have voxels.
    absent
        Whether it names something as not there.
    """

    text: str
    shown: tuple[Shown, ...]
    absent: bool

    @classmethod
    def of(cls, answer: Answer) -> Reply:
        """Take an answer of our own model."""
        shown = tuple(
            Shown((finding.structure or finding.phrase, finding.side), finding.mask, finding.confidence)
            for finding in answer.findings
            if finding.mask.any()
        )
        return cls(answer.text, shown, bool(answer.absent))

    def parts(self) -> dict[Part, tuple[Mask, float | None]]:
        """Mask and confidence of every part; what is shown twice has both masks and the higher confidence."""
        found: dict[Part, tuple[Mask, float | None]] = {}
        for one in self.shown:
            mask, confidence = found.get(one.part, (np.zeros_like(one.mask), None))
            told = [c for c in (confidence, one.confidence) if c is not None]
            found[one.part] = (mask | one.mask, max(told) if told else None)
        return found

    @property
    def refuses(self) -> bool:
        """Whether no mask has a voxel and the text refuses: names what is absent, or says that it cannot."""
        return not self.shown and (self.absent or _NO.search(self.text) is not None)


def found_parts(answer: Answer) -> dict[Part, tuple[Mask, float]]:
    """Mask and confidence of every part that an answer shows, as `Reply.parts`."""
    return {part: (mask, value or 0.0) for part, (mask, value) in Reply.of(answer).parts().items()}


def refused(answer: Answer) -> bool:
    """Whether an answer refuses, as `Reply.refuses`."""
    return Reply.of(answer).refuses
