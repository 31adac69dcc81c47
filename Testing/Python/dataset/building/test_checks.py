"""Checks: each way in which an answer can be wrong, and what is right beside it."""

from __future__ import annotations

import pytest

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.dataset.building.checks import Check, Checker, leaks
from MedSegRLib.dataset.building.claims import false_claims
from MedSegRLib.dataset.building.facts import Facts

from .conftest import L, N, R, exchange

LIVER = ("liver", "liver", N, True)
LEFT, RIGHT = ("left kidney", "kidney", L, True), ("right kidney", "kidney", R, True)
BOTH = "The <p>left kidney</p>[SEG] and the <p>right kidney</p>[SEG]"

TRUE = [
    exchange("This is the <p>liver</p>[SEG].", LIVER),
    exchange("The <p>liver</p>[SEG] measures 324 ml.", LIVER),
    exchange("The <p>liver</p>[SEG] measures about 320 ml and is 9 cm wide.", LIVER),
    exchange("The <p>liver</p>[SEG] has a mean of 90 HU.", LIVER),
    exchange("The <p>liver</p>[SEG]: 324 millilitres, 90 millimetres wide, 7.5 centimetres deep.", LIVER),
    exchange(f"{BOTH}: together 101 ml.", LEFT, RIGHT),
    exchange(f"{BOTH}; the left one is larger, by 15 %.", LEFT, RIGHT),
    exchange(f"{BOTH}; the right one is smaller.", LEFT, RIGHT),
    exchange("I do not see the <p>gallbladder</p>[REJ].", ("gallbladder", "gallbladder", N, False)),
    exchange("No <p>left hippocampus</p>[REJ] here.", ("left hippocampus", "hippocampus", L, False)),
    exchange(f"I count two: {BOTH}.", LEFT, RIGHT, kind="counting"),
    exchange("That is the <p>liver</p>[SEG]. It lies beside the right kidney.", LIVER),
    # The table says it, so it is no claim about this scan.
    exchange("That is the <p>liver</p>[SEG], usually about 1400 to 1700 ml in adults.", LIVER),
    exchange("That cannot be told from this scan.", kind="unanswerable"),
]
FALSE = [
    (exchange("This is the <p>liver</p>[SEG]."), "The findings that the answer mentions are not its targets"),
    (exchange("The <p>liver</p>[REJ].", LIVER), "The findings that the answer mentions are not its targets"),
    (
        exchange("The <p>gallbladder</p>[SEG].", ("gallbladder", "gallbladder", N, True)),
        "The gallbladder is said to be there and is not drawn there",
    ),
    (exchange("No <p>liver</p>[REJ].", ("liver", "liver", N, False)), "liver is said to be absent and is"),
    (
        exchange("No <p>pancreas</p>[REJ].", ("pancreas", "pancreas", N, False)),
        "The pancreas is said to be absent, and nobody drew it, so nothing is known of it",
    ),
    (
        exchange("The <p>left kidney</p>[SEG].", ("left kidney", "kidney", R, True)),
        r"The words 'left kidney' do not name kidney \(right\)",
    ),
    (
        exchange("The <p>thing</p>[SEG].", ("thing", "nothing", N, True)),
        "The anatomy table does not hold 'nothing'",
    ),
    (exchange("The <p>liver</p>[SEG] measures 400 ml.", LIVER), "'400 ml' was not measured of any finding"),
    (exchange("The <p>liver</p>[SEG] is 3.1 cm wide.", LIVER), "'3.1 cm' was not measured"),
    (exchange("The <p>liver</p>[SEG] has 40 HU.", LIVER), "'40 HU' was not measured"),
    (exchange("The <p>liver</p>[SEG]: 324 millimetres.", LIVER), "'324 millimetres' was not measured"),
    (exchange(f"{BOTH} differ by 40 %.", LEFT, RIGHT), "'40 %' was not measured"),
    (exchange(f"{BOTH}; the right one is larger.", LEFT, RIGHT), "'right one is larger' is the wrong way"),
    (exchange(f"{BOTH}; it is smaller on the left.", LEFT, RIGHT), "'smaller on the left' is the wrong"),
    (exchange(f"{BOTH} are of the same size.", LEFT, RIGHT), "'same size' is not so by the sizes measured"),
    (exchange(f"I count three: {BOTH}.", LEFT, RIGHT, kind="counting"), "The answer counts 3 and shows 2"),
    (exchange("The <p>liver</p>[SEG]. The pancreas is seen too.", LIVER), "pancreas is spoken of and is not"),
]  # fmt: skip


