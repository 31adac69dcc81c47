"""Asking: questions one after the other, and what their events do to exchange and scene.

A question that waits is handed to the worker only when the one before it is answered, since it may
refer to that answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.answers import (
    Answer,
    Cancelled,
    Event,
    Failed,
    Finding,
    FindingReady,
    Finished,
    MedSegRError,
    Planned,
    Question,
    Revised,
    SliceDone,
    Text,
)
from MedSegRLib.answers.finding import colour_of
from MedSegRLib.imaging import Plane, Volume
from MedSegRLib.panel.conversation import Conversation, Exchange, row_of
from MedSegRLib.panel.gateway import AskClient, AskTicket, SceneGateway
from MedSegRLib.panel.shown import Progress, Stage
from MedSegRLib.service import WorkerState

__all__ = ["Asked", "Asking", "Listener"]

# The event loop is not to wait longer than 50 ms, drawing by the view included.
_TICK_SECONDS = 0.015


@dataclass
class Asked:
    """A question with all that answering it takes."""

    conversation: Conversation
    question: Question
    volume: Volume
    model: str
    update: bool
    exchange: Exchange = field(init=False)
    ticket: AskTicket | None = None
    plane: Plane = Plane.AXIAL
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    coming: deque[Event] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.exchange = Exchange(self.question.text)


class Listener(Protocol):
    """Who is told what becomes of questions."""

    def begun(self, asked: Asked) -> None:
        """A question is being answered from now on."""

    def text_came(self, asked: Asked, delta: str) -> None:
        """More text came, and nothing else changed."""

    def changed(self, asked: Asked) -> None:
        """The exchange changed."""

    def ended(self, asked: Asked) -> None:
        """The exchange is what it will be."""


class Asking:
    """The question that is being answered and those that wait.

    Parameters
    ----------
    gateway
        Draws.
    listener
        Is told.
    table
        Names, for the colours of what is outlined meanwhile.
    tr
        Translates.
    """

    def __init__(
        self, gateway: SceneGateway, listener: Listener, table: AnatomyTable, tr: Callable[[str], str]
    ) -> None:
        self._gateway, self._listener, self._table, self._tr = gateway, listener, table, tr
        self._waiting: deque[Asked] = deque()
        self.now: Asked | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a question is being answered or waits."""
        return self.now is not None or bool(self._waiting)

    def add(self, asked: Asked) -> None:
        """Ask, after those that wait."""
        self._waiting.append(asked)

    def stop(self, client: AskClient) -> None:
        """Stop the running question; its last event comes with a later tick."""
        if self.now is not None and self.now.ticket is not None:
            client.cancel(self.now.ticket)

    def forget(self, conversation: Conversation, client: AskClient | None) -> None:
        """Stop and drop every question of a conversation."""
        self._waiting = deque(asked for asked in self._waiting if asked.conversation is not conversation)
        if self.now is not None and self.now.conversation is conversation and client is not None:
            self.stop(client)

    def fail(self, sentence: str) -> None:
        """End the running question and those that wait, since there is no worker any more."""
        while self.is_busy:
            if self.now is None:
                self._begin_next()
            self._end(None, Stage.FAILED, (sentence,))

    def tick(self, client: AskClient) -> None:
        """Do what has come since the last tick; never more than can be done between two frames."""
        until = perf_counter() + _TICK_SECONDS
        client.poll()
        if self.now is None and self._waiting:
            self._begin_next()
            self._hand_in(client)
        now = self.now
        if now is None or now.ticket is None:
            return
        now.coming.extend(now.ticket.take())
        while now.coming and perf_counter() < until:
            event = now.coming.popleft()
            self._take(now, event)
            if isinstance(event, FindingReady | Finished | Cancelled | Failed):
                break  # Each of them draws, which is work enough for one tick.

    def progress(self, client: AskClient) -> Progress | None:
        """How far the running question is; None where nothing is asked."""
        now = self.now
        if now is None:
            return None
        queue = tuple(asked.question.text for asked in self._waiting)
        return Progress(now.done, now.total if now.done else 0, self._words(now, client), queue)

    def _words(self, now: Asked, client: AskClient) -> str:
        if client.state is WorkerState.STARTING:
            return self._tr("Starting the worker…")
        before = now.ticket.waiting if now.ticket is not None else 0
        if before:
            return self._tr("Waiting for {count} before it…").format(count=before)
        if not now.total:
            return self._tr("Reading the scan…")
        if not now.done:
            return self._tr("Writing…")
        told = self._tr("Slice {done} of {total}").format(done=now.done, total=now.total)
        return f"{told}, {self._left(now.seconds_left)}" if now.seconds_left is not None else told

    def _left(self, seconds: float) -> str:
        if seconds < 1.5:
            return self._tr("almost done")
        if seconds < 90:
            return self._tr("about {seconds} s left").format(seconds=round(seconds))
        return self._tr("about {minutes} min left").format(minutes=round(seconds / 60))

    def _begin_next(self) -> None:
        now = self.now = self._waiting.popleft()
        now.conversation.exchanges.append(now.exchange)
        # Now, since the key may be another scan's once the scene was closed and another one loaded.
        now.exchange.handle = self._gateway.begin(now.conversation.key, now.question, now.update)
        self._listener.begun(now)

    def _hand_in(self, client: AskClient) -> None:
        now = self.now
        assert now is not None
        try:
            now.ticket = client.ask(
                now.volume, now.question, model=now.model, earlier=now.conversation.earlier()
            )
        except MedSegRError as error:
            self._end(None, Stage.FAILED, (str(error),))

    def _take(self, now: Asked, event: Event) -> None:
        exchange = now.exchange
        if isinstance(event, Planned):
            now.plane, now.total = event.plane, len(event.slices)
        elif isinstance(event, Text):
            exchange.text += event.delta
            if exchange.rows:
                self._listener.changed(now)
            else:
                self._listener.text_came(now, event.delta)
        elif isinstance(event, Revised):
            exchange.text = event.text
            self._listener.changed(now)
        elif isinstance(event, SliceDone):
            now.done, now.total, now.seconds_left = event.done, event.total, event.seconds_left
            colours = {name: self._colour(name) for name in event.masks}
            shown, masks = now.exchange.handle, event.masks
            self._draw(
                now, lambda: self._gateway.preview(shown, now.plane, event.slice_index, masks, colours)
            )
        elif isinstance(event, FindingReady):
            self._add(now, event.finding)
        elif isinstance(event, Finished | Cancelled):
            self._close(now, event)
        else:
            self._end(None, Stage.FAILED, (str(event.error),))

    def _add(self, now: Asked, finding: Finding) -> None:
        self._draw(now, lambda: self._gateway.add_finding(now.exchange.handle, finding))
        now.exchange.rows.append(row_of(finding.to_dict()))
        now.exchange.look(self._gateway)
        self._listener.changed(now)

    def _close(self, now: Asked, event: Finished | Cancelled) -> None:
        answer = event.answer
        undrawn = answer.findings[len(now.exchange.rows) :]
        if undrawn:
            # Of an answer that was stopped the findings come with its end.
            now.coming.extendleft(reversed([*(FindingReady(finding) for finding in undrawn), event]))
            return
        told_before = any(exchange.told for exchange in now.conversation.exchanges)
        notes = (note for note in answer.provenance.notes if not (told_before and note in now.volume.notes))
        stage = Stage.FINISHED if isinstance(event, Finished) else Stage.STOPPED
        self._end(answer, stage, (*now.exchange.notes, *notes))

    def _end(self, answer: Answer | None, stage: Stage, notes: tuple[str, ...]) -> None:
        now = self.now
        assert now is not None
        exchange = now.exchange
        self._draw(now, self._gateway.clear_preview)
        self._draw(now, lambda: self._gateway.finish(exchange.handle, answer))
        exchange.stage, exchange.notes = stage, tuple(dict.fromkeys((*exchange.notes, *notes)))
        if answer is not None:
            exchange.keep(answer, self._gateway)
        exchange.look(self._gateway)
        self.now = None
        self._listener.ended(now)

    def _draw(self, now: Asked, draw: Callable[[], Any]) -> None:
        """Draw; where the scene refuses, say it in the exchange and go on with the words."""
        try:
            draw()
        except MedSegRError as error:
            now.exchange.notes = tuple(dict.fromkeys((*now.exchange.notes, str(error))))

    def _colour(self, phrase: str) -> tuple[float, float, float]:
        structure, side = self._table.lookup(phrase) or (None, Side.NONE)
        return colour_of(structure, side, phrase)
