"""The development questions are judged by the parts that an answer's words give a mask to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.cli.demo import mni152
from MedSegRLib.evaluation.development import Speaker, development_questions, score
from MedSegRLib.evaluation.suites import implicit_questions
from MedSegRLib.model import open_model

LEFT, RIGHT = ("hippocampus", Side.LEFT), ("hippocampus", Side.RIGHT)
BOTH = "These are <p>left hippocampus</p>[SEG] and <p>right hippocampus</p>[SEG]."


class Says:
    """Gives one answer to everything."""

    def __init__(self, raw: str) -> None:
        self.raw = raw

    def say(self, question: str) -> str:
        assert question == "Which?"
        return self.raw


@pytest.mark.parametrize(
    ("raw", "expected", "right"),
    [
        (BOTH, [LEFT, RIGHT], True),
        (BOTH, [LEFT], False),
        ("Here is <p>left hippocampus</p>[SEG].", [LEFT], True),
        ("Here is <p>left hippocampus</p>[SEG].", [RIGHT], False),
        ("Here is <p>left hippocampus</p>[SEG].", [LEFT, RIGHT], False),
        ("I do not see <p>left hippocampus</p>[REJ].", [LEFT], False),
        ("Here is <p>left thing</p>[SEG].", [LEFT], False),
        ("That cannot be told from this scan.", [LEFT], False),
        ("That cannot be told from this scan.", [], True),
        ("I do not see <p>left hippocampus</p>[REJ].", [], True),
        (BOTH, [], False),
    ],
)
def test_right_is_what_names_exactly_the_parts_that_are_meant(
    raw: str, expected: Sequence[tuple[str, Side]], right: bool
) -> None:
    found = score(Says(raw), "Which?", expected, "implicit", "nobody")
    assert (found.right, found.suite, found.kind, found.text) == (right, "development", "implicit", raw)


def test_every_structure_is_meant_twenty_times_and_none_is_a_held_out_question() -> None:
    asked = development_questions()
    meant = [entry["structures"][0] for entry in asked if entry["id"].startswith("d")]
    assert {name: meant.count(name) for name in meant} == {s.id: 20 for s in load_table() if s.freesurfer}
    assert len({entry["question"] for entry in asked}) == len(asked) == 440
    held_out = {e["question"] for entries in implicit_questions().values() for e in entries}
    assert not {e["question"] for e in asked} & held_out
    sides = {entry["sides"] for entry in asked}
    assert sides == {"left", "right", "both", "none"}


def test_a_speaker_answers_in_words_without_drawing() -> None:
    speaker = Speaker(open_model("mini"), mni152())
    assert "<p>left hippocampus</p>[SEG]" in speaker.say("Outline the left hippocampus.")
    assert "<p>brainstem</p>[SEG]" in speaker.say("Outline the brainstem.")