@pytest.mark.parametrize("right", TRUE, ids=[e.answer for e in TRUE])
def test_what_the_facts_bear_out_passes(right, facts: Facts, table: AnatomyTable) -> None:
    assert false_claims(right, facts, table) == []


@pytest.mark.parametrize(("wrong", "message"), FALSE, ids=[e.answer for e, _ in FALSE])
def test_a_false_claim_is_told(wrong, message: str, facts: Facts, table: AnatomyTable) -> None:
    problems = false_claims(wrong, facts, table)
    assert problems, "nothing was noticed"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError("; ".join(problems))


def test_a_label_on_the_wrong_side_of_the_body_is_told(facts: Facts, table: AnatomyTable) -> None:
    swapped = {("kidney", L): facts.parts["kidney", R]}
    wrong = Facts("abdomen", "CT", facts.plane, swapped)
    said = false_claims(exchange("The <p>left kidney</p>[SEG].", LEFT), wrong, table)
    assert said == ["The left kidney lies on the patient's right side."]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Which organ makes bile?", []),
        ("Show the LIVER, please", ["liver"]),
        ("what does the hepatic parenchyma do", ["hepatic parenchyma"]),
        ("which deliverance", []),
    ],
)
def test_names_of_the_target_leak_in_any_case_and_only_as_whole_words(
    question: str, found: list[str], table: AnatomyTable
) -> None:
    assert leaks(question, ["liver"], table) == found


def test_an_abbreviation_of_two_letters_is_no_leak(table: AnatomyTable) -> None:
    assert "SC" in table["spinal_cord"].abbreviations
    assert leaks("SC heparin was given; which structure is cut in paraplegia?", ["spinal_cord"], table) == []


def test_a_named_target_fails_only_an_implicit_question(facts: Facts, table: AnatomyTable) -> None:
    checker = Checker(table)
    named = exchange("It is the <p>liver</p>[SEG].", LIVER, kind="implicit", question="Where is the liver?")
    (failure,) = checker.failures([named], facts)
    assert (
        failure.check is Check.LEAK
        and "Exchange 1: The question names its target, 'liver'" in failure.sentence
    )
    direct = exchange("It is the <p>liver</p>[SEG].", LIVER, question="Where is the liver?")
    assert checker.failures([direct], facts) == []


def test_duplicates_fail_within_a_conversation_and_across_the_data_set(
    facts: Facts, table: AnatomyTable
) -> None:
    checker = Checker(table)
    one = exchange("This is the <p>liver</p>[SEG].", LIVER, question="Outline the liver.")
    again = exchange("This is the <p>liver</p>[SEG].", LIVER, question="outline the liver")
    assert [f.sentence for f in checker.failures([one, again], facts)] == [
        "Exchange 2: The question was asked before."
    ]
    assert checker.failures([one], facts) == []
    checker.remember(["OUTLINE THE LIVER"])
    assert [f.sentence for f in checker.failures([again], facts)] == [
        "The same conversation is in the data set already."
    ]


def test_four_words_of_a_question_kept_for_judging_fail(facts: Facts, table: AnatomyTable) -> None:
    checker = Checker(table, ["Which organ turns yellow in gallstone disease?"])
    near = exchange("It is the <p>liver</p>[SEG].", LIVER, question="which organ turns yellow here")
    (failure,) = checker.failures([near], facts)
    assert failure.check is Check.HELD_OUT and "four words in a row" in failure.sentence
    far = exchange("It is the <p>liver</p>[SEG].", LIVER, question="which organ turns green here")
    assert checker.failures([far], facts) == []


def test_sides_are_compared_only_where_both_are_whole(facts: Facts, table: AnatomyTable) -> None:
    one_sided = Facts("abdomen", "CT", facts.plane, {("kidney", Side.LEFT): facts.parts["kidney", L]})
    said = false_claims(exchange("The <p>left kidney</p>[SEG]: the left is larger.", LEFT), one_sided, table)
    assert said == ["'left is larger' compares sides that were not both measured whole."]
