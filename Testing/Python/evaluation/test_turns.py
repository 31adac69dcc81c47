"""Turns: the same parts of the same scans are asked first and fourth."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from MedSegRLib.anatomy import Side
from MedSegRLib.evaluation.cases import Case
from MedSegRLib.evaluation.figures import figures_of
from MedSegRLib.evaluation.markdown import to_markdown
from MedSegRLib.evaluation.results import Results
from MedSegRLib.evaluation.structures16 import load_protocol
from MedSegRLib.evaluation.suites import written_questions
from MedSegRLib.evaluation.turns import turns
from MedSegRLib.imaging import Volume

from .conftest import Knowing

PROTOCOL, QUESTIONS = load_protocol("freesurfer"), written_questions()["structures16"]
STRUCTURE = {question: name for name, question in QUESTIONS.items()}


class Tiring(Knowing):
    """Forgets the left side at the fourth question of a conversation."""

    said = 0

    def forget(self) -> None:
        super().forget()
        self.said = 0

    def ask(self, asked):
        self.said += 1
        return super().ask(asked)


def judge(case: Case, labels: np.ndarray, brains: int = 1, *, tiring: bool = False) -> Results:
    def opener(volume: Volume) -> Tiring:
        session = Tiring(volume, labels, lambda question: ([], ()))

        def reply(question: str):
            parts = [part for part in PROTOCOL.parts if part[0] == STRUCTURE[question]]
            tired = tiring and session.said == 4
            return [part for part in parts if not (tired and part[1] is Side.LEFT)], ()

        session.replies = reply
        return session

    cases = [Case(case.group, str(n), case.region, case.protocol, case.load) for n in range(brains)]
    return Results("hand", tuple(turns(cases, opener, lambda _: None)))


@pytest.fixture(scope="module")
def fresh(case: Case, labels: np.ndarray) -> Results:
    return judge(case, labels)


def test_what_is_asked_first_is_asked_fourth_as_often(fresh: Results) -> None:
    asked = Counter((p.score.structure, p.score.side, p.turn) for p in fresh.parts)
    for name, side, turn in asked:
        assert asked[name, side, turn] == asked[name, side, 5 - turn] == 1
    assert len(fresh.parts) == 2 * 29 and len({p.conversation for p in fresh.parts}) == 8
    assert {p.group for p in fresh.parts} == {"phantoms, asked in fours"}


def test_who_does_not_tire_does_not_fall(fresh: Results) -> None:
    (fall,) = [f for f in figures_of(fresh) if "fall of Dice" in f.name]
    assert fresh.told == (), "their confidence is judged where they are asked one by one"
    assert fall.value == 0.0 and "## Turn by turn" in to_markdown(fresh)


def test_who_tires_falls_by_what_was_lost(case: Case, labels: np.ndarray) -> None:
    results = judge(case, labels, brains=2, tiring=True)
    lost = [p for p in results.parts if p.turn == 4]
    share = sum(p.score.side is Side.LEFT for p in lost) / len(lost)
    (fall,) = [f for f in figures_of(results) if "fall of Dice" in f.name]
    assert fall.value == pytest.approx(share) and fall.patients == 2 and fall.low <= share <= fall.high
    # The second brain begins with another structure.
    first = {p.patient: p.score.structure for p in reversed(results.parts)}
    assert first["0"] != first["1"]
