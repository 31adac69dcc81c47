"""Reasoning: one conversation about one scan, from the plan to the told answer.

Names are loaded when they are asked for, so that importing this room costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calibration import Calibration
    from .session import Session

_PLACES = {"Calibration": "calibration", "Session": "session"}

__all__ = ["Calibration", "Session"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
