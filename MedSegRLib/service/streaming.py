"""Streaming: a question to a client for those who may wait, such as a console or a batch."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence

from MedSegRLib.answers import Event, Question
from MedSegRLib.imaging import Volume

from .client import Client
from .ticket import Earlier

_PAUSE_S = 0.01


def stream(
    client: Client,
    volume: Volume,
    question: Question,
    *,
    model: str = "mini",
    earlier: Sequence[Earlier] = (),
) -> Generator[Event, None, None]:
    """Ask, wait, and give the events as they come; closing the generator cancels the question.

    Parameters
    ----------
    client, volume, question, model, earlier
        As of `Client.ask`.
    """
    ticket = client.ask(volume, question, model=model, earlier=earlier)
    try:
        while not ticket.done:
            yield from ticket.take()
            client.poll()
            time.sleep(_PAUSE_S)
        yield from ticket.take()
    finally:
        client.cancel(ticket)
        while not ticket.done:
            client.poll()
            time.sleep(_PAUSE_S)
