"""Known models: by which name or folder a model is opened; found without opening it, and without torch."""

from __future__ import annotations

import os
from pathlib import Path

from MedSegRLib.errors import CheckpointError
from MedSegRLib.resources import ResourceNotFoundError, resource_path

__all__ = ["KNOWN_MODELS", "model_folder"]

KNOWN_MODELS = {"mini": "medsegr-mini"}


def model_folder(name_or_path: str | Path) -> Path:
    """The folder of a model, given its name ("mini") or the folder itself.

    Raises
    ------
    CheckpointError
        If there is neither such a name nor such a folder; the sentence lists the names.
    """
    name = str(name_or_path)
    if name in KNOWN_MODELS:
        try:
            return resource_path("Models", KNOWN_MODELS[name])
        except ResourceNotFoundError as error:
            raise CheckpointError(f"The model {name} is not installed: {error}") from error
    if os.path.isdir(name_or_path):
        return Path(name_or_path)
    known = ", ".join(sorted(KNOWN_MODELS))
    raise CheckpointError(f"There is no model {name}; give one of {known}, or the folder of a model.")
