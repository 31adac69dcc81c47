"""Worker's sessions: models that are open and scans that are laid out, the last few of each."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from MedSegRLib.errors import CheckpointError, MedSegRError, MemoryFullError
from MedSegRLib.imaging import Plane
from MedSegRLib.model import MedSegR
from MedSegRLib.reasoning import Session

from .voxel_files import read_handed_over
from .worker_models import open_on_device

_MODELS, _SESSIONS = 2, 3

Kept = TypeVar("Kept")


class Sessions:
    """Sessions by scan, model and plane; what a slice was encoded to stays for the next question.

    Parameters
    ----------
    folder
        The private folder, where scans are handed over.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._models: dict[Hashable, MedSegR] = {}
        self._sessions: dict[Hashable, Session] = {}

    def of(self, volume: Mapping[str, Any], model: str, plane: Plane | None) -> Session:
        """The session about a scan that was handed over.

        Raises
        ------
        MedSegRError
            If the model cannot be opened, does not know the plane, or memory is full.
        """

        def begin() -> Session:
            return Session(read_handed_over(self._folder, volume), self._model(model), plane=plane)

        # All that an answer turns on; a scan that got another name is the same scan.
        scan = json.dumps({key: value for key, value in volume.items() if key not in ("name", "source")})
        try:
            return _kept(self._sessions, (scan, model, plane), begin, _SESSIONS)
        except MemoryError as error:
            full = MemoryFullError()
            self.after(full)
            raise full from error

    def open_early(self, model: str) -> None:
        """Load a model before it is asked; what is wrong with it is told when it is."""
        try:
            self._model(model)
        except CheckpointError:
            return

    def after(self, error: MedSegRError) -> None:
        """Make room if an answer failed for want of memory, so that the next one has it."""
        if isinstance(error, MemoryFullError):
            self._sessions.clear()
            gc.collect()
            torch.cuda.empty_cache()

    def _model(self, name: str) -> MedSegR:
        return _kept(self._models, name, lambda: open_on_device(name), _MODELS)


def _kept(held: dict[Hashable, Kept], key: Hashable, make: Callable[[], Kept], most: int) -> Kept:
    """What is held under a key, else made anew; the least lately used beyond `most` are dropped."""
    value = held.pop(key) if key in held else make()
    held[key] = value
    for old in list(held)[:-most]:
        del held[old]
    return value
