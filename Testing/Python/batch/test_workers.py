"""Workers of the batch: real processes, lent to one study after the other, with and without a model."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from MedSegRLib.answers import Question
from MedSegRLib.batch import run
from MedSegRLib.batch.asking import NoWorkerError, Stopped, WorkerLostError
from MedSegRLib.batch.workers import Workers
from MedSegRLib.imaging import read_volume
from MedSegRLib.service import Client

MISBEHAVING = Path(__file__).resolve().parents[1] / "service" / "misbehaving.py"
QUESTION = Question("Where is the left hippocampus?")


@pytest.fixture
def misbehaving() -> Iterator[Callable[[str], Workers]]:
    """Workers whose only process misbehaves in a way of the service's tests; they need no model."""
    made: list[Workers] = []

    def make(way: str) -> Workers:
        command = [sys.executable, "-u", str(MISBEHAVING), way]
        made.append(Workers("mini", make_client=lambda: Client(command)))
        return made[-1]

    yield make
    for workers in made:
        workers.__exit__(None, None, None)


def test_a_worker_that_dies_is_told_as_lost_and_the_next_study_gets_another_one(work, misbehaving) -> None:
    workers, volume = misbehaving("dies"), read_volume(work / "studies" / "scan0.nrrd")
    for _ in range(2):
        with (
            pytest.raises(WorkerLostError, match="exit code 3: RuntimeError: shapes do not fit"),
            workers.lend(volume) as session,
        ):
            session.ask(QUESTION, ())


def test_a_worker_that_is_killed_between_two_studies_is_replaced(work, misbehaving) -> None:
    workers, volume = misbehaving("well"), read_volume(work / "studies" / "scan0.nrrd")
    for _ in range(2):
        with workers.lend(volume) as session:
            assert session.ask(QUESTION, ()).findings[0].name == "left hippocampus"
        (pid,) = workers.pids
        os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        # Whoever asks next may be the one who learns of it; the transaction asks again then.
        with pytest.raises(WorkerLostError), workers.lend(volume) as session:
            session.ask(QUESTION, ())


def test_a_python_that_cannot_answer_is_no_worker(work, misbehaving) -> None:
    workers, volume = misbehaving("dies at once"), read_volume(work / "studies" / "scan0.nrrd")
    with pytest.raises(NoWorkerError, match="the Python is broken"), workers.lend(volume):
        pass


def test_who_waits_for_a_worker_gives_up_when_the_batch_is_stopped(work, misbehaving) -> None:
    workers, volume = misbehaving("well"), read_volume(work / "studies" / "scan0.nrrd")
    with workers.lend(volume):
        workers.stop()
        with pytest.raises(Stopped), workers.lend(volume):
            pass


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model with random weights."""
    from MedSegRLib.model import save_checkpoint, tiny_model

    folder = tmp_path_factory.mktemp("model") / "tiny"
    save_checkpoint(tiny_model(0), folder)
    return folder


def test_a_batch_says_what_a_loop_of_sessions_says(work, tiny) -> None:
    from MedSegRLib import Session, open_model

    result = run(work / "studies", work / "questions.toml", work / "out", model=str(tiny), workers=2)
    assert result.exit_code == 0, result.failures
    for number in range(2):
        folder = work / "out" / "studies" / f"scan{number}"
        session = Session(read_volume(work / "studies" / f"scan{number}.nrrd"), open_model(tiny))
        first = session.ask("Where is the left hippocampus?")
        other = session.ask("And the one on the other side?")
        session.forget()
        heart = session.ask("Is the heart there?")
        for name, answer in (("hippocampus", first), ("other", other), ("heart", heart)):
            told = json.loads((folder / f"{name}.answer.json").read_text(encoding="utf-8"))
            assert (told["text"], told["raw"]) == (answer.text, answer.raw)
            sizes = [finding["measurements"]["voxels"] for finding in told["findings"]]
            assert sizes == [finding.measurements.voxels for finding in answer.findings]
