"""Plan: which studies there are, what each is asked, and why the rest is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from MedSegRLib.batch.questions import BatchQuestion, QuestionFile
from MedSegRLib.batch.study import Study

__all__ = ["LeftOut", "Plan", "Task", "plan"]


@dataclass(frozen=True)
class Task:
    """A study and the questions that fit it, in the order that they are asked in."""

    study: Study
    questions: tuple[BatchQuestion, ...]


@dataclass(frozen=True)
class LeftOut:
    """What is not asked about, or a question that is not asked of a study, and why in one sentence."""

    what: str
    why: str


@dataclass(frozen=True)
class Plan:
    """All that a batch does, sorted by the studies' keys, and all that it does not."""

    tasks: tuple[Task, ...]
    left_out: tuple[LeftOut, ...]


def plan(inputs: Sequence[Path], questions: QuestionFile) -> Plan:
    """Find the studies of the inputs by their headers and choose what each is asked.

    Raises
    ------
    UserInputError
        If an input is not there, or a list of studies makes no sense.
    """
    raise NotImplementedError
