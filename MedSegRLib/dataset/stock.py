"""The stock of phrasings: how questions are asked, how answers begin, and how words are misspelt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
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
