"""Question: what is asked of a scan, and of which part of it.

Conventions: slices are canonical indices along the plane (see `imaging.slices`), counted from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from MedSegRLib.answers.errors import QuestionError
from MedSegRLib.imaging import Plane

Mode = Literal["ground", "generate"]


@dataclass(frozen=True)
class Question:
    """A question in the user's own words.

    Parameters
    ----------
    text
        Free text; kept without white space around it.
    plane
        The plane to look at slices in; None leaves the choice to the model.
    slices
        First and last canonical slice to look at, both included; None for the whole volume.
    mode
        "ground" writes one answer and grounds it on every slice, "generate" writes on every slice.
    seed
        The same seed gives the same answer.

    Raises
    ------
    QuestionError
        If the text asks nothing (no letter or digit), or the range of slices is none.

    Examples
    --------
    >>> Question("  Where is the left hippocampus? ").text
    'Where is the left hippocampus?'
    """

    text: str
    plane: Plane | None = None
    slices: tuple[int, int] | None = None
    mode: Mode = "ground"
    seed: int = 0

    def __post_init__(self) -> None:
        # Half of a pair of surrogates is no character, and ends programs that are handed it.
        text = self.text.strip().encode("utf-8", "replace").decode("utf-8")
        if not any(sign.isalnum() for sign in text):
            raise QuestionError("Nothing is asked; write a question in words.")
        object.__setattr__(self, "text", text)
        if self.slices is not None:
            first, last = (int(index) for index in self.slices)
            if not 0 <= first <= last:
                raise QuestionError(
                    f"Slices {first} to {last} are no range; give the first and the last one, counted from 0."
                )
            object.__setattr__(self, "slices", (first, last))
        if self.mode not in get_args(Mode):
            raise QuestionError(f"There is no mode '{self.mode}'; use {' or '.join(get_args(Mode))}.")

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold of it, which is all."""
        return {
            "text": self.text,
            "plane": None if self.plane is None else self.plane.value,
            "slices": None if self.slices is None else list(self.slices),
            "mode": self.mode,
            "seed": self.seed,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Question:
        """The question that `to_dict` was made of."""
        plane, slices = data["plane"], data["slices"]
        return cls(
            data["text"],
            None if plane is None else Plane(plane),
            None if slices is None else (slices[0], slices[1]),
            cast("Mode", data["mode"]),
            data["seed"],
        )
