"""Provenance: how an answer came about, so that it can be judged and repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, cast

from MedSegRLib.answers.question import Mode
from MedSegRLib.imaging import Plane, Window

DISCLAIMER = "Research use, not for diagnosis. Anatomy, not lesions."


@dataclass(frozen=True)
class Provenance:
    """Model, window, slices, seed and versions behind an answer.

    Attributes
    ----------
    model, model_version
        Name and version of the checkpoint.
    window
        The grey values that the model saw.
    plane
        The plane of the slices.
    slices_looked_at
        Canonical indices, rising.
    mode, seed
        As asked.
    software_version
        Version of this library.
    seconds
        What took how long.
    notes
        Sentences about what was assumed, left out or corrected.
    """

    model: str
    model_version: str
    window: Window
    plane: Plane
    slices_looked_at: tuple[int, ...] = field(repr=False)
    mode: Mode
    seed: int
    software_version: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "slices_looked_at", tuple(int(index) for index in self.slices_looked_at))
        seconds = {name: float(value) for name, value in self.seconds.items()}
        object.__setattr__(self, "seconds", MappingProxyType(seconds))
        object.__setattr__(self, "notes", tuple(self.notes))

    def __reduce__(self) -> tuple[type[Provenance], tuple[Any, ...]]:
        # A read-only mapping cannot cross to another process as it is.
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return type(self), tuple({**values, "seconds": dict(self.seconds)}.values())

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold of it, which is all."""
        return {
            "model": self.model,
            "model_version": self.model_version,
            "window": {"low": self.window.low, "high": self.window.high, "name": self.window.name},
            "plane": self.plane.value,
            "slices_looked_at": list(self.slices_looked_at),
            "mode": self.mode,
            "seed": self.seed,
            "software_version": self.software_version,
            "seconds": dict(self.seconds),
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Provenance:
        """The provenance that `to_dict` was made of."""
        values = dict(data)
        values.update(
            window=Window(**data["window"]), plane=Plane(data["plane"]), mode=cast("Mode", data["mode"])
        )
        return cls(**values)
