"""Running: the question that a worker is busy with, and what of its answer has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from MedSegRLib import __version__
from MedSegRLib.answers import (
    Answer,
    Cancelled,
    Event,
    Failed,
    MedSegRError,
    Planned,
    Provenance,
    Revised,
    SliceDone,
    Text,
)
from MedSegRLib.imaging import Plane, Window

from .packing import Unpacker
from .protocol import Frame, message
from .ticket import Ticket


class Running:
    """One question in a worker.

    Parameters
    ----------
    number
        By which client and worker call it.
    ticket
        The question.

    Attributes
    ----------
    is_loading
        Whether nothing of the answer has come yet: the model may still have to be loaded.
    stop_by
        When the worker is to have obeyed a stop, on the clock `time.monotonic`; None if none was asked for.
    """

    def __init__(self, number: int, ticket: Ticket) -> None:
        self.number, self.ticket = number, ticket
        self.is_loading = True
        self.stop_by: float | None = None
        self._unpacker = Unpacker(ticket.question, ticket.volume)
        self._begun: Mapping[str, Any] | None = None
        self._text = ""
        self._slices: tuple[int, ...] = ()

    def request(self, volume: Mapping[str, Any]) -> Frame:
        """The frame that asks, given what hands the scan over."""
        earlier = [
            {"question": one.question, "raw": one.raw, "absent": list(one.absent)}
            for one in self.ticket.earlier
        ]
        return message(
            "ask",
            id=self.number,
            question=self.ticket.question.to_dict(),
            model=self.ticket.model,
            volume=volume,
            earlier=earlier,
        )

    def hear(self, frame: Frame) -> None:
        """Take a frame about this question; whatever `Unpacker.unpack` raises goes on."""
        if frame.header["type"] == "begun":
            self._begun = frame.header
            return
        event = self._unpacker.unpack(frame)
        self.is_loading = False
        self._note(event)
        self.ticket.add(event)

    def fail(self, sentence: str) -> None:
        """End the question with a sentence."""
        self.ticket.add(Failed(MedSegRError(sentence)))

    def stop_short(self, sentence: str) -> None:
        """End a question whose worker did not obey a stop: with what has come of it, if anything has."""
        if self._begun is None:
            self.fail(sentence)
            return
        begun, question = self._begun, self.ticket.question
        provenance = Provenance(
            begun["model"],
            begun["model_version"],
            Window(**begun["window"]),
            Plane(begun["plane"]),
            self._slices,
            question.mode,
            question.seed,
            __version__,
            notes=(*self.ticket.volume.notes, sentence),
        )
        answer = Answer(
            question,
            self._text,
            tuple(self._unpacker.findings),
            (),
            provenance,
            self.ticket.volume,
            complete=False,
        )
        self.ticket.add(Cancelled(answer))

    def _note(self, event: Event) -> None:
        if isinstance(event, Text):
            self._text += event.delta
        elif isinstance(event, Revised):
            self._text = event.text
        elif isinstance(event, SliceDone):
            self._slices += (event.slice_index,)
        elif isinstance(event, Planned):
            self._slices = ()
