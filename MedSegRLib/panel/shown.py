"""Shown: what the presenter gives the view to show, and the protocol of a view.

Plain values without Qt, so that what is shown can be tested without drawing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from MedSegRLib.panel.gateway import Condition, Scan, Visibility

__all__ = [
    "Commands",
    "ExchangeShown",
    "PanelView",
    "Progress",
    "Row",
    "Scope",
    "SetUpRow",
    "SetUpShown",
    "Stage",
    "identity",
]


def identity(text: str) -> str:
    """The text itself: the translation where there is none."""
    return text


class Scope(Enum):
    """Which part of the scan is asked about."""

    WHOLE = "whole"
    SLICE = "slice"
    RANGE = "range"


class Stage(Enum):
    """How far an answer has come."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Row:
    """One finding of an answer."""

    name: str
    phrase: str
    amount: str
    confidence: float
    colour: tuple[float, float, float]
    visibility: Visibility = Visibility.SHOWN


@dataclass(frozen=True)
class ExchangeShown:
    """A question and what is known of its answer."""

    number: int
    question: str
    text: str = ""
    rows: tuple[Row, ...] = ()
    stage: Stage = Stage.RUNNING
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Progress:
    """How far the running question is: `done` of `total` slices, 0 of 0 while that is not known."""

    done: int
    total: int
    words: str
    queue: tuple[str, ...] = ()


@dataclass(frozen=True)
class Commands:
    """What can be done now."""

    ask: bool = False
    stop: bool = False
    new: bool = False
    undo: bool = False
    redo: bool = False
    explain: bool = False
    export: bool = False
    bring_back: bool = False


@dataclass(frozen=True)
class SetUpRow:
    """How one thing stands, in a colour and in words; `install` is the part that a click installs."""

    name: str
    condition: Condition
    words: str
    install: str = ""


@dataclass(frozen=True)
class SetUpShown:
    """The set-up section.

    Attributes
    ----------
    rows
        What there is.
    summary
        All of it in a few words.
    condition
        All of it as a colour.
    consent
        What is to be agreed to; empty once it was.
    licence
        The text of the licence.
    python
        Path of the chosen interpreter; empty for the one that comes with the application.
    restart
        Whether the application is to be restarted before going on.
    """

    rows: tuple[SetUpRow, ...]
    summary: str
    condition: Condition
    consent: str = ""
    licence: str = ""
    python: str = ""
    restart: bool = False


class PanelView(Protocol):
    """What the presenter asks of a view; a view decides nothing."""

    def show_scans(self, scans: Sequence[Scan], key: str) -> None:
        """Offer scans, where no selector was handed in; `key` is the chosen one or empty."""

    def show_models(self, models: Sequence[tuple[str, str]], chosen: str) -> None:
        """Offer models: pairs of name and label, where no selector was handed in."""

    def show_hint(self, text: str) -> None:
        """Say what is worth knowing of this scan and model; empty for nothing."""

    def show_set_up(self, set_up: SetUpShown) -> None:
        """Show how the set-up stands."""

    def open_set_up(self) -> None:
        """Unfold the set-up section."""

    def clear_transcript(self) -> None:
        """Show no exchange."""

    def show_exchange(self, exchange: ExchangeShown) -> None:
        """Show an exchange, anew or for the first time; they are numbered from 0."""

    def append_text(self, number: int, delta: str) -> None:
        """Show more of the text of a running answer."""

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far the running question is; None where nothing runs."""

    def show_suggestions(self, questions: Sequence[str]) -> None:
        """Offer questions to ask."""

    def show_commands(self, commands: Commands) -> None:
        """Enable what can be done."""

    def show_choices(self, plane: str, update: bool) -> None:
        """Show the remembered choices; `plane` is a `Plane`'s value, or empty for the model's own."""

    def show_slices(self, first: int, last: int, count: int, direction: str) -> None:
        """Offer a range out of `count` slices, counted from 0 in a direction."""

    def show_picking(self, picking: bool) -> None:
        """Say whether a click into a slice view is waited for."""

    def show_message(self, text: str, wrong: bool = False) -> None:
        """Say something in one line; empty to say nothing."""

    def show_question(self, text: str) -> None:
        """Put a question into the box, to be sent or changed."""
