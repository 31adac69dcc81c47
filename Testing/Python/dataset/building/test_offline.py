"""The offline annotator for any region: every kind of question, nothing that the facts do not hold."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections import Counter
from dataclasses import replace

import pytest

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.answers import Mention, parse, visible_text
from MedSegRLib.dataset.building.annotator import UnusableConversation
from MedSegRLib.dataset.building.checks import Check, Checker
from MedSegRLib.dataset.building.describing import appearances, direction, locations, neighbour
from MedSegRLib.dataset.building.facts import Facts
from MedSegRLib.dataset.building.naming import askable, phrase_of
from MedSegRLib.dataset.building.offline import RegionAnnotator
from MedSegRLib.dataset.building.phrasings import VOICES, load_phrasings
from MedSegRLib.dataset.conversation import Exchange, QuestionType
from MedSegRLib.imaging import Plane
from MedSegRLib.resources import resource_path

from .conftest import PARTS, L, N, R

WRITTEN = 400


@pytest.fixture(scope="module")
def written(annotator: RegionAnnotator, facts: Facts) -> list[tuple[Exchange, ...]]:
    return [annotator.converse(facts, 3, random.Random(f"t/{n}")) for n in range(WRITTEN)]


def test_every_kind_of_question_is_asked_about_a_belly(written: list[tuple[Exchange, ...]]) -> None:
    kinds = Counter(exchange.question_type for talk in written for exchange in talk)
    # What a model was not taught is no fact about a scan, and help is no question about it.
    assert set(kinds) == set(QuestionType) - {QuestionType.NOT_OFFERED, QuestionType.HELP}
    negative = sum(kinds[k] for k in (QuestionType.ABSENT, QuestionType.OUTSIDE, QuestionType.UNANSWERABLE))
    assert 0.15 < negative / (3 * WRITTEN) < 0.5 and kinds[QuestionType.IMPLICIT] > 200


def test_mentions_are_the_targets_and_no_markup_or_slot_is_left(
    written: list[tuple[Exchange, ...]], facts: Facts, table: AnatomyTable
) -> None:
    for exchange in (exchange for talk in written for exchange in talk):
        mentions = [(m.phrase, m.found) for m in parse(exchange.answer) if isinstance(m, Mention)]
        assert mentions == [(t.phrase, t.present) for t in exchange.targets], exchange
        assert not re.search(r"[{}]|</?p>|\[SEG|\[REJ", exchange.question + visible_text(exchange.answer))
        for target in exchange.targets:
            found = table.lookup(target.phrase)
            assert found is not None and (found[0].id, found[1]) == (target.structure, target.side)
            assert target.present == ((target.structure, target.side) in facts.parts)


def test_nothing_is_said_of_what_nobody_drew(written: list[tuple[Exchange, ...]], facts: Facts) -> None:
    known = set(facts.parts) | set(facts.absent)
    for target in (t for talk in written for exchange in talk for t in exchange.targets):
        assert (target.structure, target.side) in known or target.structure in facts.outside
        assert target.structure != "pancreas"


def test_almost_all_that_it_writes_passes_the_checks(
    written: list[tuple[Exchange, ...]], facts: Facts, table: AnatomyTable
) -> None:
    checker = Checker(table)
    failures = [failure for talk in written for failure in checker.failures(talk, facts)]
    assert len(failures) < 0.03 * WRITTEN
    assert {failure.check for failure in failures} <= {Check.LEAK, Check.DUPLICATE}


def test_the_same_seed_writes_the_same(annotator: RegionAnnotator, facts: Facts) -> None:
    first, second = (annotator.converse(facts, 4, random.Random(5)) for _ in range(2))
    assert first == second != annotator.converse(facts, 4, random.Random(6))


def test_follow_ups_lean_on_what_was_shown_before(written: list[tuple[Exchange, ...]]) -> None:
    other_sides = 0
    for talk in written:
        assert talk[0].question_type is not QuestionType.FOLLOW_UP
        for before, after in itertools.pairwise(talk):
            if after.question_type is QuestionType.FOLLOW_UP:
                assert any(t.present for t in before.targets)
                sides = [(t.structure, t.side.other) for t in before.targets]
                other_sides += [(t.structure, t.side) for t in after.targets] == sides
    assert other_sides > 5


def test_a_scan_of_a_single_structure_gives_conversations_too(
    annotator: RegionAnnotator, facts: Facts
) -> None:
    ball = replace(facts.parts["liver", N], touches=())
    alone = Facts("heart", "MR", Plane.AXIAL, {("heart_left_ventricle", N): ball})
    talks = [annotator.converse(alone, 2, random.Random(n)) for n in range(50)]
    assert {t.structure for talk in talks for e in talk for t in e.targets} == {"heart_left_ventricle"}


def test_facts_without_any_part_give_only_what_needs_none(annotator: RegionAnnotator) -> None:
    nothing = Facts("heart", "MR", Plane.AXIAL, {})
    talks = [annotator.converse(nothing, 1, random.Random(n)) for n in range(20)]
    assert {e.question_type for talk in talks for e in talk} == {QuestionType.UNANSWERABLE}


def test_an_annotator_without_a_question_left_says_so(
    annotator: RegionAnnotator, monkeypatch: pytest.MonkeyPatch, facts: Facts
) -> None:
    monkeypatch.setattr(annotator, "_fresh", lambda *_, **__: None)
    with pytest.raises(UnusableConversation, match="The facts give no question; leave this scan out"):
        annotator.converse(facts, 1, random.Random(0))


def test_directions_are_the_patients(facts: Facts, table: AnatomyTable) -> None:
    liver, kidney = facts.parts["liver", N], facts.parts["kidney", R]
    assert direction(kidney, liver, None) == (1, -1) and direction(liver, kidney, None) == (1, 1)
    assert direction(facts.parts["kidney", L], kidney, None) == (0, -1)
    # In a coronal slice nobody sees what is behind what.
    assert direction(kidney, liver, 1) == (2, -1)
    assert locations(("kidney", R), facts, table) == ["the structure directly behind the liver"]
    assert locations(("kidney", L), facts, table) == []
    assert neighbour(("liver", N), (1, -1), facts, table) == ("kidney", R)
    assert neighbour(("liver", N), (1, 1), facts, table) is None


def test_looks_are_told_beside_what_is_touched(facts: Facts, table: AnatomyTable) -> None:
    # The kidney has 140, the liver 90; the kidney's box is as wide as deep.
    assert appearances(("kidney", R), facts, table) == [
        "the bright, round structure directly behind the liver"
    ]
    assert appearances(("liver", N), facts, table) == [
        "the dark, round structure directly in front of the right kidney"
    ]
    assert appearances(("kidney", L), facts, table) == []
    alike = {part: replace(one, mean_intensity=90.0) for part, one in facts.parts.items()}
    assert appearances(("kidney", R), replace(facts, parts=alike), table) == []


def test_two_kidneys_drawn_as_one_are_called_kidneys(facts: Facts, table: AnatomyTable) -> None:
    both = {("kidney", N): facts.parts["kidney", L]}
    assert phrase_of(("kidney", N), Facts("abdomen", "CT", Plane.AXIAL, both), table) == "kidney"
    both = {("kidney", N): replace(facts.parts["kidney", L], pieces=2)}
    assert phrase_of(("kidney", N), Facts("abdomen", "CT", Plane.AXIAL, both), table) == "kidneys"
    assert phrase_of(("rib", Side.LEFT), facts, table) == "left ribs"


def test_a_whole_whose_members_are_drawn_is_not_asked_for(facts: Facts, table: AnatomyTable) -> None:
    one = facts.parts["liver", N]
    parts = {("vertebra", N): one, ("vertebra_l1", N): one}
    assert set(askable(Facts("spine", "MR", Plane.SAGITTAL, parts), table)) == {"vertebra_l1"}
    assert set(askable(Facts("spine", "MR", Plane.SAGITTAL, {("vertebra", N): one}), table)) == {"vertebra"}


def test_frames_of_the_voices_have_the_slots_that_are_filled() -> None:
    slots = {
        "direct": "name", "implicit_clause": "clause", "implicit_topic": "topic", "size": "name",
        "description": "description", "several": "names", "group": "group", "count": "things",
        "asymmetry": "name", "presence": "name", "one_side": "side", "follow_name": "name",
        "follow_neighbour": "direction", "other_side": "", "follow_size": "",
    }  # fmt: skip
    voices = load_phrasings().voices
    assert set(voices) == set(VOICES) and len({frozenset(families) for families in voices.values()}) == 1
    for families in voices.values():
        for family, slot in slots.items():
            for frame in families[family]:
                assert re.findall(r"\{(\w+)\}", frame) == ([slot] if slot else []), frame
        for frame in families["compare"]:
            assert sorted(re.findall(r"\{(\w+)\}", frame)) == ["name_a", "name_b"], frame


def test_no_frame_for_a_belly_speaks_of_the_brain() -> None:
    phrasings = load_phrasings()
    for family in ("direct", "implicit_clause", "unanswerable", "presence"):
        frames = phrasings.stock.fitting(family, "abdomen")
        assert frames and not [f for f in frames if re.search(r"\b(brain|skull|hemisphere)\b", f.lower())]
        assert len(frames) < len(phrasings.stock.fitting(family, "brain"))


def test_all_that_can_be_counted_is_in_the_table(table: AnatomyTable) -> None:
    path = resource_path("Prompts", "annotate", "offline.json")
    for entry in json.loads(path.read_text(encoding="utf-8"))["countable"]:
        assert all(member in table and not table[member].is_group for member in entry["members"])


def test_the_belly_of_these_tests_is_what_it_says(facts: Facts) -> None:
    assert set(facts.parts) == set(PARTS)
