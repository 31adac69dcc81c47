"""The questions about other regions than the brain, those held out and those to tune on, are well-formed."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.building.held_out import held_out_questions
from MedSegRLib.dataset.regions import REGIONS
from MedSegRLib.dataset.stock import load_stock
from MedSegRLib.dataset.whole_questions import names_one
from MedSegRLib.dataset.wording import four_word_runs
from MedSegRLib.evaluation.development import development_questions
from MedSegRLib.evaluation.suites import implicit_questions
from MedSegRLib.resources import resource_path

TABLE = load_table()
KINDS = {
    "blood_supply", "connection", "deficit", "disease", "drainage", "function", "imaging", "intervention",
    "laboratory", "lay", "neighbour", "part", "shape", "size",
}  # fmt: skip


def read(name: str) -> list[dict[str, Any]]:
    text = resource_path("Evaluation", f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


HELD_OUT, TO_TUNE_ON = read("implicit_questions_regions"), read("development_questions_regions")
BOTH = pytest.mark.parametrize("entries", [HELD_OUT, TO_TUNE_ON], ids=["held out", "to tune on"])


@BOTH
def test_every_entry_has_known_structures_a_side_that_they_have_and_a_region(entries) -> None:
    for entry in entries:
        sided = any(TABLE[name].sided for name in entry["structures"])
        assert entry["sides"] in (("left", "right", "both") if sided else ("none",)), entry
        assert entry["region"] in REGIONS and entry["region"] != "brain", entry
        assert 1 <= len(set(entry["structures"])) == len(entry["structures"]) <= 2, entry
        for level in entry.get("levels", ()):
            assert TABLE[level].parent in entry["structures"], entry
        assert entry["question"].strip() == entry["question"] != "", entry
        needed = {"id", "question", "structures", "sides", "region"}
        more = {"kind", "source"} if entries is HELD_OUT else set()
        assert set(entry) - {"levels"} == needed | more, entry
    if entries is HELD_OUT:
        assert {entry["kind"] for entry in entries} == KINDS and all(entry["source"] for entry in entries)


def test_ids_and_questions_are_unique_over_all_files() -> None:
    others = [*read("implicit_questions"), *development_questions()]
    entries = [*HELD_OUT, *TO_TUNE_ON, *others]
    assert len({entry["id"] for entry in entries}) == len(entries)
    assert len({entry["question"].lower() for entry in entries}) == len(entries)


def test_every_structure_is_asked_for_often_enough() -> None:
    held_out, to_tune_on = (
        Counter(" ".join(entry["structures"]) for entry in entries) for entries in (HELD_OUT, TO_TUNE_ON)
    )
    assert sum(held_out.values()) == 252 and sum(to_tune_on.values()) == 120
    alone = {name for name in held_out if " " not in name}
    assert len(alone) == 16 and alone == {name for name in to_tune_on if " " not in name}
    assert all(held_out[name] >= 6 and to_tune_on[name] >= 3 for name in alone)
    assert sum(count for name, count in held_out.items() if " " in name) == 10
    for name in ("kidney", "parotid_gland"):
        sides = {entry["sides"] for entry in HELD_OUT if entry["structures"] == [name]}
        assert sides == {"left", "right", "both"}


@BOTH
def test_no_question_names_what_it_asks_for(entries) -> None:
    told = [
        entry["question"]
        for entry in entries
        if names_one(
            entry["question"], [TABLE[name] for name in (*entry["structures"], *entry.get("levels", ()))]
        )
    ]
    assert told == []


def test_no_question_to_tune_on_shares_four_words_with_a_held_out_one() -> None:
    held_out = {run for question in held_out_questions() for run in four_word_runs(question)}
    shared = [e["question"] for e in TO_TUNE_ON if four_word_runs(e["question"]) & held_out]
    assert shared == []


def test_no_frame_or_fact_that_training_text_is_written_with_shares_four_words_with_a_held_out_one() -> None:
    """Else the frame or the fact would never be used, since what is written with it is thrown away."""
    held_out = {run for entry in HELD_OUT for run in four_word_runs(entry["question"])}
    stock = load_stock()
    written = [text for texts in (*stock.questions.values(), *stock.answers.values()) for text in texts]
    facts = [text for s in TABLE for fact in s.facts for text in (*fact.clauses, *fact.topics)]
    assert [text for text in (*written, *facts) if four_word_runs(text) & held_out] == []


def test_all_are_read_by_region_and_held_out_of_what_is_built() -> None:
    by_region = implicit_questions()
    assert len(by_region["brain"]) == 240
    assert [e for region in by_region if region != "brain" for e in by_region[region]] == sorted(
        HELD_OUT, key=lambda entry: list(by_region).index(entry["region"])
    )
    assert {entry["question"] for entry in HELD_OUT} < set(held_out_questions())
