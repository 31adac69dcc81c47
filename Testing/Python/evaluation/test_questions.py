"""The judge's own questions are in other words than the generator of the training text writes."""

from __future__ import annotations

import random
import re
from functools import cache

import pytest

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.stock import load_stock
from MedSegRLib.dataset.wording import words
from MedSegRLib.evaluation.asking import Reply
from MedSegRLib.evaluation.structures16 import load_protocol
from MedSegRLib.evaluation.suites import written_questions

TABLE, STOCK = load_table(), load_stock()


@cache
def names() -> frozenset[str]:
    """How the generator may call the 29 parts and the 16 structures."""
    annotator, rng = OfflineAnnotator(TABLE, STOCK), random.Random(0)
    called = set()
    for structure, side in load_protocol("freesurfer").parts:
        choices = [(side,)] if side is Side.NONE else [(side,), (Side.LEFT, Side.RIGHT)]
        for sides in choices:
            for _ in range(1500):
                called.add(" ".join(words(annotator._called(TABLE[structure], sides, rng))))
    return frozenset(called)


@cache
def frames() -> tuple[re.Pattern[str], ...]:
    """The generator's frames, with a group where it puts a name."""
    made = []
    for frame in (frame for family in STOCK.questions.values() for frame in family):
        if frame.count("{name}") == 1:
            before, after = (" ".join(words(re.sub(r"\{\w+\}", "", part))) for part in frame.split("{name}"))
            # Some frames go on within the word: "{name}'s".
            made.append(re.compile(f"{re.escape(before)} ?(.+?) ?{re.escape(after)}"))
    return tuple(made)


def could_be_generated(question: str) -> bool:
    asked = " ".join(words(question))
    matches = (frame.fullmatch(asked) for frame in frames())
    return any(match.group(1) in names() for match in matches if match)


def test_a_question_of_the_generator_is_recognised() -> None:
    annotator, rng = OfflineAnnotator(TABLE, STOCK), random.Random(1)
    recognised = 0
    for _ in range(50):
        name = annotator._called(TABLE["hippocampus"], (Side.LEFT,), rng)
        recognised += could_be_generated(rng.choice(STOCK.questions["direct"]).format(name=name))
    assert recognised > 45


@pytest.mark.parametrize("question", written_questions()["structures16"].values())
def test_no_question_for_a_structure_is_the_generators(question: str) -> None:
    assert not could_be_generated(question)


@pytest.mark.parametrize("template", written_questions()["parts"])
def test_no_template_for_a_part_is_the_generators(template: str) -> None:
    for structure, side in load_protocol("freesurfer").parts:
        assert not could_be_generated(template.format(name=TABLE[structure].side_name(side)))


@pytest.mark.parametrize("family", ["unanswerable", "lesion", "not_offered"])
def test_every_refusal_of_the_stock_is_taken_for_one(family: str) -> None:
    assert [text for text in STOCK.answers[family] if not Reply(text, (), False).refuses] == []
