"""Whole questions: those of `Resources/Prompts/asked`, each written by hand, and how they come to be asked.

A question stands as it is, loses words, or its words come in any order: a language model as small as ours
else learns the questions and not what their words mean.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from MedSegRLib.anatomy import Structure

from .wording import thinned, tumbled, words

__all__ = ["PART_NAMES", "WholeQuestions", "fixes_side", "names_one"]

# Synonyms that name a part of a structure: to reason from the part to the whole is what may be asked.
PART_NAMES = frozenset(
    (
        "pons", "midbrain", "medulla", "medulla oblongata", "temporal horn", "frontal horn", "occipital horn",
        "centrum semiovale", "corona radiata", "hypothalamus", "subthalamic area", "subthalamic region",
        "cornu ammonis", "arbor vitae",
    )
)  # fmt: skip
_SIDE_SLOT = re.compile(r"\{(side|other)\}")
# How many words are left out, as often as each is listed; share of questions in any order.
_LEFT_OUT = (0.0, 0.0, 0.15, 0.3)
_FIXED, _TUMBLED = 0.6, 0.15


def fixes_side(question: str) -> bool:
    """Whether a question has a slot for the side that is asked for, or for the opposite one."""
    return _SIDE_SLOT.search(question) is not None


def names_one(question: str, structures: Sequence[Structure]) -> bool:
    """Whether a question names one of some structures, be it that words came together by chance."""
    asked = f" {' '.join(words(question))} "
    names = {name.lower() for s in structures for name in (s.name, s.plural, *s.synonyms)} - PART_NAMES
    return any(f" {' '.join(words(name))} " in asked for name in names)


class WholeQuestions:
    """Draws from the questions about each structure, by its id."""

    def __init__(self, asked: Mapping[str, Sequence[str]]) -> None:
        self._fixed = {name: [q for q in questions if fixes_side(q)] for name, questions in asked.items()}
        self._free = {name: [q for q in questions if not fixes_side(q)] for name, questions in asked.items()}

    def __contains__(self, structure_id: str) -> bool:
        return bool(self._free.get(structure_id))

    def draw(self, structure_id: str, one_side: bool, rng: random.Random) -> str:
        """A question whose slots are not filled yet; such with slots are for one side only."""
        fixed, free = self._fixed[structure_id], self._free[structure_id]
        if one_side and fixed and rng.random() < _FIXED:
            return thinned(rng.choice(fixed), rng.choice(_LEFT_OUT), rng)
        if rng.random() < _TUMBLED:
            return tumbled(rng.choices(free, k=rng.choice((1, 1, 2))), rng)
        return thinned(rng.choice(free), rng.choice(_LEFT_OUT), rng)
