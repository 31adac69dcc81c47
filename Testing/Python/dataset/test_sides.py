"""Sides that nobody told apart: no word of a side is said of them, and either side shown counts to them."""

from __future__ import annotations

import pytest

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.conversation import Exchange, QuestionType, Target
from MedSegRLib.dataset.sides import as_drawn, side_word, undivided

L, R, N = Side.LEFT, Side.RIGHT, Side.NONE
TABLE = load_table()


def exchange(question: str, answer: str, *parts: tuple[str, Side]) -> Exchange:
    targets = tuple(Target(TABLE[name].side_name(side), name, side, True) for name, side in parts)
    return Exchange(question, answer, QuestionType.DIRECT, targets)


@pytest.mark.parametrize(
    ("question", "answer", "word"),
    [
        ("Outline the left kidney.", "This is the <p>kidney</p>[SEG].", "left"),
        ("Both kidneys please", "These are the <p>kidneys</p>[SEG].", "Both"),
        ("What makes urine?", "The <p>kidney</p>[SEG]. It is on the RIGHT.", "RIGHT"),
        ("And on the other side?", "The <p>kidney</p>[SEG].", "other side"),
        ("Bilaterally enlarged?", "The <p>kidneys</p>[SEG].", "Bilaterally"),
    ],
)
def test_a_word_of_a_side_is_found_in_question_and_answer(question: str, answer: str, word: str) -> None:
    assert side_word(exchange(question, answer, ("kidney", N)), TABLE) == (word, "kidney")


def test_words_that_only_hold_one_are_none() -> None:
    said = exchange("What is brightest beside the liver?", "The <p>kidneys</p>[SEG].", ("kidney", N))
    assert side_word(said, TABLE) is None


def test_where_a_side_is_known_or_there_is_none_sides_may_be_spoken_of() -> None:
    for parts in ([("kidney", L)], [("liver", N)], [("kidney", N), ("hippocampus", L)], []):
        assert side_word(exchange("What lies on the left?", "This.", *parts), TABLE) is None


def test_only_sided_structures_are_undivided() -> None:
    assert undivided(("kidney", N), TABLE)
    assert not any(undivided(part, TABLE) for part in (("kidney", L), ("liver", N), ("toe", N)))


def test_what_is_shown_counts_as_it_was_drawn() -> None:
    assert as_drawn(("kidney", R), {("kidney", N), ("liver", N)}) == ("kidney", N)
    assert as_drawn(("kidney", R), {("kidney", L), ("kidney", R)}) == ("kidney", R)
    assert as_drawn(("spleen", N), {("kidney", N)}) == ("spleen", N)
