"""The offline annotator: writes conversations from computed facts, the anatomy table and stock phrasings.

It invents nothing: what is there comes from the label map (`Scene`), what is known of it from the anatomy
table, how it is asked from `Resources/Prompts`. Held-out questions are kept out: an exchange that shares a
run of four words with one of them is drawn again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from MedSegRLib.anatomy import AnatomyTable, Fact, Side, Structure
from MedSegRLib.answers import visible_text

from .conversation import Exchange, Part, QuestionType, Scene, Target
from .stock import CARRIERS, PhrasingStock, carrier_words
from .whole_questions import WholeQuestions, fixes_side, names_one
from .wording import four_word_runs, in_context, listed, plain_name, rough_hand, telegram, thinned, with_side

__all__ = ["OfflineAnnotator"]

# Share of the phrasings that are drawn word by word, of the implicit questions that were written whole, of
# what is not offered likewise, and of the questions that come with words about the patient.
_ANY_WORDS, _WHOLE, _WHOLE_STRANGERS, _IN_CONTEXT = 0.3, 0.75, 0.6, 0.2
# Share of the questions that are about what is there, when not all of what is offered is.
_THERE = 0.6

_TYPES = (
    ("implicit", 90), ("direct", 24), ("several", 8), ("group", 4), ("size", 4), ("asymmetry", 3),
    ("compare", 4), ("presence", 4), ("not_offered", 18), ("unanswerable", 22), ("lesion", 4), ("help", 1),
)  # fmt: skip
_FOLLOW_TYPES = (
    ("other_side", 6), ("one_side", 4), ("other_structure", 3), ("follow_size", 2), ("follow_implicit", 4),
    ("fresh", 4),
)  # fmt: skip


class OfflineAnnotator:
    """Writes exchanges about a scene.

    Parameters
    ----------
    table
        The anatomy table.
    stock
        The phrasings.
    held_out
        Questions that neither a written question nor its answer may share a run of four words with.
    """

    def __init__(self, table: AnatomyTable, stock: PhrasingStock, held_out: Sequence[str] = ()) -> None:
        self.table, self.stock = table, stock
        self._forbidden = frozenset(run for question in held_out for run in four_word_runs(question))
        self._carriers = carrier_words(table, stock)
        self._groups = [s for s in table.structures.values() if s.is_group]
        self._whole = WholeQuestions(stock.asked)

    def converse(self, scene: Scene, turns: int, rng: random.Random) -> tuple[Exchange, ...]:
        """Write `turns` exchanges, later ones often about what earlier ones found."""
        exchanges: list[Exchange] = []
        for turn in range(turns):
            exchange = self._fresh(scene, rng) if turn == 0 else self._follow_up(scene, exchanges, rng)
            exchanges.append(exchange)
        return tuple(exchanges)

    # -- questions that stand alone

    def _fresh(self, scene: Scene, rng: random.Random) -> Exchange:
        kinds, weights = [k for k, _ in _TYPES], [w for _, w in _TYPES]
        kind = rng.choices(kinds, weights)[0]
        for _ in range(20):
            exchange: Exchange = getattr(self, f"_ask_{kind}")(scene, rng)
            question = exchange.question
            if kind != "help" and rng.random() < _IN_CONTEXT:
                question = in_context(question, self._frame("context", rng), rng)
            question = rough_hand(question, self.stock.spelling, rng)
            if not question.strip() or self._held_out(question, visible_text(exchange.answer)):
                continue
            # Words that are left out or moved may bring others together to a name.
            targets = [self.table.structures[target.structure] for target in exchange.targets]
            if kind != "implicit" or not names_one(question, targets):
                return replace(exchange, question=question)
        return self._fresh(scene, rng)

    def _ask_direct(self, scene: Scene, rng: random.Random) -> Exchange:
        structure, sides = self._pick(scene, rng)
        name = self._called(structure, sides, rng)
        question = self._frame("direct", rng, structure.region).format(name=name)
        return self._findings(
            scene, question, QuestionType.DIRECT, self._parts(structure, sides), rng, "found"
        )

    def _ask_implicit(self, scene: Scene, rng: random.Random) -> Exchange:
        structure, sides = self._pick(scene, rng)
        if structure.id in self._whole and rng.random() < _WHOLE:
            return self._ask_whole(scene, structure, sides, rng)
        facts = [f for f in structure.facts if not f.sided or len(sides) == 1]
        sided = [f for f in facts if f.sided]
        fact = rng.choice(sided) if sided and rng.random() < 0.5 else rng.choice(facts)
        side = sides[0] if len(sides) == 1 else Side.NONE
        question = self._implicit_question(structure, fact, side, facts, rng)
        if side is not Side.NONE and not fact.sided:
            question = self._add_side(question, side, rng)
        parts = self._parts(structure, sides)
        exchange = self._findings(scene, question, QuestionType.IMPLICIT, parts, rng, "named", structure)
        if any(t.present for t in exchange.targets):
            because = self._answer("because", rng).format(clause=with_side(fact.clauses[0], side))
            exchange = replace(exchange, answer=f"{exchange.answer} {because}")
        return exchange

    def _ask_whole(
        self, scene: Scene, structure: Structure, sides: tuple[Side, ...], rng: random.Random
    ) -> Exchange:
        side = sides[0] if len(sides) == 1 else Side.NONE
        question = self._whole.draw(structure.id, side is not Side.NONE, rng)
        if side is not Side.NONE and not fixes_side(question):
            question = self._add_side(question, side, rng)
        parts, question = self._parts(structure, sides), with_side(question, side)
        return self._findings(scene, question, QuestionType.IMPLICIT, parts, rng, "named", structure)

    def _implicit_question(
        self, structure: Structure, fact: Fact, side: Side, facts: Sequence[Fact], rng: random.Random
    ) -> str:
        draw = rng.random()
        clause = with_side(rng.choice(fact.clauses), side)
        topic = with_side(rng.choice(fact.topics), side)
        if draw < 0.30:
            return self._frame("implicit_clause", rng, structure.region).format(clause=clause)
        if draw < 0.56:
            return self._frame("implicit_topic", rng, structure.region).format(topic=topic)
        if draw < 0.62:
            return self._frame("keywords", rng, structure.region).format(topic=topic)
        more = [f for f in facts if f is not fact and not f.sided]
        extra = [
            with_side(rng.choice(f.clauses + f.topics), side) for f in rng.sample(more, min(2, len(more)))
        ]
        if draw < 0.74:
            second = extra[0] if extra else topic
            joined = rng.choice(("{0}; {1}", "{0}, {1}", "{1} - {0}", "{0}. {1}."))
            return self._frame(rng.choice(("implicit_topic", "keywords")), rng, structure.region).format(
                topic=joined.format(topic, second)
            )
        note = telegram([rng.choice((clause, topic)), *extra[: rng.choice((0, 0, 0, 1, 1, 2))]], rng)
        if fact.sided:
            note = f"{note}, {topic if rng.random() < 0.5 else clause}"
        if rng.random() < 0.5:
            return note
        family = rng.choice(("keywords", "implicit_topic"))
        return self._frame(family, rng, structure.region).format(topic=note)

    def _ask_several(self, scene: Scene, rng: random.Random) -> Exchange:
        count = min(rng.choice((2, 2, 2, 3)), len(scene.offered))
        if count < 2:
            return self._ask_direct(scene, rng)
        picks: list[tuple[Structure, tuple[Side, ...]]] = []
        while len(picks) < count:
            pick = self._pick(scene, rng)
            if all(pick[0].id != other.id for other, _ in picks):
                picks.append(pick)
        names = [self._called(s, sides, rng) for s, sides in picks]
        text = ", ".join(names[:-1]) + rng.choice((" and ", " and ", ", ", " + ")) + names[-1]
        parts = [p for s, sides in picks for p in self._parts(s, sides)]
        question = self._frame("several", rng).format(names=text)
        return self._findings(scene, question, QuestionType.SEVERAL, parts, rng, "several")

    def _ask_group(self, scene: Scene, rng: random.Random) -> Exchange:
        groups = [g for g in self._groups if g.members and all(m in scene.offered for m in g.members)]
        if not groups:
            return self._ask_several(scene, rng)
        group = rng.choice(groups)
        sides: tuple[Side, ...] = (Side.LEFT, Side.RIGHT)
        question = self._frame("group", rng).format(group=rng.choice(group.wordings[:4]))
        if rng.random() < 0.2 and group.sided:
            sides = (rng.choice(sides),)
            question = self._add_side(question, sides[0], rng)
        parts = [p for m in group.members for p in self._parts(self.table.structures[m], sides)]
        return self._findings(scene, question, QuestionType.SEVERAL, parts, rng, "several")

    def _ask_size(self, scene: Scene, rng: random.Random) -> Exchange:
        structure, sides = self._pick(scene, rng)
        question = self._frame("size", rng).format(name=self._called(structure, sides, rng))
        return self._findings(scene, question, QuestionType.SIZE, self._parts(structure, sides), rng, "size")

    def _ask_asymmetry(self, scene: Scene, rng: random.Random) -> Exchange:
        sided = [name for name in scene.offered if self.table.structures[name].sided]
        if not sided:
            return self._ask_size(scene, rng)
        structure = self.table.structures[rng.choice(sided)]
        question = self._frame("asymmetry", rng).format(name=plain_name(structure, rng))
        parts = self._parts(structure, (Side.LEFT, Side.RIGHT))
        return self._findings(scene, question, QuestionType.COMPARISON, parts, rng, "asymmetry")

    def _ask_compare(self, scene: Scene, rng: random.Random) -> Exchange:
        a, b = self._pick(scene, rng), self._pick(scene, rng)
        if a[0].id == b[0].id:
            return self._ask_asymmetry(scene, rng)
        question = self._frame("compare", rng).format(
            name_a=self._called(*a, rng), name_b=self._called(*b, rng)
        )
        parts = [*self._parts(*a), *self._parts(*b)]
        return self._findings(scene, question, QuestionType.COMPARISON, parts, rng, "compare")

    def _ask_presence(self, scene: Scene, rng: random.Random) -> Exchange:
        structure, sides = self._pick(scene, rng)
        question = self._frame("presence", rng).format(name=self._called(structure, sides, rng))
        parts = self._parts(structure, sides)
        return self._findings(scene, question, QuestionType.PRESENCE, parts, rng, "found")

    def _ask_not_offered(self, scene: Scene, rng: random.Random) -> Exchange:
        others = [s for s in self.table.structures.values() if s.id not in scene.offered and not s.is_group]
        if rng.random() < _WHOLE_STRANGERS:
            whole = [self.stock.asked[s.id] for s in others if s.id in self._whole]
            asked = rng.choice(whole) if whole and rng.random() < 0.5 else self.stock.questions["not_offered"]
            question = with_side(rng.choice(asked), rng.choice((Side.LEFT, Side.RIGHT)))
            question = thinned(question, rng.choice((0.0, 0.15, 0.3)), rng)
            return Exchange(question, self._answer("not_offered", rng), QuestionType.NOT_OFFERED)
        structure = rng.choice(others)
        name = rng.choice((structure.name, structure.name, *structure.synonyms[:6]))
        if rng.random() < 0.7 or not structure.facts:
            question = self._frame("direct", rng).format(name=f"{rng.choice(('the ', ''))}{name}")
        else:
            fact = rng.choice([f for f in structure.facts if not f.sided] or list(structure.facts))
            side = rng.choice((Side.LEFT, Side.RIGHT))
            question = self._frame("implicit_topic", rng).format(
                topic=with_side(rng.choice(fact.topics), side)
            )
        return Exchange(question, self._answer("not_offered", rng), QuestionType.NOT_OFFERED)

    def _ask_unanswerable(self, scene: Scene, rng: random.Random) -> Exchange:
        question = thinned(self._frame("unanswerable", rng), rng.choice((0.0, 0.0, 0.15)), rng)
        return Exchange(question, self._answer("unanswerable", rng), QuestionType.UNANSWERABLE)

    def _ask_lesion(self, scene: Scene, rng: random.Random) -> Exchange:
        question = with_side(self._frame("lesion", rng), rng.choice((Side.LEFT, Side.RIGHT)))
        return Exchange(question, self._answer("lesion", rng), QuestionType.UNANSWERABLE)

    def _ask_help(self, scene: Scene, rng: random.Random) -> Exchange:
        return Exchange(self._frame("help", rng), self._answer("help", rng), QuestionType.HELP)

    # -- questions that lean on earlier ones

    def _follow_up(self, scene: Scene, earlier: Sequence[Exchange], rng: random.Random) -> Exchange:
        last = earlier[-1].targets
        structures = {t.structure for t in last}
        kinds, weights = [k for k, _ in _FOLLOW_TYPES], [w for _, w in _FOLLOW_TYPES]
        kind = rng.choices(kinds, weights)[0]
        single = len(last) == 1 and last[0].side is not Side.NONE
        paired = len(last) == 2 and len(structures) == 1
        fits = {"other_side": single, "one_side": paired}.get(kind, True)
        if kind == "fresh" or not last or not fits:
            return self._fresh(scene, rng)
        if kind == "other_side":
            parts = [(last[0].structure, last[0].side.other)]
            question, style = self._frame("follow_other_side", rng), "found"
        elif kind == "one_side":
            side = rng.choice((Side.LEFT, Side.RIGHT))
            parts = [(last[0].structure, side)]
            question, style = self._frame("follow_one_side", rng).format(side=side.value), "found"
        elif kind == "follow_size":
            parts = [(t.structure, t.side) for t in last]
            question, style = self._frame("follow_size", rng), "size"
        else:
            structure, sides = self._pick(scene, rng)
            if structure.id in structures:
                return self._fresh(scene, rng)
            parts = self._parts(structure, sides)
            if kind == "other_structure":
                name = self._called(structure, sides, rng)
                question, style = self._frame("follow_other_structure", rng).format(name=name), "found"
            else:
                facts = [f for f in structure.facts if not f.sided]
                fact = rng.choice(facts)
                question = self._frame("follow_implicit", rng).format(
                    clause=rng.choice(fact.clauses), topic=rng.choice(fact.topics)
                )
                if len(sides) == 1 and sides[0] is not Side.NONE:
                    question = self._add_side(question, sides[0], rng)
                exchange = self._findings(
                    scene, question, QuestionType.FOLLOW_UP, parts, rng, "named", structure
                )
                if any(t.present for t in exchange.targets):
                    because = self._answer("because", rng).format(clause=fact.clauses[0])
                    exchange = replace(exchange, answer=f"{exchange.answer} {because}")
                return self._kept(exchange, scene, earlier, rng)
        exchange = self._findings(scene, question, QuestionType.FOLLOW_UP, parts, rng, style)
        exchange = replace(exchange, question=rough_hand(exchange.question, self.stock.spelling, rng))
        return self._kept(exchange, scene, earlier, rng)

    def _kept(
        self, exchange: Exchange, scene: Scene, earlier: Sequence[Exchange], rng: random.Random
    ) -> Exchange:
        """A follow-up, or another one in the place of one that is held out."""
        if self._held_out(exchange.question, visible_text(exchange.answer)):
            return self._follow_up(scene, earlier, rng)
        return exchange

    def _held_out(self, *texts: str) -> bool:
        return any(four_word_runs(text) & self._forbidden for text in texts)

    # -- answers

    def _findings(
        self,
        scene: Scene,
        question: str,
        question_type: QuestionType,
        parts: Sequence[Part],
        rng: random.Random,
        style: str,
        named: Structure | None = None,
    ) -> Exchange:
        """Answer with the parts that are there; name those that are not."""
        targets = [
            Target(
                self.table.structures[s].side_name(side), s, side, scene.present_ml.get((s, side), 0.0) > 0
            )
            for s, side in parts
        ]
        found, missing = [t for t in targets if t.present], [t for t in targets if not t.present]
        sentences = []
        if found:
            mentions = listed([f"<p>{t.phrase}</p>[SEG]" for t in found])
            if style == "named" and named is not None:
                sentences.append(self._answer("found_named", rng).format(name=named.name, mentions=mentions))
            else:
                family = style if style in ("size", "asymmetry", "compare") else "found_one"
                if family == "found_one" and len(found) > 1:
                    family = "found_several"
                sentences.append(self._answer(family, rng).format(mentions=mentions))
        if missing:
            mentions = listed([f"<p>{t.phrase}</p>[REJ]" for t in missing])
            if all(self.table.structures[t.structure].region != scene.region for t in missing):
                seen = scene.region.replace("_", " and ")
                sentence = self._answer("absent_region", rng).format(mentions=mentions, region_seen=seen)
            else:
                sentence = self._answer("absent", rng).format(mentions=mentions)
            sentences.append(sentence)
            if not found:
                question_type = QuestionType.ABSENT
        return Exchange(question, " ".join(sentences), question_type, (*found, *missing))

    def _answer(self, family: str, rng: random.Random) -> str:
        """An answer frame; the first is the usual one, since a small model should not hesitate in words."""
        frames = self.stock.answers[family]
        return frames[0] if rng.random() < 0.75 else rng.choice(frames[:3])

    # -- small choices

    def _frame(self, family: str, rng: random.Random, region: str = "brain") -> str:
        """A phrasing; now and then one of any words, since nobody knows how the next person will ask."""
        frame = rng.choice(self.stock.fitting(family, region))
        slots = re.findall(r"\{(\w+)\}", frame)
        if family in CARRIERS and len(slots) == 1 and rng.random() < _ANY_WORDS:
            before = rng.choices(self._carriers, k=rng.randrange(5))
            after = rng.choices(self._carriers, k=rng.randrange(4))
            frame = " ".join((*before, f"{{{slots[0]}}}", *after))
        return frame

    def _pick(self, scene: Scene, rng: random.Random) -> tuple[Structure, tuple[Side, ...]]:
        there = {name for name, _ in scene.present_ml}
        near = [name for name in scene.offered if name in there]
        among = near if near and rng.random() < _THERE else scene.offered
        structure = self.table.structures[rng.choice(among)]
        if not structure.sided:
            return structure, (Side.NONE,)
        draw = rng.random()
        if draw < 0.55:
            return structure, (Side.LEFT, Side.RIGHT)
        return structure, (rng.choice((Side.LEFT, Side.RIGHT)),)

    @staticmethod
    def _parts(structure: Structure, sides: Sequence[Side]) -> list[Part]:
        return [(structure.id, s) for s in sides] if structure.sided else [(structure.id, Side.NONE)]

    def _called(self, structure: Structure, sides: Sequence[Side], rng: random.Random) -> str:
        """A name with its side in one of the ways people write it."""
        name = plain_name(structure, rng)
        if len(sides) == 2:
            plural = structure.plural if name == structure.name else name
            return self._frame("both_sides", rng).format(name=name, plural=plural)
        side = sides[0]
        if side is Side.NONE:
            return rng.choice((f"the {name}", name))
        word, short = side.value, side.value[0].upper()
        forms = (
            f"the {word} {name}", f"{word} {name}", f"{name} {word}", f"the {name} on the {word}",
            f"{short} {name}", f"the patient's {word} {name}", f"{word}-sided {name}", f"{name} ({word})",
            f"{word} side {name}",
        )  # fmt: skip
        return rng.choice(forms)

    def _add_side(self, question: str, side: Side, rng: random.Random) -> str:
        suffix = self._frame("side_suffix", rng).format(side=side.value)
        text = question.rstrip()
        if suffix[:1] in ",(" or suffix[:2] in (" (", " -", " –"):
            text = text.rstrip(".?!")
        return f"{text} {suffix.strip()}" if suffix[:1] != "," else f"{text}{suffix}"
