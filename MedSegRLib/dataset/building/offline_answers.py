"""Answers of the offline annotator: parts that are there are mentioned with [SEG], others with [REJ].

No number but a count is ever written: sizes are measured from masks when an answer is given.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from MedSegRLib.anatomy import AnatomyTable, Side

from ..conversation import Exchange, QuestionType, Target
from ..wording import listed
from .facts import Facts, Part
from .naming import mention_of, phrase_of
from .phrasings import Phrasings

__all__ = ["answered", "target_of"]

_COUNTS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
# Style -> families of the stock for one and for several parts.
_FAMILIES = {
    "found": ("found_one", "found_several"), "several": ("found_one", "found_several"),
    "size": ("size", "size"), "asymmetry": ("asymmetry", "asymmetry"), "compare": ("compare", "compare"),
    "count": ("count", "count"), "neighbour": ("neighbour", "neighbour"),
    "presence": ("presence", "found_several"),
}  # fmt: skip


def target_of(part: Part, facts: Facts, table: AnatomyTable) -> Target:
    """The target that stands for a part."""
    return Target(phrase_of(part, facts, table), part[0], part[1], part in facts.parts)


def answered(
    question: str,
    kind: QuestionType,
    parts: Sequence[Part],
    facts: Facts,
    table: AnatomyTable,
    phrasings: Phrasings,
    rng: random.Random,
    *,
    style: str = "found",
    because: str = "",
) -> Exchange:
    """Answer a question by parts.

    Parameters
    ----------
    question, kind
        What is asked.
    parts
        What answers it; those that are not there must be absent for sure.
    facts, table, phrasings, rng
        Where the answer is from.
    style
        "found", "several", "presence", "size", "asymmetry", "compare", "count", "neighbour", or "named",
        which says the structure's name first.
    because
        A clause that tells why, after "It"; only said where something was found.
    """
    targets = [target_of(part, facts, table) for part in parts]
    found, missing = [t for t in targets if t.present], [t for t in targets if not t.present]
    said = []
    if found:
        mentions = listed([f"the {mention_of(t.phrase, True)}" for t in found])
        if style == "named":
            frame = phrasings.answer("found_named", rng)
            name = found[0].phrase if found[0].side is Side.NONE else table[found[0].structure].name
            said.append(frame.format(name=name, mentions=mentions))
        else:
            frame = phrasings.answer(_FAMILIES[style][len(found) > 1], rng)
            count = _COUNTS[len(found)] if len(found) < len(_COUNTS) else str(len(found))
            text = frame.format(mentions=mentions, count=count)
            said.append(text[0].upper() + text[1:])
        if because:
            said.append(phrasings.answer("because", rng).format(clause=because))
    if missing:
        mentions = listed([f"the {mention_of(t.phrase, False)}" for t in missing], " or ")
        far = all(t.structure in facts.outside for t in missing)
        seen = facts.region.replace("_", " and ")
        frame = phrasings.answer("absent_region" if far else "absent", rng)
        if facts.slice_index is not None and not far:
            frame = frame.replace("scan", "slice")
        said.append(frame.format(mentions=mentions, region_seen=seen))
        if not found:
            kind = QuestionType.OUTSIDE if far else QuestionType.ABSENT
    return Exchange(question, " ".join(said), kind, (*found, *missing))
