"""Evidence: what each slice said about each phrase, before it is put together in 3-D."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

__all__ = ["Evidence", "Look"]


@dataclass(frozen=True)
class Look:
    """One phrase on one slice.

    Attributes
    ----------
    logits
        float16 [h, w], the mask at the decoder's output size.
    presence
        Probability that it is on this slice.
    quality
        Predicted intersection over union of the mask, 0 to 1.
    """

    logits: Tensor
    presence: float
    quality: float


@dataclass
class Evidence:
    """Looks by phrase and canonical slice, phrases in the order in which they came."""

    looks: dict[str, dict[int, Look]] = field(default_factory=dict)

    def add(self, phrase: str, slice_index: int, look: Look) -> None:
        """Take in a look; of a phrase that is said twice the first one counts."""
        self.looks.setdefault(phrase, {}).setdefault(slice_index, look)

    def on(self, slice_index: int) -> dict[str, Look]:
        """All looks at one slice by phrase."""
        return {phrase: slices[slice_index] for phrase, slices in self.looks.items() if slice_index in slices}
