"""Hello: what a worker says of itself before it is asked anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from MedSegRLib import __version__

from .protocol import PROTOCOL

LIBRARY = str(Path(__file__).resolve().parents[1])


@dataclass(frozen=True)
class ModelInfo:
    """A model that is installed.

    Attributes
    ----------
    name
        As it is asked for.
    version
        Its edition.
    regions, modalities
        What it was trained on.
    offered
        Ids of the structures that it offers.
    licence
        The text of its licence; empty if there is none beside it.
    """

    name: str
    version: str
    regions: tuple[str, ...]
    modalities: tuple[str, ...]
    offered: tuple[str, ...]
    licence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the pipe."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelInfo:
        """Read what `to_dict` wrote."""
        known: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls(**known)


@dataclass(frozen=True)
class Hello:
    """A worker that can work.

    Attributes
    ----------
    protocol, software_version
        Of the worker.
    python, executable
        Version and path of its interpreter.
    torch, transformers
        Versions of what it computes with.
    device
        "cpu", or "cuda" and the name of the card.
    models
        Those that are installed.
    """

    protocol: int
    software_version: str
    python: str
    executable: str
    torch: str
    transformers: str
    device: str
    models: tuple[ModelInfo, ...]

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Hello:
        """Read the header of a hello."""
        values = {field.name: header[field.name] for field in fields(cls)}
        return cls(**{**values, "models": tuple(ModelInfo.from_dict(one) for one in values["models"])})


def why_not(header: Mapping[str, Any]) -> str:
    """Why a worker that sent this hello cannot be worked with, in a sentence; "" if it can."""
    protocol = header.get("protocol")
    if protocol != PROTOCOL:
        return (
            f"The model's process speaks protocol {protocol} and this program {PROTOCOL}; "
            "install MedSeg-R again, so that both are of one version, and restart."
        )
    version, library = header.get("software_version"), str(header.get("library"))
    if version != __version__:
        return (
            f"The model's process runs MedSeg-R {version} and this program {__version__}, as happens after "
            "an update; restart, so that both are of one version."
        )
    if os.path.normcase(os.path.realpath(library)) != os.path.normcase(os.path.realpath(LIBRARY)):
        return (
            f"The model's process took MedSeg-R from {library} and not from {LIBRARY}; "
            "choose a Python in which no other one is installed."
        )
    return ""
