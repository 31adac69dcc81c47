"""A training tells how far it is: live on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import io

from rich.console import Console

from MedSegRLib.cli.training_progress import TrainingProgress, pace
from MedSegRLib.training.events import Scored, StepDone


def step(number: int, seconds: float = 2.0) -> StepDone:
    return StepDone("joint", number, 100, {"text": 1.5, "mask_ce": 0.25}, seconds)


def told(terminal: bool, *events: StepDone | Scored, seconds_between: float = 10.0) -> str:
    clock = [0.0]
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=160, highlight=False)
    with TrainingProgress(console, lambda: clock[0]) as progress:
        for event in events:
            progress.watch(event)
            clock[0] += seconds_between
    return out.getvalue()


def test_plain_lines_come_at_the_ends_and_every_half_minute() -> None:
    lines = told(False, *(step(n) for n in (1, 2, 3, 4, 5, 100))).splitlines()
    assert [line.split(",")[0] for line in lines] == [f"joint: step {n} of 100" for n in (1, 4, 100)]
    assert lines[0] == (
        "joint: step 1 of 100, loss 1.75 (text 1.5, mask_ce 0.25), 2 s a step, 3 min 18 s left"
    )


def test_every_score_is_told() -> None:
    lines = told(False, Scored("joint", 50, 0.71234, True), Scored("joint", 60, 0.5, False)).splitlines()
    assert lines == [
        "joint: development score 0.7123 after step 50, the best so far",
        "joint: development score 0.5 after step 60",
    ]


def test_a_terminal_gets_a_table_that_moves() -> None:
    text = told(True, step(1), Scored("joint", 1, 0.5, True), step(2, 0.01), Scored("joint", 2, 0.4, False))
    assert "\x1b[" in text
    last = text[text.rindex("best score") :]
    assert all(
        word in last for word in ("joint", "2 of 100", "1.75", "100 steps a second", "0.5 after step 1")
    )


def test_a_pace_is_told_in_the_fitting_unit() -> None:
    assert [pace(s) for s in (0.05, 0.001, 4.2)] == [
        "20 steps a second",
        "1000 steps a second",
        "4.2 s a step",
    ]


def test_a_step_that_took_no_time_that_a_clock_shows_gets_no_made_up_number() -> None:
    assert {pace(s) for s in (0.0, 1e-9, 0.0009)} == {"more than 1000 steps a second"}
