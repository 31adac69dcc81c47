"""Questions: what asks nothing is refused in a sentence."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest

from MedSegRLib.answers import Question, QuestionError
from MedSegRLib.imaging import Plane


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "?", "?!...", "— ¿ ?"])
def test_a_text_that_asks_nothing_is_refused_with_exit_code_2(text):
    with pytest.raises(QuestionError, match="write a question") as refusal:
        Question(text)
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("text", ["x", "海馬はどこですか", "Wo ist das Ödem?", "3"])
def test_any_letter_or_digit_of_any_script_is_a_question(text):
    assert Question(f"  {text}\n").text == text


def test_half_a_character_ends_no_program_that_the_question_is_handed_to():
    assert Question("Where \ud800 is it?").text == "Where ? is it?"
    assert Question("Where is the 🧠?").text == "Where is the 🧠?"


@pytest.mark.parametrize("slices", [(-1, 3), (5, 4)])
def test_a_range_of_slices_that_is_none_is_refused(slices):
    with pytest.raises(QuestionError, match="no range"):
        Question("Where?", slices=slices)


def test_an_unknown_mode_is_refused():
    with pytest.raises(QuestionError, match="ground or generate"):
        Question("Where?", mode="guess")


def test_a_question_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Question("Where?").text = "When?"


@pytest.mark.parametrize(
    "question",
    [Question("Where?"), Question("Where?", Plane.CORONAL, (3, 9), "generate", 5)],
)
def test_a_question_comes_back_from_json(question):
    assert Question.from_dict(json.loads(json.dumps(question.to_dict()))) == question
