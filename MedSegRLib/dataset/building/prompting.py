"""Prompting: the facts as a language model reads them, and the messages that ask it for a conversation."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.resources import resource_path

from ..conversation import QuestionType
from ..sides import undivided
from .describing import DIRECTIONS, direction
from .facts import Facts, Part, PartFacts
from .naming import phrase_of
from .phrasings import VOICES

__all__ = ["Message", "facts_as_json", "messages", "reply_schema"]

Message = dict[str, str]

_MOST_ABSENT = 8
_ASKED = (
    QuestionType.DIRECT, QuestionType.IMPLICIT, QuestionType.SEVERAL, QuestionType.SIZE,
    QuestionType.COMPARISON, QuestionType.COUNTING, QuestionType.PRESENCE, QuestionType.ABSENT,
    QuestionType.OUTSIDE, QuestionType.UNANSWERABLE,
)  # fmt: skip


def messages(facts: Facts, turns: int, table: AnatomyTable, rng: random.Random) -> list[Message]:
    """What is asked of a language model: the rules as the system's words, the facts as the user's.

    The kinds of question and the voice are drawn here, so that a model's habits do not choose them.
    """
    kinds = [rng.choice(_ASKED).value]
    kinds += [rng.choice((*_ASKED, *[QuestionType.FOLLOW_UP] * 8)).value for _ in range(turns - 1)]
    task = {
        "voice": rng.choice(VOICES),
        "question_types": kinds,
        "facts": facts_as_json(facts, table, rng),
    }
    text = _read("user.txt").format(turns=turns, task=json.dumps(task, ensure_ascii=False))
    return [{"role": "system", "content": _read("system.txt")}, {"role": "user", "content": text}]


def facts_as_json(facts: Facts, table: AnatomyTable, rng: random.Random) -> dict[str, Any]:
    """The facts in words and rounded numbers; of what is not there a few, drawn."""
    outside = rng.sample(facts.outside, min(_MOST_ABSENT, len(facts.outside)))
    gone = [
        (name, rng.choice((Side.LEFT, Side.RIGHT)) if table[name].sided else Side.NONE) for name in outside
    ]
    absent = rng.sample(facts.absent, min(_MOST_ABSENT, len(facts.absent)))
    return {
        "modality": facts.modality,
        "region": facts.region.replace("_", " and "),
        "about": "the whole scan" if facts.slice_index is None else f"one {facts.plane.value} slice",
        "present": [_part(one, facts, table) for one in facts.parts.values()],
        "absent": [_named(part, facts, table) for part in absent],
        "outside_the_scan": [_named(part, facts, table) for part in gone],
        "not_drawn_say_nothing_of_them": sorted({table[name].name for name, _ in facts.undrawn}),
    }


def _named(part: Part, facts: Facts, table: AnatomyTable) -> dict[str, str]:
    return {"structure": part[0], "side": part[1].value, "phrase": phrase_of(part, facts, table)}


def _part(one: PartFacts, facts: Facts, table: AnatomyTable) -> dict[str, Any]:
    structure = table[one.part[0]]
    said: dict[str, Any] = _named(one.part, facts, table)
    if undivided(one.part, table):
        said["sides_not_told_apart"] = True
    said["never_in_implicit_questions"] = list(structure.wordings)
    if one.volume_ml is not None:
        said["millilitres"] = float(f"{one.volume_ml:.3g}")
    if one.area_cm2 is not None:
        said["square_centimetres"] = float(f"{one.area_cm2:.3g}")
    if one.extent_mm is not None:
        said["extent_mm_right_left_front_back_head_foot"] = [round(length) for length in one.extent_mm]
    percent = facts.asymmetry_percent(one.part[0])
    if percent is not None:
        said["left_larger_than_right_by_percent"] = round(percent, 1)
    said["brightness"] = "brighter" if one.contrast > 0.3 else "darker" if one.contrast < -0.3 else "alike"
    said["reaches_edge"] = one.at_edge
    said["touches"] = [
        f"{phrase_of(other, facts, table)} ({_where(facts.parts[other], one)})" for other in one.touches
    ]
    said["known"] = [fact.clauses[0] for fact in structure.facts if not fact.sided][:6]
    return said


def _where(other: PartFacts, one: PartFacts) -> str:
    where = direction(other, one, None)
    return "beside it" if where is None else f"{DIRECTIONS[where]} it"


@cache
def reply_schema() -> dict[str, Any]:
    """The JSON schema of a reply."""
    schema: dict[str, Any] = json.loads(_read("reply.schema.json"))
    return schema


@cache
def _read(name: str) -> str:
    return Path(resource_path("Prompts", "annotate", name)).read_text(encoding="utf-8")
