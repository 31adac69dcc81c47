"""Naming: how parts are called in answers, which the table must look up again, and in questions."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from MedSegRLib.anatomy import AnatomyTable, Side, Structure

from ..wording import plain_name
from .facts import Facts, Part

__all__ = ["askable", "called", "mention_of", "phrase_of"]

# One part of the table is several bones.
_MANY = frozenset({"rib", "costal_cartilage"})


def phrase_of(part: Part, facts: Facts, table: AnatomyTable) -> str:
    """Words of a part in an answer: "left kidney"; "kidneys" where two are drawn as one."""
    structure, side = table[part[0]], part[1]
    one = facts.parts.get(part)
    several = part[0] in _MANY or structure.is_group
    if side is Side.NONE and structure.sided:
        several = several or (one is not None and one.pieces > 1)
    name = structure.plural if several else structure.name
    return f"{side.value} {name}" if structure.sided and side is not Side.NONE else name


def mention_of(phrase: str, present: bool) -> str:
    """A phrase with its mark-up."""
    return f"<p>{phrase}</p>{'[SEG]' if present else '[REJ]'}"


def askable(facts: Facts, table: AnatomyTable) -> Mapping[str, tuple[Side, ...]]:
    """Structures that are there, with the sides of theirs that are drawn.

    A structure that others in the scan are members of is left out: who asks for "the vertebra" may mean
    each of them.
    """
    found: dict[str, tuple[Side, ...]] = {}
    for structure, side in facts.parts:
        parted = any(table[other].parent == structure for other, _ in facts.parts)
        if not (table[structure].is_group and parted):
            found[structure] = (*found.get(structure, ()), side)
    return found


def called(structure: Structure, sides: Sequence[Side], rng: random.Random, *, many: bool = False) -> str:
    """A name with its side in one of the ways people write it.

    Parameters
    ----------
    structure
        What is asked for.
    sides
        LEFT, RIGHT or both; (NONE,) where there are none or they are not told apart.
    rng
        Draws.
    many
        Whether (NONE,) is drawn as several pieces: then in the plural, without a word about sides.
    """
    name, plural = plain_name(structure, rng), structure.plural
    if len(sides) == 2:
        forms = [
            f"both {plural}", f"the {plural}", plural, f"left and right {structure.name}",
            f"{name} on both sides", f"{name} L+R", f"the left and the right {name}",
        ]  # fmt: skip
        return rng.choice(forms)
    if many and structure.sided:
        return rng.choice((f"the {plural}", plural))
    side = sides[0]
    if side is Side.NONE or not structure.sided:
        bare = name == name.lower() or name == structure.name
        return rng.choice((f"the {name}", name)) if bare else name
    word, short = side.value, side.value[0].upper()
    forms = [
        f"the {word} {name}", f"{word} {name}", f"the {name} on the {word}", f"{name} {word}",
        f"{short} {name}", f"the patient's {word} {name}", f"{word}-sided {name}", f"{name} ({word})",
    ]  # fmt: skip
    return rng.choice(forms)
