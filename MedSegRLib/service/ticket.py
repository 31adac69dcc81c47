"""Ticket: one question that was handed to a client, and what came of it so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from MedSegRLib.answers import Answer, Cancelled, Event, Failed, Finished, Question
from MedSegRLib.imaging import Volume


@dataclass(frozen=True)
class Earlier:
    """One exchange that came before.

    Attributes
    ----------
    question
        What was asked.
    raw
        The model's answer with its tags (`Answer.raw`).
    absent
        What was looked for and is not there (`Answer.absent`).
    """

    question: str
    raw: str
    absent: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: Answer) -> Earlier:
        """The exchange that an answer was part of."""
        return cls(answer.question.text, answer.raw, answer.absent)


class Ticket:
    """A question on its way; `Client.ask` gives it.

    Attributes
    ----------
    question, volume
        What was asked of which scan.
    model
        Name, or absolute path of the folder.
    earlier
        The conversation so far.
    waiting
        How many questions are before it.
    done
        Whether its last event has come, be it taken or not.
    """

    def __init__(self, question: Question, volume: Volume, model: str, earlier: Sequence[Earlier]) -> None:
        self.question, self.volume, self.model, self.earlier = question, volume, model, tuple(earlier)
        self.waiting = 0
        self.done = False
        self._events: list[Event] = []

    def take(self) -> list[Event]:
        """Events that have come since the last time; one of Finished, Cancelled and Failed is the last."""
        events, self._events = self._events, []
        return events

    def add(self, event: Event) -> None:
        """Put an event in; the client does."""
        self._events.append(event)
        self.done = isinstance(event, Finished | Cancelled | Failed)
