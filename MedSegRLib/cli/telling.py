"""Telling: the events of a question as words on stdout and progress on stderr."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from MedSegRLib.cli.progress import SliceProgress

if TYPE_CHECKING:
    from MedSegRLib.answers import Answer, Event, Finding


def follow(events: Iterable[Event], *, live: bool) -> Answer:
    """Show events as they come, until the last one.

    Parameters
    ----------
    events
        As `Session.stream` yields them.
    live
        Show the text while it is written; else nothing, for the caller to tell the whole.

    Returns
    -------
    The answer, complete or not.

    Raises
    ------
    MedSegRError
        The one of `Failed`.
    """
    from MedSegRLib.answers import Cancelled, Failed, Finished, Revised, SliceDone, Text

    shown = _Shown(live)
    answer: Answer | None = None
    with SliceProgress() as progress:
        for event in events:
            if isinstance(event, SliceDone):
                shown.end_line()
                progress.show(event)
                continue
            progress.clear()
            if isinstance(event, Text):
                shown.add(event.delta)
            elif isinstance(event, Revised):
                shown.replace(event.text)
            elif isinstance(event, Failed):
                shown.end_line()
                raise event.error
            elif isinstance(event, Finished | Cancelled):
                answer = event.answer
    if answer is None:
        raise RuntimeError("the stream of events ended without an end")
    shown.end_line()
    return answer


class _Shown:
    """The text on a terminal, while it is written."""

    def __init__(self, live: bool) -> None:
        self._live = live
        self._open = False

    def add(self, delta: str) -> None:
        if self._live and delta:
            # White space between what was before a line's end and what comes after it is due to the former.
            text = printable(delta if self._open else delta.lstrip())
            typer.echo(text, nl=False)
            self._open = self._open or bool(text)

    def replace(self, text: str) -> None:
        self.end_line()
        if self._live:
            typer.echo("Corrected, since the slices say otherwise:")
            self.add(text)

    def end_line(self) -> None:
        if self._open:
            typer.echo()
            self._open = False


def printable(text: str) -> str:
    """Text without signs that would command the terminal; a model may write any."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")


def tell_findings(answer: Answer) -> None:
    """Tell each finding in a line of its own, or that there is none."""
    for finding in answer.findings:
        typer.echo(f"- {_line(finding)}")
    if not answer.findings:
        typer.echo("No finding: nothing was outlined.")


def _line(finding: Finding) -> str:
    from MedSegRLib.answers.measure import format_ml

    size = finding.measurements
    amount = f"{size.voxels} pixels" if size.volume_ml is None else format_ml(size.volume_ml)
    return f"{printable(finding.name)}: {amount}, confidence {finding.confidence:.2f}"


def tell_notes(notes: Iterable[str]) -> None:
    """Tell on stderr what was assumed, left out or corrected."""
    for note in notes:
        typer.echo(f"Note: {note}", err=True)


def own_notes(answer: Answer) -> list[str]:
    """Notes of an answer that are not those of its scan, which are told once."""
    return [note for note in answer.provenance.notes if note not in answer.volume.notes]
