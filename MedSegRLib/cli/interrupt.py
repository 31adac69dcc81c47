"""Interrupt: Ctrl-C as a wish to stop, that what is under way may grant in its own time."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupt_asks() -> Iterator[Callable[[], bool]]:
    """Within it the first Ctrl-C only asks to stop, a second one interrupts.

    Yields
    ------
    A function that says whether a stop was asked for.
    """
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
