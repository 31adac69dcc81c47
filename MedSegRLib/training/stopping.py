"""Early stopping: the weights that answered best are kept, and a run that no longer improves ends.

What is judged are the averaged weights, by questions that they answer freely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["EarlyStopping"]


@dataclass
class EarlyStopping:
    """The scores of a stage so far.

    Attributes
    ----------
    every
        A score after each so many steps and after the last; 0 for none.
    patience
        How many scores in a row may be no better than the best before the stage ends; 0 for any number.
    best_step, best
        The step with the best score, and that score; the earlier of two that are equal.
    waited
        Scores since then.
    """

    every: int
    patience: int
    best_step: int = 0
    best: float = -math.inf
    waited: int = 0

    def is_due(self, step: int, steps: int) -> bool:
        """Whether there is to be a score after a step."""
        return self.every > 0 and (step % self.every == 0 or step == steps)

    def take(self, step: int, score: float) -> bool:
        """Take a score in; True if it is the best so far."""
        if score > self.best:
            self.best_step, self.best, self.waited = step, score, 0
            return True
        self.waited += 1
        return False

    @property
    def is_over(self) -> bool:
        """Whether patience has run out."""
        return 0 < self.patience <= self.waited

    def to_notes(self) -> dict[str, Any]:
        """Plain values, for the state."""
        if not self.best_step:
            return {}
        return {"best_step": self.best_step, "best": self.best, "waited": self.waited}

    def recall(self, notes: Mapping[str, Any]) -> None:
        """Go on where `to_notes` was taken."""
        if notes:
            self.best_step, self.best = int(notes["best_step"]), float(notes["best"])
            self.waited = int(notes["waited"])
