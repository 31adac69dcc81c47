"""Worker's models: which are installed, and on which device they compute."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from MedSegRLib.model import KNOWN_MODELS, MedSegR, open_model, set_precision
from MedSegRLib.resources import ResourceNotFoundError, resource_path

from .hello import ModelInfo


def device() -> torch.device:
    """The graphics card where torch can use one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def open_on_device(name_or_path: str) -> MedSegR:
    """Open a model where it is to compute.

    Raises
    ------
    CheckpointError
        If it cannot be opened.
    """
    return set_precision(open_model(name_or_path, "fp32").to(device()), "auto")


def installed_models() -> tuple[ModelInfo, ...]:
    """Models that come with the library, without opening their weights."""
    models = []
    for name, folder in sorted(KNOWN_MODELS.items()):
        try:
            path = resource_path("Models", folder)
            models.append(_described(name, path))
        except (ResourceNotFoundError, OSError, ValueError, KeyError):
            continue  # Asked for, it says itself what is wrong with it.
    return tuple(models)


def _described(name: str, folder: Path) -> ModelInfo:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))["medsegr"]
    licence = folder / "LICENSE"
    return ModelInfo(
        name,
        config["version"],
        tuple(config["regions"]),
        tuple(config["modalities"]),
        tuple(config["offered"]),
        licence.read_text(encoding="utf-8").strip() if licence.is_file() else "",
    )
