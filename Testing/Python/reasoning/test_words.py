"""The plan and the words: slices chosen, phrases read, texts corrected."""

from __future__ import annotations

from itertools import pairwise

import pytest

from MedSegRLib.answers import Question
from MedSegRLib.errors import QuestionError
from MedSegRLib.reasoning.generate import told
from MedSegRLib.reasoning.plan import make_plan, spread
from MedSegRLib.reasoning.tell import absent_sentence, corrected, phrases_of, revised


def test_a_range_of_slices_narrows_the_plan_to_filled_ones():
    plan = make_plan(Question("Where?", slices=(2, 9)), range(5, 20), 30, 3)
    assert plan.slices == (5, 6, 7, 8, 9)
    assert plan.key_slices == (5, 7, 9)


def test_an_empty_range_is_looked_at_all_the_same():
    assert make_plan(Question("Where?", slices=(0, 1)), range(5, 20), 30, 8).slices == (0, 1)


def test_slices_outside_the_scan_are_refused():
    with pytest.raises(QuestionError, match="slices 0 to 29"):
        make_plan(Question("Where?", slices=(3, 30)), range(30), 30, 8)


@pytest.mark.parametrize(("slices", "count"), [(range(180), 8), (range(9), 8), (range(8), 8), (range(1), 8)])
def test_key_slices_are_spread_and_none_is_taken_twice(slices, count):
    chosen = spread(slices, count)
    assert len(set(chosen)) == len(chosen) == min(len(slices), count)
    gaps = {b - a for a, b in pairwise(chosen)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_each_seg_has_its_phrase_and_refusals_have_none():
    raw = "<p>pons</p>[SEG], <p>heart</p>[REJ], [SEG], <p>pons</p>[SEG]"
    assert phrases_of(raw) == (("pons", "unnamed finding", "pons"), ("heart",))


def test_what_came_out_empty_is_refused_in_what_the_conversation_remembers():
    raw = "<p>pons</p>[SEG] and <p>left  thalamus</p>[SEG]."
    assert corrected(raw, ["left thalamus"]) == "<p>pons</p>[SEG] and <p>left  thalamus</p>[REJ]."


def test_sentences_of_absence():
    assert absent_sentence(["the pons"], part=True) == (
        "I do not see the pons on the slices that were asked about."
    )
    assert absent_sentence(["a", "b", "c"], part=False) == "I do not see the a, the b or the c on this scan."
    assert revised("Here is a.", ["b"], True, part=False).startswith("Here is a. But on looking closely: ")


def test_the_text_of_many_slices_is_the_commonest_one_that_finds_something():
    nothing, found, other = "No <p>pons</p>[REJ].", "<p>pons</p>[SEG]", "The <p>pons</p>[SEG]"
    assert told([nothing] * 5 + [found, other, found]) == found
    assert told([nothing, nothing, ""]) == nothing
    assert told([]) == ""
