"""Batch benchmark: whether a batch loses or repeats anything, how fast it is, and whether memory stays flat.

Every batch is the program `medsegr batch` in a process of its own. Seconds of the studies are those between
the first and the last folder of results, so that start-up is told apart.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from MedSegRLib.answers import write_report
from MedSegRLib.batch.lock import LOCK
from MedSegRLib.errors import MedSegRError
from MedSegRLib.imaging import read_volume
from MedSegRLib.model import open_model
from MedSegRLib.reasoning import Session

from .batch_studies import BROKEN, make_studies
from .benchmark import Machine
from .process_memory import run_measured

__all__ = ["BatchBenchmark", "batch_benchmark", "batch_markdown"]

_QUESTIONS = ("Outline the left hippocampus.", "And the one on the other side?")
_FEW = 10


@dataclass(frozen=True)
class Timed:
    """One whole batch.

    Attributes
    ----------
    studies_per_hour
        Between the first and the last study.
    startup_s
        Seconds until the first study is answered, less what a study takes.
    peak_gb
        Of all its processes; 0 where the system does not keep it.
    """

    studies_per_hour: float
    startup_s: float
    peak_gb: float


@dataclass(frozen=True)
class BatchBenchmark:
    """What was measured.

    Attributes
    ----------
    good, broken
        Studies of either kind.
    answered
        Good studies that have results.
    listed
        (broken study, its sentence).
    kills, same
        How often a batch was killed and continued, and whether its contents are those of one that was not.
    loop, saving
        A loop of `Session.ask` in one process: without what it takes to save, and with it.
    one, two, few
        Batches with one worker, with two, and with one worker on ten studies.
    """

    machine: Machine
    good: int
    broken: int
    answered: int
    listed: tuple[tuple[str, str], ...]
    kills: int
    same: bool
    loop: Timed
    saving: Timed
    one: Timed
    two: Timed
    few: Timed


def batch_benchmark(
    folder: Path, model: str, studies: int, kills: int, tell: Callable[[str], None]
) -> BatchBenchmark:
    """Measure batches of made-up scans.

    Parameters
    ----------
    folder
        An empty folder to work in.
    model
        Name of the model, or its folder.
    studies
        How many, the broken ones among them; at least 4.
    kills
        At how many random moments a batch is killed and continued.
    tell
        Takes a sentence whenever a step begins.

    Raises
    ------
    MedSegRError
        If a batch ends otherwise than it must.
    """
    broken = min(len(BROKEN), studies // 2)
    good = studies - broken
    tell(f"{good} scans and {broken} broken ones are made.")
    make_studies(folder / "studies", good, broken)
    make_studies(folder / "few", min(_FEW, good), 0)
    (folder / "questions.toml").write_text(_question_file(), encoding="utf-8")
    tell("A loop of Session.ask.")
    loop, saving = _loop(folder / "studies", folder / "loop", model)
    tell("A batch with one worker.")
    one = _timed(folder, "studies", "one", model, 1, broken)
    tell("A batch with two workers.")
    two = _timed(folder, "studies", "two", model, 2, broken)
    tell("A batch of few studies.")
    few = _timed(folder, "few", "few-out", model, 1, 0)
    tell(f"A batch that is killed {kills} times.")
    # Each time a part of the studies at most, so that some are left to be killed at.
    longest_s = one.startup_s + 3600 * good / one.studies_per_hour / (kills + 1)
    done = _killed(folder, model, kills, longest_s)
    answered = [path for path in (folder / "one" / "studies").glob("good-*") if path.is_dir()]
    return BatchBenchmark(
        Machine.here(),
        good,
        broken,
        len(answered),
        tuple(_listed(folder / "one")),
        done,
        _contents(folder / "one") == _contents(folder / "killed"),
        loop,
        saving,
        one,
        two,
        few,
    )


def _question_file() -> str:
    first, other = _QUESTIONS
    return (
        f"[[questions]]\nid = 'first'\ntext = '{first}'\n"
        f"[[questions]]\nid = 'other'\ntext = '{other}'\nafter = 'first'\n"
    )


def _loop(studies: Path, output: Path, model: str) -> tuple[Timed, Timed]:
    """What a user would write in a few lines: asking alone, and with masks, JSON and report as of a batch."""
    start = time.perf_counter()
    opened = open_model(model)
    output.mkdir()
    ends, saving_s = [time.perf_counter()], 0.0
    startup_s = ends[0] - start
    for scan in sorted(studies.glob("good-*")):
        session = Session(read_volume(scan), opened)
        answers = [session.ask(question) for question in _QUESTIONS]
        asked = time.perf_counter()
        for number, answer in enumerate(answers):
            masks = f"{scan.name}-{number}.seg.nrrd"
            answer.save(output / f"{scan.name}-{number}.json", masks)
            answer.save(output / masks)
        write_report(answers, output / f"{scan.name}.html")
        ends.append(time.perf_counter())
        # The first study is none of the rate, as of a batch.
        saving_s += ends[-1] - asked if len(ends) > 2 else 0.0
    between_s = ends[-1] - ends[1]
    count = len(ends) - 2
    return (
        Timed(3600 * count / (between_s - saving_s), startup_s, 0.0),
        Timed(3600 * count / between_s, startup_s, 0.0),
    )


def _command(folder: Path, studies: str, output: str, model: str, workers: int) -> list[str]:
    return [
        *(sys.executable, "-m", "MedSegRLib", "batch", str(folder / studies)),
        *("--questions", str(folder / "questions.toml"), "--output", str(folder / output)),
        *("--model", model, "--workers", str(workers)),
    ]


def _timed(folder: Path, studies: str, output: str, model: str, workers: int, broken: int) -> Timed:
    start = time.time()
    log = folder / f"{output}.log"
    code, _, peak_gb = run_measured(_command(folder, studies, output, model, workers), log)
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    if code != (1 if broken else 0):
        raise MedSegRError(f"The batch ended with code {code}: {said}")
    ends = sorted(path.stat().st_mtime for path in (folder / output / "studies").glob("*/study.json"))
    if len(ends) < 2:
        raise MedSegRError(f"The batch answered {len(ends)} studies: {said}")
    study_s = (ends[-1] - ends[0]) / (len(ends) - 1)
    return Timed(3600 / study_s, ends[0] - start - study_s, peak_gb)


def _killed(folder: Path, model: str, kills: int, longest_s: float) -> int:
    """Kill and continue a batch, then let it end; how often it was killed."""
    rng = random.Random(0)
    command, done = _command(folder, "studies", "killed", model, 1), 0
    for _ in range(kills):
        code, _, _ = run_measured(command, folder / "killed.log", rng.uniform(0, longest_s))
        done += code < 0
    run_measured(command, folder / "killed.log")
    return done


def _listed(output: Path) -> list[tuple[str, str]]:
    lists = json.loads((output / "failures.json").read_text(encoding="utf-8"))
    told = [(Path(one["study"]).name, one["why"]) for one in lists["failures"]]
    return sorted((name, why) for name, why in told if name.startswith("broken"))


def _contents(output: Path) -> dict[str, str]:
    """SHA-256 of every file."""
    files = (path for path in output.rglob("*") if path.is_file() and path.name != LOCK)
    return {
        path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def batch_markdown(result: BatchBenchmark) -> str:
    """Write it as Markdown."""
    machine = result.machine
    speeds = [
        ("loop of Session.ask, nothing written", result.loop),
        ("the same loop, masks, JSON and report written", result.saving),
        ("batch, one worker", result.one),
        ("batch, two workers", result.two),
        (f"batch, one worker, {min(_FEW, result.good)} studies", result.few),
    ]
    rows = [
        f"| {name} | {timed.studies_per_hour:.0f} | "
        f"{timed.studies_per_hour / result.saving.studies_per_hour:.2f} | {timed.startup_s:.1f} | "
        f"{f'{timed.peak_gb:.2f}' if timed.peak_gb else ''} |"
        for name, timed in speeds
    ]
    same = "the same, byte by byte" if result.same else "NOT the same"
    return "\n".join(
        [
            "# Benchmark of batches",
            "",
            f"{machine.processor}, {machine.capability}, {machine.cores} cores, torch "
            f"{machine.torch_version}; {len(_QUESTIONS)} questions a study.",
            "",
            f"{result.answered} of {result.good} good studies answered; {len(result.listed)} of "
            f"{result.broken} broken ones listed:",
            "",
            *(f"- {name}: {why}" for name, why in result.listed),
            "",
            f"Killed {result.kills} times and continued: contents are {same}.",
            "",
            "| | studies an hour | ratio | start-up, s | peak memory of all processes, GB |",
            "| --- | ---: | ---: | ---: | ---: |",
            *rows,
            "",
            "Ratios are to the loop that writes. A batch writes thumbnails, records, a table and a page too, "
            "and each study whole or not at all.",
            "",
        ]
    )
