"""Checks: all that is looked at before any human reads a conversation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.answers import visible_text

from ..conversation import Exchange, QuestionType
from ..wording import four_word_runs, words
from .claims import false_claims
from .facts import Facts

__all__ = ["Check", "Checker", "Failure", "leaks"]

# Abbreviations of one or two letters are as often other words.
_SHORTEST_ABBREVIATION = 3


class Check(Enum):
    """What a conversation can fail at."""

    CLAIM = "claim"
    LEAK = "leak"
    DUPLICATE = "duplicate"
    HELD_OUT = "held out"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class Failure:
    """A check that a conversation failed, and a sentence that says why."""

    check: Check
    sentence: str


def leaks(question: str, structures: Iterable[str], table: AnatomyTable) -> list[str]:
    """Names of structures that a question gives away: whole wordings, any case, any hyphens.

    >>> from MedSegRLib.anatomy import load_table
    >>> leaks("What makes urine in the left KIDNEY?", ["kidney"], load_table())
    ['kidney']
    """
    asked = " ".join(words(question.replace("'", "")))
    found = []
    for structure in structures:
        short = {a for a in table[structure].abbreviations if len(a) < _SHORTEST_ABBREVIATION}
        for wording in table[structure].wordings:
            named = " ".join(words(wording.replace("'", "")))
            if wording not in short and re.search(rf"(?<![a-z0-9]){re.escape(named)}(?![a-z0-9])", asked):
                found.append(wording)
                break
    return found


class Checker:
    """Looks at conversations one after the other and remembers those that passed.

    Parameters
    ----------
    table
        The anatomy table.
    held_out
        Questions that judge a model: none may share a run of four words with what is written.
    """

    def __init__(self, table: AnatomyTable, held_out: Iterable[str] = ()) -> None:
        self.table = table
        self._forbidden = frozenset(run for question in held_out for run in four_word_runs(question))
        self._seen: set[tuple[tuple[str, ...], ...]] = set()

    def failures(self, exchanges: Sequence[Exchange], facts: Facts) -> list[Failure]:
        """Everything that is wrong with a conversation; empty for a good one."""
        found = []
        asked = [tuple(words(exchange.question)) for exchange in exchanges]
        for number, exchange in enumerate(exchanges):
            place = f"Exchange {number + 1}: "
            found += [
                Failure(Check.CLAIM, f"{place}{claim}") for claim in false_claims(exchange, facts, self.table)
            ]
            if exchange.question_type is QuestionType.IMPLICIT:
                structures = dict.fromkeys(t.structure for t in exchange.targets)
                for name in leaks(exchange.question, structures, self.table):
                    found.append(Failure(Check.LEAK, f"{place}The question names its target, '{name}'."))
            if asked[number] in asked[:number]:
                found.append(Failure(Check.DUPLICATE, f"{place}The question was asked before."))
            texts = (exchange.question, visible_text(exchange.answer))
            if any(four_word_runs(text) & self._forbidden for text in texts):
                sentence = f"{place}It shares four words in a row with a question that is kept for judging."
                found.append(Failure(Check.HELD_OUT, sentence))
        if tuple(asked) in self._seen:
            found.append(Failure(Check.DUPLICATE, "The same conversation is in the data set already."))
        return found

    def remember(self, questions: Iterable[str]) -> None:
        """Keep a conversation that passed, by its questions, so that it is not written again."""
        self._seen.add(tuple(tuple(words(question)) for question in questions))
