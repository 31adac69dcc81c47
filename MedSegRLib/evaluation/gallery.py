"""Gallery: the worst masks as pictures, the true outline and the one that was shown on one slice.

Pictures are drawn while the scan is at hand, and only of what is among the worst so far.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers.outlines import draw_slice
from MedSegRLib.answers.pictures import EDGE_LETTERS
from MedSegRLib.imaging import Plane, SliceStack, Volume, gather_canonical, window_for

__all__ = ["SHOWN_COLOUR", "TRUE_COLOUR", "Gallery", "WorstCase"]

# Told apart by people who do not see red from green.
TRUE_COLOUR, SHOWN_COLOUR = (0.25, 0.8, 1.0), (1.0, 0.6, 0.1)

_MARGIN_MM = 25.0  # of its surroundings that a picture shows around the masks


@dataclass(frozen=True, eq=False)
class WorstCase:
    """One mask that went wrong.

    Attributes
    ----------
    name, group, patient
        The part, such as "left hippocampus", and the scan.
    question, text
        What was asked and told.
    dice
        Of the mask; 0 where nothing is there and something is shown.
    rgb
        uint8 [row, column, 3], cut out around the masks.
    plane, slice_index, letters
        Which slice it is, canonical from 0, and what lies at its left, right, top and bottom edge.
    """

    name: str
    group: str
    patient: str
    question: str
    text: str
    dice: float
    rgb: npt.NDArray[np.uint8] = field(repr=False)
    plane: Plane
    slice_index: int
    letters: tuple[str, str, str, str] | None


class Gallery:
    """Keeps the worst mask of each part, and of those the worst.

    Parameters
    ----------
    most
        How many.
    """

    def __init__(self, most: int = 12) -> None:
        self._most = most
        self._cases: dict[str, WorstCase] = {}

    def wants(self, name: str, dice: float) -> bool:
        """Whether a mask of a part would be kept; perfect ones never are."""
        if name in self._cases:
            return dice < self._cases[name].dice
        return dice < 1.0 and (len(self._cases) < self._most or dice < self._least_bad().dice)

    def offer(
        self,
        name: str,
        dice: float,
        volume: Volume,
        shown: npt.NDArray[np.bool_],
        truth: npt.NDArray[np.bool_],
        *,
        group: str,
        patient: str,
        plane: Plane = Plane.AXIAL,
        region: str | None = None,
        question: str = "",
        text: str = "",
    ) -> None:
        """Draw a mask if it is among the worst.

        Parameters
        ----------
        name, dice, group, patient, question, text
            As of `WorstCase`.
        volume
            The scan.
        shown, truth
            bool [K, J, I]; at least one of them has voxels.
        plane, region
            In which plane it is drawn, and what a CT shows, for its window.
        """
        if not self.wants(name, dice):
            return
        if name not in self._cases and len(self._cases) == self._most:
            del self._cases[self._least_bad().name]
        stack = SliceStack.of(volume, plane)
        masks = [gather_canonical(mask, stack.order) for mask in (truth, shown)]
        # Where they differ most is where it went wrong.
        index = int((masks[0] ^ masks[1]).sum(axis=(1, 2)).argmax())
        flat = [mask[index] for mask in masks]
        box = _around(flat[0] | flat[1], (stack.spacing_mm[1], stack.spacing_mm[2]))
        rgb = draw_slice(
            window_for(volume, region).apply(stack.voxels[index])[box],
            [mask[box] for mask in flat],
            (TRUE_COLOUR, SHOWN_COLOUR),
            (stack.spacing_mm[1], stack.spacing_mm[2]),
        )
        letters = EDGE_LETTERS[plane] if volume.orientation_known else None
        self._cases[name] = WorstCase(
            name, group, patient, question, text, dice, rgb, plane, index, letters
        )  # fmt: skip

    def cases(self) -> tuple[WorstCase, ...]:
        """The worst ones, worst first."""
        return tuple(sorted(self._cases.values(), key=lambda case: (case.dice, case.name)))

    def _least_bad(self) -> WorstCase:
        return max(self._cases.values(), key=lambda case: (case.dice, case.name))


def _around(mask: npt.NDArray[np.bool_], spacing_mm: tuple[float, float]) -> tuple[slice, slice]:
    """Rows and columns of a mask with its surroundings."""
    box = []
    for axis, step in enumerate(spacing_mm):
        where = np.flatnonzero(mask.any(axis=1 - axis))
        margin = round(_MARGIN_MM / step)
        box.append(slice(max(0, int(where[0]) - margin), int(where[-1]) + 1 + margin))
    return box[0], box[1]
