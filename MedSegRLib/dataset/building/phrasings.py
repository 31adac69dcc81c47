"""Phrasings of the offline annotator: the stock's frames and those of three voices, fit for a region."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from MedSegRLib.resources import resource_path

from ..stock import PhrasingStock, load_stock

__all__ = ["VOICES", "Phrasings", "load_phrasings"]

VOICES = ("radiologist", "resident", "referrer")
# Which family of the stock says the same as a family of the voices.
_STOCK = {
    "direct": "direct", "implicit_clause": "implicit_clause", "implicit_topic": "implicit_topic",
    "several": "several", "group": "group", "size": "size", "asymmetry": "asymmetry", "compare": "compare",
    "presence": "presence", "other_side": "follow_other_side", "one_side": "follow_one_side",
    "follow_size": "follow_size", "follow_name": "follow_other_structure",
    "follow_implicit": "follow_implicit", "context": "context",
}  # fmt: skip


@dataclass(frozen=True)
class Phrasings:
    """How questions are asked and answers begin.

    Attributes
    ----------
    stock
        Frames in nobody's voice, and whole questions.
    voices
        Voice -> family -> frames.
    rules
        `offline.json`: what can be counted, and further answers.
    """

    stock: PhrasingStock
    voices: dict[str, dict[str, list[str]]]
    rules: dict[str, Any]

    def frame(self, family: str, voice: str, region: str, rng: random.Random) -> str:
        """Draw a frame: of the voice, or for half of the time of the stock."""
        if family in _STOCK and rng.random() < 0.5:
            return rng.choice(self.stock.fitting(_STOCK[family], region))
        return rng.choice(self.voices[voice][family])

    def answer(self, family: str, rng: random.Random) -> str:
        """Draw an answer frame; the first few are the usual ones."""
        frames = self.rules.get(f"{family}_answers") or self.stock.answers[family]
        return frames[0] if rng.random() < 0.5 else str(rng.choice(frames[:6]))


@cache
def load_phrasings() -> Phrasings:
    """Read `Resources/Prompts` and what lies in its folder annotate/."""

    def read(name: str) -> Any:
        return json.loads(Path(resource_path("Prompts", "annotate", name)).read_text(encoding="utf-8"))

    return Phrasings(load_stock(), read("voices.json"), read("offline.json"))
