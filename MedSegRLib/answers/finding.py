"""Finding: one thing that an answer shows, as a mask on the scan's own grid with what is known of it.

Conventions: masks are bool [K, J, I]; colours are red, green, blue from 0 to 1; slices are canonical
indices along the plane, counted from 0.
"""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import AnatomyTable, Side, Structure, load_table, terminology_entry
from MedSegRLib.answers.extent import slice_areas
from MedSegRLib.answers.measure import Measurements, measure
from MedSegRLib.imaging import Plane, Volume, canonical_order
from MedSegRLib.imaging.arrays import read_only

Colour = tuple[float, float, float]

# Plural nouns whose name in the table is no plural of another word.
_SINGULAR_ENDINGS = ("matter", "fluid")


@dataclass(frozen=True, eq=False)
class Finding:
    """A finding; `Finding.of` makes one of a phrase and a mask.

    Attributes
    ----------
    phrase
        The model's own words for it.
    structure
        Id in the anatomy table, or None if the table does not know it.
    side
        Side of the patient.
    mask
        bool [K, J, I], not empty, read-only, of the volume's shape.
    confidence
        0 to 1.
    slices
        Canonical slices in which it lies, rising.
    plane
        The plane of the slices.
    measurements
        Sizes and grey values.
    colour
        Red, green, blue, each 0 to 1.
    terminology
        Slicer's terminology string, or empty.

    Raises
    ------
    ValueError
        If a value is outside what is said here.
    """

    phrase: str
    structure: str | None
    side: Side
    mask: npt.NDArray[np.bool_] = field(repr=False)
    confidence: float
    slices: tuple[int, ...] = field(repr=False)
    plane: Plane
    measurements: Measurements
    colour: Colour
    terminology: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        phrase = " ".join(self.phrase.split())
        if not phrase:
            raise ValueError("a finding needs a phrase that names it")
        mask = read_only(self.mask, np.bool_)
        if mask.ndim != 3 or not mask.any():
            raise ValueError(f"the mask of {phrase} (shape {mask.shape}) must be [K, J, I] and not empty")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"the confidence {self.confidence} of {phrase} is not between 0 and 1")
        if len(self.colour) != 3 or not all(0.0 <= part <= 1.0 for part in self.colour):
            raise ValueError(f"the colour {self.colour} of {phrase} is not three numbers from 0 to 1")
        slices = tuple(int(index) for index in self.slices)
        if not slices or slices[0] < 0 or list(slices) != sorted(set(slices)):
            raise ValueError(f"the slices {slices} of {phrase} must be rising indices from 0 on")
        object.__setattr__(self, "phrase", phrase)
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "confidence", float(self.confidence))
        object.__setattr__(self, "slices", slices)
        object.__setattr__(self, "colour", tuple(float(part) for part in self.colour))

    @classmethod
    def of(
        cls,
        phrase: str,
        mask: npt.NDArray[np.bool_],
        volume: Volume,
        plane: Plane,
        confidence: float,
        table: AnatomyTable | None = None,
    ) -> Finding:
        """Name, measure, code and colour what the model has found.

        Parameters
        ----------
        phrase
            The model's words; the table only names them, the mask is not touched.
        mask
            bool [K, J, I] of the volume's shape, not empty.
        volume, plane
            The scan, and the plane it was looked at in.
        confidence
            0 to 1.
        table
            The anatomy table; None for the one that comes with the library.

        Raises
        ------
        ValueError
            As of `Finding` and `measure`.
        """
        found = (load_table() if table is None else table).lookup(phrase)
        structure, side = (None, Side.NONE) if found is None else found
        areas = slice_areas(mask, canonical_order(volume.ijk_to_ras, plane))
        return cls(
            phrase=phrase,
            structure=None if structure is None else structure.id,
            side=side,
            mask=mask,
            confidence=confidence,
            slices=tuple(np.flatnonzero(areas).tolist()),
            plane=plane,
            measurements=measure(mask, volume, plane),
            colour=colour_of(structure, side, phrase),
            terminology=terminology_entry(structure, side),
        )

    @property
    def name(self) -> str:
        """The table's name with its side, such as "left hippocampus"; else the phrase."""
        known = self._known
        if known is None:
            return self.phrase.removeprefix("the ").removeprefix("The ")
        return known.plural if self._says_both(known) else known.side_name(self.side)

    @property
    def is_plural(self) -> bool:
        """Whether its name takes the plural of a verb."""
        known = self._known
        if known is None or known.name.endswith(_SINGULAR_ENDINGS):
            return False
        return self._says_both(known) or known.name == known.plural

    @property
    def _known(self) -> Structure | None:
        table = load_table()
        return table[self.structure] if self.structure is not None and self.structure in table else None

    def _says_both(self, known: Structure) -> bool:
        if not known.sided or self.side is not Side.NONE:
            return False
        said = self.phrase.lower()
        return known.plural.lower() in said or "both" in said.split() or "bilateral" in said

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold of it: all but the mask."""
        return {
            "phrase": self.phrase,
            "name": self.name,
            "structure": self.structure,
            "side": self.side.value,
            "confidence": self.confidence,
            "slices": list(self.slices),
            "plane": self.plane.value,
            "measurements": self.measurements.to_dict(),
            "colour": list(self.colour),
            "terminology": self.terminology,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], mask: npt.NDArray[np.bool_]) -> Finding:
        """The finding that `to_dict` was made of, with its mask."""
        red, green, blue = data["colour"]
        return cls(
            data["phrase"],
            data["structure"],
            Side(data["side"]),
            mask,
            data["confidence"],
            tuple(data["slices"]),
            Plane(data["plane"]),
            Measurements(**data["measurements"]),
            (red, green, blue),
            data["terminology"],
        )


def colour_of(structure: Structure | None, side: Side, phrase: str) -> Colour:
    """The same colour for the same thing, always: the table's, a lighter one on the right side.

    What the table does not know gets a colour made from its phrase.
    """
    if structure is None:
        hue = hashlib.sha256(phrase.strip().lower().encode()).digest()[0] / 256
        return colorsys.hsv_to_rgb(hue, 0.75, 0.95)
    red, green, blue = (part / 255 for part in structure.colour)
    if side is not Side.RIGHT:
        return red, green, blue
    return red + (1 - red) * 0.4, green + (1 - green) * 0.4, blue + (1 - blue) * 0.4
