"""Early stopping: the best weights are kept, and a stop in between changes nothing."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from MedSegRLib.errors import CheckpointError, OutputError
from MedSegRLib.training.events import Scored, StepDone
from MedSegRLib.training.loop import LoopConfig, run_stage
from MedSegRLib.training.record import read_rows
from MedSegRLib.training.state import append_row, load_state, read_notes, save_state
from MedSegRLib.training.stopping import EarlyStopping

sys.path.append(str(Path(__file__).parent))

from tiny_stage import LOOP, TinyStage

LONG = replace(LOOP, steps=40, accumulate=1, save_every=3, evaluate_every=2, patience=2)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(folder: Path, scores: Sequence[float], config: LoopConfig = LONG, stop: int = 0) -> list[object]:
    """Run the tiny stage with given scores at steps 2, 4, ...; `stop` breaks it off after a step."""
    told: list[object] = []

    def watch(event: StepDone | Scored) -> None:
        told.append(event)
        if stop and isinstance(event, StepDone) and event.step == stop:
            raise KeyboardInterrupt

    def score() -> float:
        return scores[[e for e in told if isinstance(e, StepDone)][-1].step // 2 - 1]

    averaged = run_stage(TinyStage(), config, folder, precision=torch.float32, watch=watch, score=score)
    return [averaged, *told]


def test_patience_counts_the_scores_that_are_no_better() -> None:
    stopping = EarlyStopping(every=5, patience=2)
    assert [step for step in range(1, 13) if stopping.is_due(step, 12)] == [5, 10, 12]
    assert [stopping.take(5, 0.3), stopping.take(10, 0.3), stopping.is_over] == [True, False, False]
    assert [stopping.take(15, 0.4), stopping.take(20, 0.1), stopping.take(25, 0.2)] == [True, False, False]
    assert stopping.is_over and (stopping.best_step, stopping.best) == (15, 0.4)
    again = EarlyStopping(every=5, patience=2)
    again.recall(stopping.to_notes())
    assert again == stopping
    assert not EarlyStopping(every=1, patience=0, waited=99).is_over


def test_a_stage_ends_without_improvement_and_gives_back_its_best_weights(tmp_path: Path) -> None:
    averaged, *told = run(tmp_path, [0.1, 0.5, 0.2, 0.4, 0.9])
    steps = [event.step for event in told if isinstance(event, StepDone)]
    assert steps == list(range(1, 9))
    scored = [(e.step, e.score, e.is_best) for e in told if isinstance(e, Scored)]
    assert scored == [(2, 0.1, True), (4, 0.5, True), (6, 0.2, False), (8, 0.4, False)]
    # The learning rate must not know of the end, so a run of as many steps is broken off after the fourth.
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "four", [0.0] * 9, replace(LONG, save_every=4, evaluate_every=0), stop=5)
    four = load_file(tmp_path / "four" / "tiny.safetensors")
    for name, value in averaged.state_dict().items():
        assert torch.equal(value, four[f"module/averaged/{name}"]), name
    # A second run only reads.
    assert len(run(tmp_path, [])) == 1


@pytest.mark.parametrize("stop", [3, 4, 5, 7])
def test_a_run_broken_off_between_scores_ends_as_an_unbroken_one(tmp_path: Path, stop: int) -> None:
    scores = [0.1, 0.5, 0.2, 0.4, 0.9]
    whole = run(tmp_path / "whole", scores)[0]
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", scores, stop=stop)
    again = run(tmp_path / "broken", scores)[0]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    for name in ("tiny.safetensors", "tiny.best.safetensors"):
        one, two = (load_file(tmp_path / folder / name) for folder in ("whole", "broken"))
        assert all(torch.equal(one[key], two[key]) for key in one)
    assert read_notes(tmp_path / "whole" / "tiny.safetensors") == read_notes(
        tmp_path / "broken" / "tiny.safetensors"
    )
    rows = [read_rows(tmp_path / folder / "tiny.scores.jsonl") for folder in ("whole", "broken")]
    assert rows[0] == rows[1] and len(rows[0]) == 4


def test_scoring_does_not_touch_the_training(tmp_path: Path) -> None:
    plain, scored = TinyStage(), TinyStage()
    config = replace(LOOP, evaluate_every=0)
    run_stage(plain, config, tmp_path / "plain", precision=torch.float32)
    seen = []

    def score() -> float:
        seen.append((scored.modules.training, scored.modules["one"].weight.clone()))
        return scored.score()

    run_stage(scored, LOOP, tmp_path / "scored", precision=torch.float32, score=score)
    assert all(
        torch.equal(value, scored.modules.state_dict()[name])
        for name, value in plain.modules.state_dict().items()
    )
    assert scored.modules.training and [training for training, _ in seen] == [False] * 3
    averaged = load_file(tmp_path / "scored" / "tiny.safetensors")["module/averaged/one.weight"]
    assert torch.equal(seen[-1][1], averaged)


def endless(folder: Path) -> None:
    run_stage(TinyStage(), KILLED, folder, precision=torch.float32)


KILLED = LoopConfig(steps=3000, learning_rate=0.01, save_every=1, workers=0)


def test_a_run_killed_at_any_moment_goes_on_from_a_whole_state(tmp_path: Path) -> None:
    state = tmp_path / "tiny.safetensors"
    for kill in range(3):
        process = get_context("fork").Process(target=endless, args=(tmp_path,))
        process.start()
        before = state.stat().st_mtime_ns if state.exists() else 0
        deadline = time.monotonic() + 300
        while not state.exists() or state.stat().st_mtime_ns == before:
            assert process.is_alive() and time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(0.013 * kill)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        steps = load_state(state, {}, None)
        assert 0 < steps < KILLED.steps
    # The state is that of an unbroken run after as many steps; the rate is told of the same end.
    whole = TinyStage()

    def watch(event: StepDone | Scored) -> None:
        if isinstance(event, StepDone) and event.step == steps + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(
            whole, replace(KILLED, save_every=steps), tmp_path / "whole", precision=torch.float32, watch=watch
        )
    one, two = load_file(state), load_file(tmp_path / "whole" / "tiny.safetensors")
    assert all(torch.equal(one[key], two[key]) for key in two)
    assert [path.name for path in tmp_path.glob("*.partial")] in ([], ["tiny.partial"])


def test_a_full_disk_is_told_and_the_state_before_stays(tmp_path: Path) -> None:
    import resource

    layer = torch.nn.Linear(100, 100)
    optimizer = torch.optim.AdamW(layer.parameters())
    path, log = tmp_path / "s.safetensors", tmp_path / "s.jsonl"
    save_state(path, {"live": layer}, optimizer, 1)
    append_row(log, {"step": 1})
    whole = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The system refuses what is longer, with an error of its own as where the disk is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        with pytest.raises(OutputError, match=r"s\.safetensors cannot be written \(.+\); make") as full:
            save_state(path, {"live": layer}, optimizer, 2)
        with pytest.raises(OutputError, match=r"s\.jsonl cannot be written \(.+\); make room"):
            append_row(log, {"step": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert full.value.exit_code == 2
    assert path.read_bytes() == whole and load_state(path, {}, None) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.jsonl", "s.safetensors"]
    assert read_rows(log) == [{"step": 1}]


def test_what_is_no_state_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.safetensors").write_bytes(b"something")
    with pytest.raises(CheckpointError, match=r"is not a state of a training .*remove it"):
        load_state(tmp_path / "s.safetensors", {}, None)
