"""Asking: what the judge needs of a conversation, and what an answer is taken to say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import Side
from MedSegRLib.answers import Answer, Question
from MedSegRLib.imaging import Volume

__all__ = ["Conversation", "Opener", "found_parts", "refused"]

Part = tuple[str, Side]
_NO = re.compile(r"\b(no|not|cannot|can't|never|none|nothing|unable|neither)\b", re.IGNORECASE)


class Conversation(Protocol):
    """What `reasoning.Session` offers of which the judge makes use: free text in, an answer out."""

    def ask(self, question: str | Question) -> Answer:
        """Answer a question."""

    def forget(self) -> None:
        """Begin anew about the same scan."""


Opener = Callable[[Volume], Conversation]


def found_parts(answer: Answer) -> dict[Part, tuple[npt.NDArray[np.bool_], float]]:
    """Mask and confidence of every part that an answer shows.

    Findings that the anatomy table does not know are under their phrase, so that they count as wrong;
    a part that is found twice has both masks and the higher confidence.
    """
    found: dict[Part, tuple[npt.NDArray[np.bool_], float]] = {}
    for finding in answer.findings:
        if finding.mask.any():
            part = (finding.structure or finding.phrase, finding.side)
            mask, confidence = found.get(part, (np.zeros_like(finding.mask), 0.0))
            found[part] = (mask | finding.mask, max(confidence, finding.confidence))
    return found


def refused(answer: Answer) -> bool:
    """Whether the masks are empty and the text refuses: it names what is absent, or says that it cannot."""
    empty = not any(finding.mask.any() for finding in answer.findings)
    return empty and (bool(answer.absent) or _NO.search(answer.text) is not None)
