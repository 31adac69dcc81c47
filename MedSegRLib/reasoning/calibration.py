"""Calibration: the thresholds of a checkpoint, found on development scans and kept beside its weights.

Nothing here depends on what is asked for: the same numbers hold for every target.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from MedSegRLib.errors import CheckpointError

__all__ = ["Calibration"]


@dataclass(frozen=True)
class Calibration:
    """Thresholds of masks and presence, and the line that makes scores honest.

    Attributes
    ----------
    presence_low, presence_high
        A run of slices is kept if its best presence reaches `presence_high`, and extends as long as
        presence stays at `presence_low` (probabilities).
    mask_threshold_logit
        A pixel belongs to the mask where its logit is above.
    confidence_slope, confidence_intercept
        Confidence is sigmoid(slope * logit(score) + intercept).
    """

    presence_low: float = 0.3
    presence_high: float = 0.5
    mask_threshold_logit: float = 0.0
    confidence_slope: float = 1.0
    confidence_intercept: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.presence_low <= self.presence_high <= 1.0:
            raise ValueError(f"presence {self.presence_low} to {self.presence_high} is no pair of thresholds")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Calibration:
        """Read calibration.json; what it does not say stays as it is here.

        Raises
        ------
        CheckpointError
            If a number is missing or is none.
        """
        try:
            line = values.get("confidence", {})
            numbers = {
                "presence_low": values.get("presence_low", cls.presence_low),
                "presence_high": values.get("presence_high", cls.presence_high),
                "mask_threshold_logit": values.get("mask_threshold_logit", cls.mask_threshold_logit),
                "confidence_slope": line.get("slope", cls.confidence_slope),
                "confidence_intercept": line.get("intercept", cls.confidence_intercept),
            }
            return cls(**{name: float(number) for name, number in numbers.items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(f"The model's calibration.json cannot be used: {error}.") from error

    def confidence(self, score: float) -> float:
        """Turn a score (0 to 1) into how often such a finding is right.

        Examples
        --------
        >>> round(Calibration().confidence(0.7), 6)
        0.7
        """
        score = min(max(score, 1e-4), 1.0 - 1e-4)
        logit = math.log(score / (1.0 - score))
        return 1.0 / (1.0 + math.exp(-(self.confidence_slope * logit + self.confidence_intercept)))
