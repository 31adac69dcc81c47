"""Asking: a study's questions in their conversations; whoever answers them, wherever."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from MedSegRLib.answers import Answer, Question
from MedSegRLib.batch.questions import BatchQuestion
from MedSegRLib.errors import MedSegRError
from MedSegRLib.imaging import Volume
from MedSegRLib.service import Earlier

__all__ = ["Asked", "NoWorkerError", "SessionFactory", "Stopped", "WorkerLostError", "ask_all"]


class WorkerLostError(MedSegRError):
    """The process that was asked is no more; another try may be answered."""


class NoWorkerError(MedSegRError):
    """No process can be started that would answer; no other try will help."""


class Stopped(Exception):
    """The user wants the batch to stop."""


class Asked(Protocol):
    """Whoever is asked about one scan; what was seen of it is remembered from question to question."""

    def ask(self, question: Question, earlier: Sequence[Earlier]) -> Answer:
        """Answer a question that goes on with what was said earlier, oldest first.

        Raises
        ------
        MedSegRError
            If it cannot be answered; WorkerLostError if another try may be.
        Stopped
            If the batch is to stop.
        """
        ...


# Waits for its turn where there are fewer models than studies; leaving it lets the next study in.
SessionFactory = Callable[[Volume], AbstractContextManager[Asked]]


def ask_all(
    session: Asked, questions: Sequence[BatchQuestion], known: Mapping[str, Answer]
) -> dict[str, Answer]:
    """Ask every question that is not answered yet.

    Parameters
    ----------
    session
        Who is asked.
    questions
        In an order in which what a follow-up follows stands before it.
    known
        Answers that hold already, by the question's id.

    Returns
    -------
    Answers by the question's id, in the order of the questions.
    """
    answers: dict[str, Answer] = {}
    said: dict[str, tuple[Earlier, ...]] = {}
    for question in questions:
        before = said[question.after] if question.after is not None else ()
        answer = known.get(question.id) or session.ask(question.question(), before)
        answers[question.id] = answer
        said[question.id] = (*before, Earlier.of(answer))
    return answers
