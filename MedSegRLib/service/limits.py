"""Limits: how long a worker is waited for, and the states that it can be in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class WorkerState(Enum):
    """What the worker is doing."""

    OFF = "off"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    LOST = "lost"


@dataclass(frozen=True)
class Limits:
    """When patience ends.

    Attributes
    ----------
    silence_s
        Seconds without a sign of life after which a worker is ended; only time in which the client was
        polled counts.
    loading_silence_s
        The same while it loads libraries or a model.
    cancel_s
        Seconds that a worker has to obey a stop before it is ended.
    restarts
        How often in a row, without an answer between, a lost worker is started anew by itself.
    """

    silence_s: float = 30.0
    loading_silence_s: float = 60.0
    cancel_s: float = 5.0
    restarts: int = 3
