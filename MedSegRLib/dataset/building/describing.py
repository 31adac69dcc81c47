"""Describing: where a part lies and how it looks, in words computed from the facts.

Only what fits one part of a picture and no other that is drawn becomes a description. It is what structures
without hand-written questions are asked by, beside the table's own facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.imaging import Plane

from ..sides import undivided
from .facts import Facts, Part, PartFacts
from .naming import phrase_of

__all__ = ["DIRECTIONS", "appearances", "direction", "locations", "neighbour"]

# Axis (0 right, 1 anterior, 2 superior) and sign -> words before a name.
DIRECTIONS = {
    (0, 1): "on the patient's right of", (0, -1): "on the patient's left of",
    (1, 1): "in front of", (1, -1): "behind", (2, 1): "above", (2, -1): "below",
}  # fmt: skip
# What cannot be seen in a slice of a plane: what lies across it.
_ACROSS = {Plane.SAGITTAL: 0, Plane.CORONAL: 1, Plane.AXIAL: 2}
# A direction counts where it is this many times as far as the others.
_CLEAR = 1.5
# Standard deviations that something differs by from what it touches.
_STANDS_OUT = 0.5


def direction(one: PartFacts, other: PartFacts, across: int | None) -> tuple[int, int] | None:
    """The anatomical axis and sign in which `one` clearly lies as seen from `other`; None if none is clear.

    Parameters
    ----------
    one, other
        Two parts.
    across
        An axis that cannot be seen, since only a slice across it is shown.
    """
    away = [a - b for a, b in zip(one.centroid_ras_mm, other.centroid_ras_mm, strict=True)]
    far = sorted(((abs(d), axis) for axis, d in enumerate(away) if axis != across), reverse=True)
    if far[0][0] == 0.0 or far[0][0] < _CLEAR * far[1][0]:
        return None
    axis = far[0][1]
    return axis, 1 if away[axis] > 0 else -1


def locations(part: Part, facts: Facts, table: AnatomyTable) -> list[str]:
    """Noun phrases for a part by what it touches: "the structure directly behind the liver".

    Groups are neighbours to nobody, since they are many things, nor is a whole to its part.
    """
    return [
        f"the structure directly {DIRECTIONS[where]} the {phrase_of(other, facts, table)}"
        for other, where in _seen_alone_from(part, facts, table)
    ]


def appearances(part: Part, facts: Facts, table: AnatomyTable) -> list[str]:
    """Noun phrases for a part by its looks beside what it touches: "the dark, round structure below ...".

    Looks alone tell nothing where not all that is in the picture was drawn.
    """
    found = []
    one = facts.parts[part]
    for other, where in _seen_alone_from(part, facts, table):
        difference = one.mean_intensity - facts.parts[other].mean_intensity
        spread = (one.mean_intensity - one.surrounding_intensity) / one.contrast if one.contrast else 0.0
        if abs(difference) > _STANDS_OUT * spread > 0 and one.pieces == 1:
            looks = ", ".join(filter(None, ("bright" if difference > 0 else "dark", _shape(one.extent_mm))))
            name = phrase_of(other, facts, table)
            found.append(f"the {looks} structure directly {DIRECTIONS[where]} the {name}")
    return found


def _seen_alone_from(part: Part, facts: Facts, table: AnatomyTable) -> Iterator[tuple[Part, tuple[int, int]]]:
    """What a part touches, and where it lies as seen from there, if no other part lies there too."""
    if _many(part, facts, table):
        return
    for other in facts.parts[part].touches:
        where = _seen_from(part, other, facts)
        if where is None or table[other[0]].is_group or _many(other, facts, table):
            continue
        if part[0] in (other[0], table[other[0]].parent) or other[0] == table[part[0]].parent:
            continue
        if not any(p != part and _seen_from(p, other, facts) == where for p in facts.parts[other].touches):
            yield other, where


def neighbour(part: Part, where: tuple[int, int], facts: Facts, table: AnatomyTable) -> Part | None:
    """The one part that touches another in a direction; None if there is none, several, or its own whole."""
    if _many(part, facts, table):
        return None
    there = [p for p in facts.parts[part].touches if _seen_from(p, part, facts) == where]
    if len(there) != 1 or there[0][0] in (part[0], table[part[0]].parent):
        return None
    return None if table[there[0][0]].parent == part[0] else there[0]


def _many(part: Part, facts: Facts, table: AnatomyTable) -> bool:
    """Whether both sides are drawn as one: what lies between them is no place of theirs."""
    return undivided(part, table) and facts.parts[part].pieces > 1


def _shape(extent_mm: Sequence[float] | None) -> str:
    """Round or elongated by the two longer sides of its box; "" where it is neither."""
    if extent_mm is None:
        return ""
    longest, middle = sorted(extent_mm, reverse=True)[:2]
    return "round" if longest < 1.3 * middle else "elongated" if longest > 2.2 * middle else ""


def _seen_from(part: Part, other: Part, facts: Facts) -> tuple[int, int] | None:
    if not facts.orientation_known:
        return None
    across = None if facts.slice_index is None else _ACROSS[facts.plane]
    return direction(facts.parts[part], facts.parts[other], across)
