"""The stock of phrasings: how questions are asked, how answers begin, and how words are misspelt."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.resources import resource_path

from .wording import words

__all__ = ["CARRIERS", "PhrasingStock", "carrier_words", "load_stock"]

# Families whose words only carry what is named in them.
CARRIERS = ("direct", "implicit_clause", "implicit_topic", "several", "group", "follow_other_structure")
# Everyday words that begin as a name does, or as a piece of one that was cut in two.
_LIKE_NAMES = (
    "put", "puts", "putting", "pal", "pale", "amount", "call", "caution", "corner", "hip",
    "lateness", "later", "vent", "cord", "access", "account", "and", "cereal", "that", "than",
)  # fmt: skip
# What only a question about a head says.
_OF_HEADS = re.compile(
    r"\b(brain\w*|head|skull|cerebr\w*|hemispher\w*|lobes?|neuro\w*|cortex|cortical|ventric\w*|nucle\w*"
    r"|gr[ea]y matter|white matter|tractography|volumetry|dementia|alzheimer\w*|hippocamp\w*|T1|MRI?|CSF"
    r"|hydroceph\w*|stroke|meningioma|glioma)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PhrasingStock:
    """Families of question frames, answer frames and respellings, and whole questions.

    `asked` are questions about a structure, by its id, that do not name it, each written by hand: `{side}`
    stands for the side that is asked for and `{other}` for the opposite one; where neither stands, no side
    is fixed.
    """

    questions: dict[str, list[str]]
    answers: dict[str, list[str]]
    spelling: dict[str, list[str]]
    asked: dict[str, tuple[str, ...]]

    @cached_property
    def _fit(self) -> dict[str, list[str]]:
        return {}

    def fitting(self, family: str, region: str) -> list[str]:
        """Frames and whole questions of a family that can be asked of what lies in a region."""
        if region == "brain":
            return self.questions[family]
        if family not in self._fit:
            self._fit[family] = [f for f in self.questions[family] if not _OF_HEADS.search(f)]
        return self._fit[family]


@cache
def load_stock() -> PhrasingStock:
    """Read `Resources/Prompts`."""

    def read(name: str) -> Any:
        return json.loads(Path(resource_path("Prompts", name)).read_text(encoding="utf-8"))

    spelling: dict[str, list[str]] = {}
    pairs = read("spelling.json")
    for right, wrong in pairs["typos"] if isinstance(pairs, dict) else pairs:
        spelling.setdefault(right.lower(), []).append(wrong)
    asked = {
        path.stem: tuple(path.read_text(encoding="utf-8").splitlines())
        for path in sorted(Path(resource_path("Prompts", "asked")).glob("*.txt"))
    }
    return PhrasingStock(read("questions.json"), read("answers.json"), spelling, asked)


def carrier_words(table: AnatomyTable, stock: PhrasingStock) -> list[str]:
    """Words of the phrasings that carry no meaning of their own: no side, no number, no part of a name."""
    meant = {"left", "right", "both", "one", "other", "side", "sides", "not", "no"}
    for structure in table.structures.values():
        for name in (structure.plural, *structure.wordings):
            meant.update(words(name))
    found = {word for family in CARRIERS for frame in stock.questions[family] for word in words(frame)}
    found.update(_LIKE_NAMES)
    slots = {"name", "names", "group", "clause", "topic", "side", "plural"}
    return sorted(word for word in found - meant - slots if word.isalpha())
