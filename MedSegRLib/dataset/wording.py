"""Wording: how the same question comes out of different keyboards.

Typing errors, abbreviations, dropped words, telegram style; everything draws from the caller's generator.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from MedSegRLib.anatomy import Side, Structure

__all__ = [
    "STOP_WORDS", "four_word_runs", "in_context", "listed", "plain_name", "rough_hand", "telegram", "thinned",
    "tumbled", "with_side", "words",
]  # fmt: skip

# fmt: off
STOP_WORDS = frozenset(
    {
        "a", "an", "the", "of", "in", "on", "at", "to", "for", "and", "or", "is", "are", "was", "be", "by",
        "with", "from", "that", "which", "it", "its", "this", "these", "as", "into", "when", "after",
        "does", "do", "has", "have", "than", "then", "their",
    }
)
# fmt: on
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(text: str) -> list[str]:
    """Lower-case words of a text, punctuation dropped.

    >>> words("Outline the Left one, please!")
    ['outline', 'the', 'left', 'one', 'please']
    """
    return re.findall(r"[a-z0-9']+", text.lower())


def four_word_runs(text: str) -> set[tuple[str, ...]]:
    """Every run of four words, which is what counts as shared text.

    >>> sorted(four_word_runs("one two three four five"))
    [('one', 'two', 'three', 'four'), ('two', 'three', 'four', 'five')]
    """
    w = words(text)
    return {tuple(w[i : i + 4]) for i in range(len(w) - 3)}


def plain_name(structure: Structure, rng: random.Random) -> str:
    """One of a structure's names, the preferred one most often."""
    draw = rng.random()
    if draw < 0.5:
        return structure.name
    if draw < 0.9 and structure.synonyms:
        return rng.choice(structure.synonyms)
    return rng.choice((*structure.abbreviations, structure.latin))


def with_side(text: str, side: Side) -> str:
    """Fill the slots for the side that is meant and for the opposite one."""
    return text.replace("{side}", side.value).replace("{other}", side.other.value)


def listed(items: Sequence[str], last: str = " and ") -> str:
    """Items as a sentence lists them.

    >>> listed(["this", "that", "those"])
    'this, that and those'
    """
    return last.join(items) if len(items) < 3 else ", ".join(items[:-1]) + last + items[-1]


def in_context(question: str, context: str, rng: random.Random) -> str:
    """A question with words about the patient, whose slots are for age, sex and maybe the question."""
    context = context.replace("{age}", str(rng.randint(4, 94)))
    context = context.replace("{sex}", rng.choice(("male", "female", "man", "woman", "M", "F")))
    if "{q}" in context:
        return context.replace("{q}", question)
    return f"{context} {question}" if rng.random() < 0.85 else f"{question} {context}"


def telegram(phrases: Sequence[str], rng: random.Random) -> str:
    """A few content words of several phrases, in or out of order: how notes are typed in a hurry."""
    chosen: list[str] = []
    for phrase in phrases:
        tokens = phrase.replace(",", " ").split()
        content = [t for t in tokens if t.lower() not in STOP_WORDS or rng.random() < 0.25]
        keep = max(2, round(len(content) * rng.uniform(0.4, 1.0)))
        picked = sorted(rng.sample(range(len(content)), min(keep, len(content))))
        chosen.extend(content[i] for i in picked)
    if rng.random() < 0.5:
        rng.shuffle(chosen)
    return " ".join(chosen[:14])


def thinned(text: str, share: float, rng: random.Random) -> str:
    """Leave out a share of the words, so that no single one decides; slots and what follows them stay.

    At least three words are left.
    """
    tokens = text.split(" ")
    kept = [
        token
        for before, token in zip(["", *tokens], tokens, strict=False)
        if "{" in before + token or rng.random() >= share
    ]
    return " ".join(kept) if len(kept) >= 3 else text


def tumbled(texts: Sequence[str], rng: random.Random) -> str:
    """Most words of some texts in any order, without their punctuation: notes that nobody put in order."""
    tokens = [token.strip(".,;:?!()") for text in texts for token in text.split(" ")]
    kept = [token for token in tokens if token and rng.random() < 0.7] or tokens
    rng.shuffle(kept)
    return " ".join(kept[:24])


def rough_hand(text: str, spelling: Mapping[str, Sequence[str]], rng: random.Random) -> str:
    """Maybe mistype, abbreviate, drop words, lower the case or lose the punctuation."""
    if rng.random() < 0.3:
        tokens = text.split(" ")
        tokens = [_respell(t, spelling, rng) if rng.random() < 0.25 else t for t in tokens]
        text = " ".join(tokens)
    if rng.random() < 0.15:
        tokens = text.split(" ")
        kept = [t for t in tokens if t.lower() not in STOP_WORDS or rng.random() < 0.5]
        text = " ".join(kept) if len(kept) >= 2 else text
    if rng.random() < 0.2:
        text = _slip(text, rng)
    if rng.random() < 0.25:
        text = text.lower()
    elif rng.random() < 0.02:
        text = text.upper()
    if rng.random() < 0.2:
        text = text.rstrip(".?! ")
    return text


def _respell(token: str, spelling: Mapping[str, Sequence[str]], rng: random.Random) -> str:
    core = token.strip(".,;:?!").lower()
    choices = spelling.get(core)
    return token.lower().replace(core, rng.choice(choices)) if choices else token


def _slip(text: str, rng: random.Random) -> str:
    """One slip of the finger inside a longer word: a letter lost, doubled, swapped or hit beside."""
    places = [m.span() for m in re.finditer(r"[A-Za-z]{4,}", text)]
    if not places:
        return text
    start, end = rng.choice(places)
    at = rng.randrange(start + 1, end - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + rng.choice(_LETTERS) + text[at + 1 :]
