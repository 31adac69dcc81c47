"""The offline annotator for any region: conversations from facts, the anatomy table and written phrasings.

It needs no network and no model, invents nothing, and the same generator gives the same conversation. What
structures are asked by: questions written by hand where `Resources/Prompts/asked` has them, else the table's
facts, names, and place and looks as computed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from MedSegRLib.anatomy import AnatomyTable, Side

from ..conversation import Exchange, QuestionType
from ..sides import side_word
from ..wording import rough_hand, with_side
from .annotator import UnusableConversation
from .describing import DIRECTIONS, neighbour
from .facts import Facts
from .naming import askable
from .offline_questions import KINDS, Questions
from .phrasings import VOICES, Phrasings

__all__ = ["RegionAnnotator"]

_FOLLOW_UPS = {
    "other_side": 7, "one_side": 5, "follow_size": 4, "follow_name": 5, "follow_implicit": 6,
    "follow_neighbour": 5, "fresh": 9,
}  # fmt: skip
_CONTEXT = 0.15
# Who writes in a hurry mistypes more.
_ROUGH = {"radiologist": 0.8, "resident": 0.5, "referrer": 0.2}
_TRIES, _VARIED = 100, 25
_MEASURED = (QuestionType.SIZE, QuestionType.COMPARISON)


class RegionAnnotator:
    """Writes conversations about scans of any region; one voice to a conversation.

    Parameters
    ----------
    table, phrasings
        What is known, and how it is said.
    """

    name = "offline"

    def __init__(self, table: AnatomyTable, phrasings: Phrasings) -> None:
        self.table, self.phrasings = table, phrasings
        self._questions = Questions(table, phrasings)

    def converse(self, facts: Facts, turns: int, rng: random.Random) -> tuple[Exchange, ...]:
        """Write a conversation; see `Annotator`."""
        voice = rng.choice(VOICES)
        exchanges: list[Exchange] = []
        for turn in range(turns):
            for attempt in range(_TRIES):
                exchange = (
                    self._follow_up(facts, exchanges, voice, rng)
                    if turn
                    else self._fresh(facts, voice, rng, first=True)
                )
                # Facts and questions of the table speak of sides where this scan may tell none apart.
                if exchange is None or side_word(exchange, self.table) is not None:
                    continue
                exchange = replace(exchange, question=self._typed(exchange.question, voice, rng))
                if not exchange.question.strip():
                    continue
                # A scan of one structure has no more to ask, others should have.
                if attempt > _VARIED or not any(_alike(exchange, before) for before in exchanges):
                    break
            else:
                raise UnusableConversation("The facts give no question; leave this scan out.")
            exchanges.append(exchange)
        return tuple(exchanges)

    def _fresh(self, facts: Facts, voice: str, rng: random.Random, *, first: bool = False) -> Exchange | None:
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        exchange = self._questions.ask(kind, facts, voice, rng)
        if exchange is None:
            return None
        question = exchange.question
        if first and rng.random() < _CONTEXT and exchange.question_type is not QuestionType.UNANSWERABLE:
            context = self.phrasings.voices[voice]["context"]
            opening = rng.choice(context).replace("{age}", str(rng.randint(18, 92)))
            question = f"{opening.replace('{sex}', rng.choice(('man', 'woman')))} {question}"
        return replace(exchange, question=question)

    def _typed(self, question: str, voice: str, rng: random.Random) -> str:
        if rng.random() < _ROUGH[voice]:
            return rough_hand(question, self.phrasings.stock.spelling, rng)
        return question

    def _follow_up(
        self, facts: Facts, earlier: Sequence[Exchange], voice: str, rng: random.Random
    ) -> Exchange | None:
        """A question that leans on the last answer, or another one."""
        last = earlier[-1]
        kind = rng.choices(list(_FOLLOW_UPS), list(_FOLLOW_UPS.values()))[0]
        shown = [t for t in last.targets if t.present]
        if kind == "fresh" or not shown:
            return self._fresh(facts, voice, rng)
        ask, parts, style, because = self._questions, [(t.structure, t.side) for t in shown], "found", ""
        question = self.phrasings.frame(kind, voice, facts.region, rng) if kind != "follow_neighbour" else ""
        if kind == "other_side":
            if len(last.targets) != 1 or shown[0].side is Side.NONE:
                return None
            parts = [(shown[0].structure, shown[0].side.other)]
            if parts[0] not in facts.parts and parts[0] not in facts.absent:
                return None
        elif kind == "one_side":
            if len(last.targets) != 2 or {t.side for t in shown} != {Side.LEFT, Side.RIGHT}:
                return None
            if len({t.structure for t in shown}) != 1:
                return None
            part = rng.choice(parts)
            question, parts = question.format(side=part[1].value), [part]
        elif kind == "follow_size":
            # Nobody asks for the same size twice.
            if last.question_type in _MEASURED or (len(earlier) > 1 and earlier[-2].targets == last.targets):
                return None
            style = "size"
        elif kind == "follow_neighbour":
            return self._neighbour(facts, shown[0].structure, shown[0].side, len(shown), voice, rng)
        else:
            picked = ask.pick(facts, rng)
            if picked is None or picked[0].id in {t.structure for t in last.targets}:
                return None
            structure, sides = picked
            parts = [(structure.id, side) for side in sides]
            if kind == "follow_name":
                question = question.format(name=ask.say(structure, sides, facts, rng))
            else:
                fact = ask.fact_of(structure, Side.NONE, rng, unsided=True)
                if fact is None:
                    return None
                clause, topic = rng.choice(fact.clauses), rng.choice(fact.topics)
                question = question.format(clause=clause, topic=topic)
                if len(sides) == 1 and sides[0] is not Side.NONE:
                    question = ask.add_side(question, sides[0], rng)
                style, because = "named", with_side(fact.clauses[0], Side.NONE)
        return ask.reply(question, QuestionType.FOLLOW_UP, parts, facts, rng, style, because)

    def _neighbour(
        self, facts: Facts, structure: str, side: Side, shown: int, voice: str, rng: random.Random
    ) -> Exchange | None:
        """What lies behind it, where exactly one part that is drawn touches it there."""
        if shown != 1 or (structure, side) not in facts.parts:
            return None
        wheres: Sequence[tuple[int, int]] = rng.sample(sorted(DIRECTIONS), len(DIRECTIONS))
        for where in wheres:
            other = neighbour((structure, side), where, facts, self.table)
            if other is not None and other[0] in askable(facts, self.table):
                frame = self.phrasings.frame("follow_neighbour", voice, facts.region, rng)
                question = frame.format(direction=DIRECTIONS[where])
                return self._questions.reply(
                    question, QuestionType.FOLLOW_UP, [other], facts, rng, "neighbour"
                )
        return None


def _alike(one: Exchange, other: Exchange) -> bool:
    """Whether two questions of the same kind are about the same findings."""
    return bool(one.targets) and one.question_type is other.question_type and one.targets == other.targets
