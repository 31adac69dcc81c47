"""The annotator: answers that parse into their targets, questions of its own, and nothing told by name."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator

import pytest

from MedSegRLib.anatomy import AnatomyTable, Side, load_table
from MedSegRLib.answers import Mention, parse, visible_text
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.conversation import Exchange, QuestionType, Scene
from MedSegRLib.dataset.scene import parts_of
from MedSegRLib.dataset.stock import load_stock
from MedSegRLib.dataset.whole_questions import PART_NAMES
from MedSegRLib.dataset.wording import four_word_runs, rough_hand, telegram, thinned, tumbled, words
from MedSegRLib.evaluation.development import development_questions
from MedSegRLib.resources import resource_path

from .conftest import brain_structures, held_out_questions

TABLE = load_table()


def scene(region: str = "brain", without: tuple[tuple[str, Side], ...] = ()) -> Scene:
    offered = brain_structures()
    parts = parts_of(offered, TABLE) if region == "brain" else ()
    return Scene(region, offered, {part: 1.0 for part in parts if part not in without})


def conversations(
    annotator: OfflineAnnotator, where: Scene, count: int, turns: int = 2
) -> Iterator[tuple[Exchange, ...]]:
    for number in range(count):
        yield annotator.converse(where, turns, random.Random(f"test/{number}"))


SCENES = {
    "whole brain": scene(),
    "half brain": scene(without=tuple(p for p in parts_of(brain_structures(), TABLE) if p[1] is Side.LEFT)),
    "abdomen": scene("abdomen"),
}


@pytest.mark.parametrize(
    "offered", [("brainstem",), ("hippocampus",), ("brainstem", "hippocampus")], ids=" and ".join
)
def test_a_model_of_few_structures_is_taught_of_those(
    annotator: OfflineAnnotator, offered: tuple[str, ...]
) -> None:
    where = Scene("brain", offered, {part: 1.0 for part in parts_of(offered, TABLE)})
    asked = {t.structure for talk in conversations(annotator, where, 400, 3) for e in talk for t in e.targets}
    assert asked == set(offered)


@pytest.mark.parametrize("where", SCENES.values(), ids=SCENES.keys())
def test_mentions_are_the_targets_in_order(annotator: OfflineAnnotator, where: Scene) -> None:
    kinds = set()
    for exchanges in conversations(annotator, where, 1500):
        for exchange in exchanges:
            mentions = [(p.phrase, p.found) for p in parse(exchange.answer) if isinstance(p, Mention)]
            assert mentions == [(t.phrase, t.present) for t in exchange.targets], exchange
            visible = visible_text(exchange.answer)
            assert not re.search(r"[{}]|\[(SEG|REJ)\]|</?p>", exchange.question + visible), exchange
            assert exchange.question.strip() and visible.strip()
            for target in exchange.targets:
                found = TABLE.lookup(target.phrase)
                assert found is not None and (found[0].id, found[1]) == (target.structure, target.side)
                assert target.present == ((target.structure, target.side) in where.present_ml)
            kinds.add(exchange.question_type)
    if where.region == "brain":
        # Where all parts are there nothing is absent; in a half brain everything can happen.
        missing = {QuestionType.ABSENT} if where is SCENES["whole brain"] else set()
        # Asked by the annotator for any region alone.
        missing |= {QuestionType.COUNTING, QuestionType.OUTSIDE}
        assert kinds == set(QuestionType) - missing


def test_absent_parts_are_rejected_and_present_ones_found_beside_them(annotator: OfflineAnnotator) -> None:
    mixed = 0
    for (exchange,) in conversations(annotator, SCENES["half brain"], 1500, turns=1):
        for target in exchange.targets:
            tag = "[REJ]" if target.side is Side.LEFT else "[SEG]"
            assert f"<p>{target.phrase}</p>{tag}" in exchange.answer
        mixed += {t.present for t in exchange.targets} == {True, False}
    assert mixed > 100


def test_nothing_of_the_brain_is_found_in_an_abdomen(annotator: OfflineAnnotator) -> None:
    for (exchange,) in conversations(annotator, SCENES["abdomen"], 800, turns=1):
        assert "[SEG]" not in exchange.answer
        if exchange.targets:
            assert exchange.question_type is QuestionType.ABSENT and "abdomen" in exchange.answer


def test_what_is_there_is_asked_for_more_often_than_all_that_is_offered(annotator: OfflineAnnotator) -> None:
    offered = (*SCENES["whole brain"].offered, "liver")
    abdomen = Scene("abdomen", offered, {("liver", Side.NONE): 900.0})
    talks = conversations(annotator, abdomen, 800, turns=1)
    found = [any(t.structure == "liver" for t in e.targets) for (e,) in talks if e.targets]
    assert 0.5 < sum(found) / len(found) < 0.8


def test_a_part_of_another_region_is_said_not_to_be_in_a_scan_of_this_one(
    annotator: OfflineAnnotator,
) -> None:
    offered = ("liver", "hippocampus", "brainstem")
    head = Scene("brain", offered, {("brainstem", Side.NONE): 9.0, ("hippocampus", Side.LEFT): 1.0})
    said: dict[frozenset[str], list[bool]] = {}
    for (exchange,) in conversations(annotator, head, 600, turns=1):
        missing = frozenset(t.structure for t in exchange.targets if not t.present)
        if missing and not any(t.present for t in exchange.targets):
            said.setdefault(missing, []).append("the brain" in exchange.answer)
    assert all(said[frozenset({"liver"})])
    assert not any(said[frozenset({"hippocampus"})]), "of its own region it is only missing"


def test_some_phrasings_are_of_any_words_but_of_none_that_means_a_thing(annotator: OfflineAnnotator) -> None:
    assert len(annotator._carriers) > 200
    named = {word for s in TABLE for name in (s.plural, *s.wordings) for word in words(name)}
    assert not set(annotator._carriers) & (named | {"left", "right", "both", "other", "not"})
    stock = set(load_stock().questions["direct"])
    rng = random.Random(0)
    drawn = [annotator._frame("direct", rng) for _ in range(1000)]
    own = [frame for frame in drawn if frame not in stock]
    assert 200 < len(own) < 400 and all(frame.count("{name}") == 1 for frame in own)
    assert all(annotator._frame("size", rng) in load_stock().questions["size"] for _ in range(200))


def test_nothing_written_shares_four_words_with_a_held_out_question(annotator: OfflineAnnotator) -> None:
    held_out = {run for question in held_out_questions() for run in four_word_runs(question)}
    assert len(held_out) > 2000
    asked = 0
    for exchanges in conversations(annotator, SCENES["whole brain"], 10_000):
        for exchange in exchanges:
            assert not (four_word_runs(exchange.question) & held_out), exchange.question
            told = visible_text(exchange.answer)
            assert not (four_word_runs(told) & held_out), told
            asked += 1
    assert asked == 20_000


def test_a_held_out_question_is_never_asked_even_if_it_is_a_likely_one() -> None:
    free = OfflineAnnotator(TABLE, load_stock())
    likely = [e.question for (e,) in conversations(free, SCENES["whole brain"], 300, turns=1)]
    likely = [q for q in likely if len(words(q)) >= 4]
    strict = OfflineAnnotator(TABLE, load_stock(), likely)
    asked = [e.question for (e,) in conversations(strict, SCENES["whole brain"], 300, turns=1)]
    forbidden = {run for q in likely for run in four_word_runs(q)}
    assert not any(four_word_runs(q) & forbidden for q in asked)


def test_the_other_side_is_the_other_side(annotator: OfflineAnnotator) -> None:
    frames = {tuple(words(frame)) for frame in load_stock().questions["follow_other_side"]}
    seen = 0
    for first, second in conversations(annotator, SCENES["whole brain"], 6000):
        if tuple(words(second.question)) in frames and second.question_type is QuestionType.FOLLOW_UP:
            (before,), (after,) = first.targets, second.targets
            assert before.structure == after.structure and after.side is before.side.other is not Side.NONE
            seen += 1
    assert seen > 100


def test_the_same_seed_writes_the_same(annotator: OfflineAnnotator) -> None:
    where = SCENES["half brain"]
    one = [annotator.converse(where, 3, random.Random(n)) for n in range(50)]
    assert one == [annotator.converse(where, 3, random.Random(n)) for n in range(50)]
    assert one != [annotator.converse(where, 3, random.Random(n + 1)) for n in range(50)]


def telling(table: AnatomyTable) -> dict[str, re.Pattern[str]]:
    """What gives a structure away: its name, plural and synonyms as whole words."""
    return {
        structure.id: re.compile(
            r"(?<![\w-])(?:" + "|".join(
                re.escape(w.lower())
                for w in (structure.name, structure.plural, *structure.synonyms)
                if w.lower() not in PART_NAMES
            ) + r")(?![\w-])"
        )
        for structure in table
    }  # fmt: skip


def test_no_fact_names_its_own_structure() -> None:
    patterns = telling(TABLE)
    told = [
        (name, text)
        for name in brain_structures()
        for fact in TABLE[name].facts
        for text in (*fact.clauses, *fact.topics)
        if patterns[name].search(text.lower())
    ]
    assert told == []


def test_no_question_written_whole_names_its_structure_or_a_side_that_is_not_meant() -> None:
    patterns, asked = telling(TABLE), load_stock().asked
    assert set(brain_structures()) <= set(asked) <= set(TABLE.structures)
    every = [question.lower() for questions in asked.values() for question in questions]
    assert len(set(every)) == len(every) > 15_000, "nothing means two structures"
    for name, questions in asked.items():
        assert len(set(questions)) == len(questions) >= (500 if name in brain_structures() else 60)
        for question in questions:
            assert not patterns[name].search(question.lower()), question
            rest = question.replace("{side}", "").replace("{other}", "")
            assert not set("{}") & set(rest) and question.strip() == question, question
            if TABLE[name].sided:
                assert not {"left", "right"} & set(words(rest)), question
            else:
                assert rest == question


def test_no_question_written_whole_shares_four_words_with_one_that_judges() -> None:
    """Neither with a held-out one nor with one that the model is tuned on."""
    regions = resource_path("Evaluation", "development_questions_regions.jsonl").read_text(encoding="utf-8")
    tuning = [*development_questions(), *map(json.loads, regions.splitlines())]
    judging = [*held_out_questions(), *(entry["question"] for entry in tuning)]
    runs = {run for question in judging for run in four_word_runs(question)}
    stock = load_stock()
    families = (stock.questions[name] for name in ("unanswerable", "lesion", "not_offered"))
    for question in (*itertools.chain(*stock.asked.values()), *itertools.chain(*families)):
        for side in (Side.LEFT, Side.RIGHT):
            text = question.replace("{side}", side.value).replace("{other}", side.other.value)
            assert not (four_word_runs(text) & runs), question


def test_a_question_written_whole_asks_for_the_side_that_it_fixes(annotator: OfflineAnnotator) -> None:
    """A loss of pain in the right arm is one of the left thalamus."""
    rng, sides = random.Random(5), (Side.LEFT,)
    asked = [annotator._ask_whole(SCENES["whole brain"], TABLE["thalamus"], sides, rng) for _ in range(300)]
    assert all([(t.structure, t.side) for t in e.targets] == [("thalamus", Side.LEFT)] for e in asked)
    assert sum("right" in words(e.question) for e in asked) > 20
    assert all({"left", "right"} & set(words(e.question)) for e in asked)
    both = annotator._ask_whole(SCENES["whole brain"], TABLE["thalamus"], (Side.LEFT, Side.RIGHT), rng)
    assert {t.side for t in both.targets} == {Side.LEFT, Side.RIGHT}


def test_no_implicit_question_names_its_target(annotator: OfflineAnnotator) -> None:
    patterns = telling(TABLE)
    told, implicit = [], 0
    for (exchange,) in conversations(annotator, SCENES["whole brain"], 6000, turns=1):
        if exchange.question_type is QuestionType.IMPLICIT:
            implicit += 1
            targets = {t.structure for t in exchange.targets}
            told += [(t, exchange.question) for t in targets if patterns[t].search(exchange.question.lower())]
    assert implicit > 2000
    assert told == []


def test_an_organ_of_the_belly_is_not_asked_for_as_a_part_of_the_brain(annotator: OfflineAnnotator) -> None:
    rng, spleen = random.Random(2), TABLE["spleen"]
    facts = [fact for fact in spleen.facts if "brain" not in " ".join((*fact.clauses, *fact.topics))]
    asked = [annotator._implicit_question(spleen, facts[0], Side.NONE, facts, rng) for _ in range(600)]
    assert not [question for question in asked if "brain" in words(question)]


def test_runs_of_four_words_ignore_case_and_punctuation() -> None:
    assert four_word_runs("Which one, please - shrinks?") == four_word_runs("which ONE please shrinks")
    assert four_word_runs("only three words") == set()


def test_telegrams_use_only_the_words_of_their_phrases() -> None:
    phrases = ["is the first to shrink in dementia", "memory of recent events"]
    for seed in range(200):
        text = telegram(phrases, random.Random(seed))
        assert 1 <= len(text.split()) <= 14 and set(text.split()) <= set(" ".join(phrases).split())


def test_a_rough_hand_keeps_most_of_a_text() -> None:
    text = "Please outline the left hippocampus on this scan."
    written = [rough_hand(text, {"hippocampus": ["hipocampus"]}, random.Random(n)) for n in range(500)]
    assert len(set(written)) > 50 and written.count(text) > 20
    assert any("hipocampus" in w for w in written)
    assert all(len(words(w)) >= 4 and abs(len(w) - len(text)) <= 20 for w in written)


def test_thinned_words_are_some_of_the_words_in_their_order_and_slots_stay() -> None:
    text = "the {side} one of two grey eggs that guard the gate to the {other} hand"
    rng, lost = random.Random(0), 0
    for _ in range(200):
        left = thinned(text, 0.3, rng).split()
        rest = iter(text.split())
        assert all(word in rest for word in left)
        assert " ".join(left).count("{side} one") == " ".join(left).count("{other} hand") == 1
        lost += len(text.split()) - len(left)
    assert 0.2 < lost / 200 / (len(text.split()) - 4) < 0.4
    assert thinned(text, 0.0, rng) == text and thinned("pons", 0.9, rng) == "pons"


def test_tumbled_words_are_words_of_the_texts_without_their_marks() -> None:
    texts, rng = ("Grey eggs, two!", "(Guard) the gate."), random.Random(0)
    found = [tumbled(texts, rng).split() for _ in range(100)]
    assert {word for one in found for word in one} == {"Grey", "eggs", "two", "Guard", "the", "gate"}
    assert all(len(set(one)) == len(one) > 0 for one in found) and len({tuple(one) for one in found}) > 50
