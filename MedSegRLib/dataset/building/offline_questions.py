"""Questions of the offline annotator that stand alone, one method for each kind; None where none fits."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from MedSegRLib.anatomy import AnatomyTable, Fact, Side, Structure

from ..conversation import Exchange, QuestionType
from ..scene import parts_of
from ..whole_questions import fixes_side
from ..wording import listed, thinned, with_side
from .describing import appearances, locations
from .facts import Facts, Part
from .naming import askable, called
from .offline_answers import answered
from .phrasings import Phrasings

__all__ = ["KINDS", "Asked", "Questions"]

# Kind -> how often it is drawn.
KINDS = {
    "implicit": 38, "described": 8, "direct": 12, "several": 8, "group": 4, "count": 4, "size": 5,
    "asymmetry": 4, "compare": 5, "presence": 4, "absent": 13, "outside": 13, "unanswerable": 9, "lesion": 4,
}  # fmt: skip
# What an implicit question may turn on -> kinds of the table's facts.
_TURNS_ON = {
    "function": ("function", "connection", "deficit", "development", "lay"),
    "disease": ("disease", "size"),
    "location": ("neighbour", "part"),
    "appearance": ("imaging", "shape"),
    "intervention": ("intervention", "blood_supply"),
}
_WHOLE = 0.5
_SUFFIXES = (", {side} side", ", the {side} one", " ({side})", " - {side} only", ", on the {side} please")

Asked = Callable[[Facts, str, random.Random], "Exchange | None"]


class Questions:
    """Asks and answers one question about facts, in a voice.

    Parameters
    ----------
    table, phrasings
        What is known, and how it is said.
    """

    def __init__(self, table: AnatomyTable, phrasings: Phrasings) -> None:
        self.table, self.phrasings = table, phrasings

    def ask(self, kind: str, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        """Ask a question of a kind; None where the facts give none."""
        asked: Asked = getattr(self, f"_{kind}")
        return asked(facts, voice, rng)

    def pick(self, facts: Facts, rng: random.Random) -> tuple[Structure, tuple[Side, ...]] | None:
        """A structure that is there, and the sides to ask for: both or one."""
        there = askable(facts, self.table)
        if not there:
            return None
        name = rng.choice(sorted(there))
        sides = there[name]
        if len(sides) == 2 and rng.random() < 0.6:
            sides = (rng.choice(sides),)
        return self.table[name], tuple(sorted(sides, key=lambda side: side.value))

    def say(self, structure: Structure, sides: Sequence[Side], facts: Facts, rng: random.Random) -> str:
        """A structure's name as a question has it."""
        one = facts.parts.get((structure.id, Side.NONE))
        return called(structure, sides, rng, many=one is not None and one.pieces > 1)

    def reply(
        self, question: str, kind: QuestionType, parts: Sequence[Part], facts: Facts, rng: random.Random,
        style: str = "found", because: str = "",
    ) -> Exchange:  # fmt: skip
        """Answer a question by parts."""
        return answered(
            question, kind, parts, facts, self.table, self.phrasings, rng, style=style, because=because
        )

    def frame(self, family: str, facts: Facts, voice: str, rng: random.Random) -> str:
        """Draw a phrasing that fits the facts' region."""
        return self.phrasings.frame(family, voice, facts.region, rng)

    def fact_of(
        self, structure: Structure, side: Side, rng: random.Random, *, unsided: bool = False
    ) -> Fact | None:
        """A fact of the table, every kind of question as likely as the other."""
        facts = [f for f in structure.facts if not f.sided or (side is not Side.NONE and not unsided)]
        groups = [[f for f in facts if f.kind in kinds] for kinds in _TURNS_ON.values()]
        groups = [group for group in groups if group]
        return rng.choice(rng.choice(groups)) if groups else None

    def add_side(self, question: str, side: Side, rng: random.Random) -> str:
        """Say which side is meant."""
        return f"{question.rstrip('.?! ')}{rng.choice(_SUFFIXES).format(side=side.value)}"

    # -- one method for each kind

    def _direct(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        return self._named("direct", QuestionType.DIRECT, "found", facts, voice, rng)

    def _presence(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        return self._named("presence", QuestionType.PRESENCE, "presence", facts, voice, rng)

    def _size(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        return self._named("size", QuestionType.SIZE, "size", facts, voice, rng)

    def _named(
        self, family: str, kind: QuestionType, style: str, facts: Facts, voice: str, rng: random.Random
    ) -> Exchange | None:
        picked = self.pick(facts, rng)
        if picked is None:
            return None
        structure, sides = picked
        question = self.frame(family, facts, voice, rng).format(name=self.say(structure, sides, facts, rng))
        return self.reply(question, kind, [(structure.id, s) for s in sides], facts, rng, style)

    def _implicit(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        picked = self.pick(facts, rng)
        if picked is None:
            return None
        structure, sides = picked
        side = sides[0] if len(sides) == 1 else Side.NONE
        parts = [(structure.id, s) for s in sides]
        whole = self.phrasings.stock.asked.get(structure.id, ())
        if whole and rng.random() < _WHOLE:
            fixed = [q for q in whole if fixes_side(q) is (side is not Side.NONE)]
            question = rng.choice(fixed or whole)
            if fixes_side(question) and side is Side.NONE:
                return None
            question = thinned(question, 0.12, rng) if rng.random() < 0.2 else question
            if side is not Side.NONE and not fixes_side(question):
                question = self.add_side(question, side, rng)
            question = with_side(question, side)
            return self.reply(question, QuestionType.IMPLICIT, parts, facts, rng, "named")
        fact = self.fact_of(structure, side, rng)
        if fact is None:
            return self._described(facts, voice, rng)
        clause = with_side(rng.choice(fact.clauses), side)
        topic = with_side(rng.choice(fact.topics), side)
        if rng.random() < 0.1:
            # As it is jotted down: the words alone.
            question = rng.choice((topic, thinned(clause, 0.12, rng)))
        else:
            family = rng.choice(("implicit_clause", "implicit_topic"))
            question = self.frame(family, facts, voice, rng).format(clause=clause, topic=topic)
        if side is not Side.NONE and not fact.sided:
            question = self.add_side(question, side, rng)
        because = with_side(fact.clauses[0], side)
        return self.reply(question, QuestionType.IMPLICIT, parts, facts, rng, "named", because)

    def _described(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        """By where it lies and how it looks, as computed."""
        there = askable(facts, self.table)
        parts = sorted((part for part in facts.parts if part[0] in there), key=str)
        rng.shuffle(parts)
        for part in parts:
            phrases = locations(part, facts, self.table)
            because = f"is {rng.choice(phrases)}" if phrases else ""
            phrases = phrases + appearances(part, facts, self.table)
            if phrases:
                text = rng.choice(phrases)
                question = self.frame("description", facts, voice, rng).format(description=text)
                because = f"is {text}" if text in phrases else because
                question = question[0].upper() + question[1:]
                return self.reply(question, QuestionType.IMPLICIT, [part], facts, rng, "named", because)
        return None

    def _several(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        there = sorted(askable(facts, self.table))
        absent = [part for part in facts.absent if part[0] not in there]
        if len(there) + bool(absent) < 2:
            return None
        names, parts = [], []
        for name in rng.sample(there, min(len(there), rng.choice((2, 2, 3)))):
            sides = askable(facts, self.table)[name]
            sides = (rng.choice(sides),) if len(sides) == 2 and rng.random() < 0.5 else sides
            names.append(self.say(self.table[name], sides, facts, rng))
            parts += [(name, side) for side in sides]
        # Now and then one of them is not there.
        if absent and (len(names) < 2 or rng.random() < 0.25):
            part = rng.choice(absent)
            names.append(called(self.table[part[0]], (part[1],), rng))
            parts.append(part)
        text = listed(names, rng.choice((" and ", " and ", ", ", " + ")))
        question = self.frame("several", facts, voice, rng).format(names=text)
        return self.reply(question, QuestionType.SEVERAL, parts, facts, rng, "several")

    def _known_sets(self, facts: Facts) -> list[tuple[str, str, list[Part]]]:
        """Sets of parts of which each is known to be there or not: family, name, parts."""
        known = set(facts.parts) | set(facts.absent)
        sets = [("count", entry["things"], entry["members"]) for entry in self.phrasings.rules["countable"]]
        sets += [("group", g.plural if g.sided else g.name, g.members) for g in self.table if g.is_group]
        found = []
        for family, name, members in sets:
            parts = list(parts_of(members, self.table))
            there = [part for part in parts if part in facts.parts]
            if known.issuperset(parts) and len(there) >= (1 if family == "count" else 2):
                found.append((family, name, there))
        return found

    def _group(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        sets = [one for one in self._known_sets(facts) if one[0] == "group"]
        if not sets:
            return None
        _, name, parts = rng.choice(sets)
        question = self.frame("group", facts, voice, rng).format(group=name)
        return self.reply(question, QuestionType.SEVERAL, parts, facts, rng, "several")

    def _count(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        sets = [one for one in self._known_sets(facts) if one[0] == "count"]
        if not sets:
            return None
        _, things, parts = rng.choice(sets)
        question = self.frame("count", facts, voice, rng).format(things=things)
        return self.reply(question, QuestionType.COUNTING, parts, facts, rng, "count")

    def _asymmetry(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        paired = [name for name, sides in askable(facts, self.table).items() if len(sides) == 2]
        if not paired:
            return None
        structure = self.table[rng.choice(sorted(paired))]
        name = rng.choice((f"the {structure.name}", structure.name, *structure.synonyms[:3]))
        question = self.frame("asymmetry", facts, voice, rng).format(name=name)
        parts = [(structure.id, Side.LEFT), (structure.id, Side.RIGHT)]
        return self.reply(question, QuestionType.COMPARISON, parts, facts, rng, "asymmetry")

    def _compare(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        first, second = self.pick(facts, rng), self.pick(facts, rng)
        if first is None or second is None or first[0].id == second[0].id:
            return None
        names = {
            key: self.say(*picked, facts, rng) for key, picked in (("name_a", first), ("name_b", second))
        }
        question = self.frame("compare", facts, voice, rng).format(**names)
        parts = [(s.id, side) for s, sides in (first, second) for side in sides]
        return self.reply(question, QuestionType.COMPARISON, parts, facts, rng, "compare")

    def _absent(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        """By name or by a fact: something of this region that is surely not in what is seen."""
        missing = [p for p in facts.absent if not self.table[p[0]].is_group]
        if not missing:
            return None
        part = rng.choice(sorted(missing, key=str))
        return self._of_what_is_not_there(part, facts, voice, rng)

    def _outside(self, facts: Facts, voice: str, rng: random.Random) -> Exchange | None:
        if not facts.outside:
            return None
        structure = self.table[rng.choice(facts.outside)]
        side = rng.choice((Side.LEFT, Side.RIGHT)) if structure.sided else Side.NONE
        return self._of_what_is_not_there((structure.id, side), facts, voice, rng)

    def _of_what_is_not_there(self, part: Part, facts: Facts, voice: str, rng: random.Random) -> Exchange:
        structure, side = self.table[part[0]], part[1]
        fact = self.fact_of(structure, side, rng)
        if fact is not None and rng.random() < 0.4:
            topic = with_side(rng.choice(fact.topics), side)
            question = self.frame("implicit_topic", facts, voice, rng).format(topic=topic)
            if side is not Side.NONE and not fact.sided:
                question = self.add_side(question, side, rng)
        else:
            family = "presence" if rng.random() < 0.3 else "direct"
            question = self.frame(family, facts, voice, rng).format(name=called(structure, (side,), rng))
        return self.reply(question, QuestionType.ABSENT, [part], facts, rng)

    def _unanswerable(self, facts: Facts, voice: str, rng: random.Random) -> Exchange:
        question = rng.choice(self.phrasings.stock.fitting("unanswerable", facts.region))
        return Exchange(question, self.phrasings.answer("unanswerable", rng), QuestionType.UNANSWERABLE)

    def _lesion(self, facts: Facts, voice: str, rng: random.Random) -> Exchange:
        question = rng.choice(self.phrasings.stock.fitting("lesion", facts.region))
        question = with_side(question, rng.choice((Side.LEFT, Side.RIGHT)))
        return Exchange(question, self.phrasings.answer("lesion", rng), QuestionType.UNANSWERABLE)
