"""The stock of phrasings: how questions are asked, how answers begin, and how words are misspelt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from MedSegRLib.resources import resource_path

__all__ = ["PhrasingStock", "load_stock"]


@dataclass(frozen=True)
class PhrasingStock:
    """Families of question frames, answer frames and respellings."""

    questions: dict[str, list[str]]
    answers: dict[str, list[str]]
    spelling: dict[str, list[str]]


@cache
def load_stock() -> PhrasingStock:
    """Read `Resources/Prompts`."""

    def read(name: str) -> Any:
        return json.loads(Path(resource_path("Prompts", name)).read_text(encoding="utf-8"))

    spelling: dict[str, list[str]] = {}
    pairs = read("spelling.json")
    for right, wrong in pairs["typos"] if isinstance(pairs, dict) else pairs:
        spelling.setdefault(right.lower(), []).append(wrong)
    return PhrasingStock(read("questions.json"), read("answers.json"), spelling)
