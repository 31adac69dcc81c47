"""Service: the model in a process of its own, and the client that asks it without waiting.

    client = Client()
    ticket = client.ask(volume, Question("Where is the left hippocampus?"))
    while not ticket.done:  # in 3D Slicer a timer, every 20 to 50 ms
        client.poll()
        for event in ticket.take():
            ...

`protocol` says what goes over the pipes. Names are loaded when they are asked for: the worker opens this
room too, and must be able to say what is missing where not even numpy is installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Client
    from .hello import Hello, ModelInfo
    from .interpreter import default_command
    from .limits import Limits, WorkerState
    from .streaming import stream
    from .ticket import Earlier, Ticket

_PLACES = {
    "Client": "client",
    "Earlier": "ticket",
    "Hello": "hello",
    "Limits": "limits",
    "ModelInfo": "hello",
    "Ticket": "ticket",
    "WorkerState": "limits",
    "default_command": "interpreter",
    "stream": "streaming",
}

__all__ = [
    "Client",
    "Earlier",
    "Hello",
    "Limits",
    "ModelInfo",
    "Ticket",
    "WorkerState",
    "default_command",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
