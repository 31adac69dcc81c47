"""Events of a training: what the loop tells whoever watches, in the main process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Scored", "StepDone", "Watch", "nobody"]


@dataclass(frozen=True)
class StepDone:
    """A step of a stage: its number of `steps`, the terms of its loss, and how fast it goes."""

    stage: str
    step: int
    steps: int
    terms: Mapping[str, float]
    seconds_per_step: float

    @property
    def loss(self) -> float:
        """The sum that is minimised."""
        return sum(self.terms.values())

    @property
    def seconds_left(self) -> float:
        """Of this stage, at the pace so far."""
        return (self.steps - self.step) * self.seconds_per_step


@dataclass(frozen=True)
class Scored:
    """What the averaged weights scored after a step, and whether that is the best so far."""

    stage: str
    step: int
    score: float
    is_best: bool


Watch = Callable[[StepDone | Scored], None]


def nobody(_: StepDone | Scored) -> None:
    """Watch nothing."""
