"""Claims: what an answer says against the facts: what is there, on which side, how large, how many.

What comes from the anatomy table (a fact's clause, a normal size) is not a claim about the scan and is taken
out first. A number with a unit must be one that was computed; a side must be the side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.answers import Mention, parse, visible_text

from ..conversation import Exchange, QuestionType, Target
from ..sides import side_word
from ..wording import with_side
from .facts import Facts, PartFacts

__all__ = ["false_claims"]

# How each unit is written, longer ways first.
_UNITS = {
    "ml": r"millilit\w+|cubic cent\w+|ml|cc|cm3|cm³",
    "cm2": r"square cent\w+|cm2|cm²",
    "mm": r"millimet\w+|mm",
    "cm": r"centimet\w+|cm",
    "%": r"percent|per cent|%",
    "HU": r"hounsfield\w*|hu",
}
_EITHER = "|".join(f"(?P<unit{n}>{ways})" for n, ways in enumerate(_UNITS.values()))
_NUMBER = re.compile(rf"(\d+(?:[.,]\d+)?)\s*(?:{_EITHER})(?![a-z0-9])", re.IGNORECASE)
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ANY = rf"(\d+|{'|'.join(_WORDS)})"
_COUNT = re.compile(
    rf"\b(?:there (?:are|is)|i (?:count|see|find)|in all|number)\W+(?:only )?{_ANY}\b|\b{_ANY} in all\b",
    re.IGNORECASE,
)
_LARGER = re.compile(
    r"\b(left|right)\b(?:(?!\b(?:left|right|than)\b)[^.;])*\b(larger|bigger|greater|smaller)\b"
    r"|\b(larger|bigger|greater|smaller)\b[^.;]{0,20}\bon the (?:patient's )?(left|right)\b",
    re.IGNORECASE,
)
_ALIKE = re.compile(r"\b(?:symmetric\w*|same size|equally large|equal in size)\b", re.IGNORECASE)
_NOT = re.compile(r"\b(?:not|no|cannot|without|neither|nor|outside)\b", re.IGNORECASE)
# What was rounded, and what was measured on a slightly other way, is still the same number.
_TOLERANCE = 0.06
# Sides that differ by less, in percent of their mean, may be called alike.
_SAME_PERCENT = 10.0


def false_claims(exchange: Exchange, facts: Facts, table: AnatomyTable) -> list[str]:
    """Sentences about what an answer says that the facts do not bear out; empty if all holds."""
    mentions = [piece for piece in parse(exchange.answer) if isinstance(piece, Mention)]
    if [(m.phrase, m.found) for m in mentions] != [(t.phrase, t.present) for t in exchange.targets]:
        return ["The findings that the answer mentions are not its targets."]
    raw = _without_table(exchange, table)
    said = visible_text(raw)
    return [
        *(problem for target in exchange.targets for problem in _presence(target, facts, table)),
        *_sides(exchange, table),
        *_numbers(said, facts, exchange.targets),
        *_counts(said, exchange),
        *_comparisons(said, facts, exchange.targets),
        *_named_in_passing(raw, facts, table),
    ]


def _presence(target: Target, facts: Facts, table: AnatomyTable) -> Iterator[str]:
    part, name = (target.structure, target.side), target.phrase
    if target.structure not in table:
        yield f"The anatomy table does not hold '{target.structure}'."
        return
    found = table.lookup(name)
    if found is None or (found[0].id, found[1]) != part:
        yield f"The words '{name}' do not name {part[0]} ({part[1].value})."
    if target.present:
        if part not in facts.parts:
            yield f"The {name} is said to be there and is not drawn there."
            return
        lies = facts.parts[part].lies
        if target.side is not Side.NONE and lies is target.side.other:
            yield f"The {name} lies on the patient's {lies.value} side."
    elif part in facts.parts:
        yield f"The {name} is said to be absent and is there."
    elif part not in facts.absent and target.structure not in facts.outside:
        yield f"The {name} is said to be absent, and nobody drew it, so nothing is known of it."


def _sides(exchange: Exchange, table: AnatomyTable) -> Iterator[str]:
    spoken = side_word(exchange, table)
    if spoken is not None:
        yield f"'{spoken[0]}' speaks of a side, and nobody knows which {table[spoken[1]].name} was drawn."


def _numbers(said: str, facts: Facts, targets: Sequence[Target]) -> Iterator[str]:
    parts = [facts.parts[t.structure, t.side] for t in targets if (t.structure, t.side) in facts.parts]
    for match in _NUMBER.finditer(said):
        value = float(match[1].replace(",", "."))
        unit = next(unit for n, unit in enumerate(_UNITS) if match[f"unit{n}"])
        known = list(_known(unit, parts, facts))
        if not any(abs(value - k) <= max(_TOLERANCE * abs(k), _half_digit(match[1])) for k in known):
            yield f"'{match[0]}' was not measured of any finding of the answer."


def _known(unit: str, parts: Sequence[PartFacts], facts: Facts) -> Iterator[float]:
    for one in parts:
        if unit == "ml" and one.volume_ml is not None:
            yield one.volume_ml
        elif unit == "cm2" and one.area_cm2 is not None:
            yield one.area_cm2
        elif unit in ("mm", "cm") and one.extent_mm is not None:
            yield from (length / (10.0 if unit == "cm" else 1.0) for length in one.extent_mm)
        elif unit == "HU" and facts.modality == "CT":
            yield one.mean_intensity
        elif unit == "%":
            percent = facts.asymmetry_percent(one.part[0])
            if percent is not None:
                yield abs(percent)
    if unit == "ml" and len(parts) > 1 and all(one.volume_ml is not None for one in parts):
        yield sum(one.volume_ml or 0.0 for one in parts)


def _half_digit(text: str) -> float:
    """Half of the last digit that was written."""
    decimals = len(re.split("[.,]", text)[1]) if re.search("[.,]", text) else 0
    return 0.5 * 10.0**-decimals


def _counts(said: str, exchange: Exchange) -> Iterator[str]:
    found = sum(target.present for target in exchange.targets)
    for match in _COUNT.finditer(said):
        word = (match[1] or match[2]).lower()
        if word in ("no", "one") and exchange.question_type is not QuestionType.COUNTING:
            continue
        count = int(word) if word.isdigit() else _WORDS.index(word)
        if count != found:
            yield f"The answer counts {count} and shows {found}."


def _comparisons(said: str, facts: Facts, targets: Sequence[Target]) -> Iterator[str]:
    structures = dict.fromkeys(t.structure for t in targets if t.side is not Side.NONE)
    if len(structures) != 1:
        return
    structure = next(iter(structures))
    percent = facts.asymmetry_percent(structure)
    for match in _LARGER.finditer(said):
        side, word = (match[1] or match[4]).lower(), (match[2] or match[3]).lower()
        left_larger = (side == "left") is (word != "smaller")
        if percent is None:
            yield f"'{match[0]}' compares sides that were not both measured whole."
        elif percent == 0.0 or left_larger is not (percent > 0):
            yield f"'{match[0]}' is the wrong way round."
    if _ALIKE.search(said) and not _NOT.search(said) and (percent is None or abs(percent) > _SAME_PERCENT):
        yield f"'{_ALIKE.search(said)[0]}' is not so by the sizes measured."  # type: ignore[index]


def _named_in_passing(raw: str, facts: Facts, table: AnatomyTable) -> Iterator[str]:
    """Structures that plain words claim to be there without a mask, sentence by sentence."""
    shown = {structure for structure, _ in facts.parts}
    for sentence in re.split(r"(?<=[.;!?])\s+", re.sub(r"<p>.*?</p>", "", raw)):
        if _NOT.search(sentence):
            continue
        found = table.lookup(sentence)
        if found is None or found[0].id in shown or found[0].is_group:
            continue
        if len(_named(sentence, found[0].wordings)) > 2:
            yield f"The {found[0].name} is spoken of and is not drawn there."


def _named(sentence: str, wordings: Sequence[str]) -> str:
    """The longest wording that the sentence holds; short abbreviations are often other words."""
    low = f" {re.sub(r'[^a-z0-9]+', ' ', sentence.lower())} "
    held = [w for w in wordings if f" {re.sub(r'[^a-z0-9]+', ' ', w.lower()).strip()} " in low]
    return max(held, key=len, default="")


def _without_table(exchange: Exchange, table: AnatomyTable) -> str:
    """The answer without what the anatomy table says of its targets' structures."""
    raw = exchange.answer
    for name in dict.fromkeys(t.structure for t in exchange.targets if t.structure in table):
        structure = table[name]
        known = [text for fact in structure.facts for text in (*fact.clauses, *fact.topics)]
        for text in (*known, structure.normal_size or "", structure.name):
            filled = {with_side(text, Side.LEFT), with_side(text, Side.RIGHT)} if "{" in text else {text}
            for said in filled:
                if " " in said and said in raw:
                    raw = raw.replace(said, "")
    return raw
