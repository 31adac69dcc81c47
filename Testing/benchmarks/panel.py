"""How fast the panel is and what it leaves behind, as a Markdown table.

    taskset -c 0 python Testing/benchmarks/panel.py --questions 200 > panel.md

The module's own panel, a real worker with the shipped model, a real MRML scene, the MNI152 brain that
nilearn carries; outside Slicer on the stand-ins of Testing/Python/stand_ins. A turn of the event loop is all
that one round of it does, drawing included; its time on the processor is that of the panel's thread alone,
since on a shared core its time by the clock counts the worker too. Resident memory is read on Linux only.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "Python" / "stand_ins"))
import qt
import slicer
import workplace

PATIENCE_S = 600
STOPS, OPENINGS, WARM_UP = 3, 3, 10
QUESTIONS = (
    "Which structure is the first to shrink in Alzheimer's disease?",
    "And how large is it?",
    "Where is the left thalamus?",
    "Is there a tumour?",
    "Outline the brainstem.",
)


@dataclass
class Turns:
    """Rounds of the event loop: how many, and how long the longest took."""

    count: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def add(self, cpu_s: float, wall_s: float) -> None:
        self.count += 1
        self.cpu_s, self.wall_s = max(self.cpu_s, cpu_s), max(self.wall_s, wall_s)

    def __str__(self) -> str:
        cpu, wall = 1000 * self.cpu_s, 1000 * self.wall_s
        return f"{cpu:.0f} ms of processor, {wall:.0f} ms by the clock ({self.count} turns)"


@dataclass
class Watch:
    """Runs the event loop, and takes note of each turn and of what comes in it.

    Nothing is kept of a turn, so that the memory that is measured is the panel's.
    """

    widget: Any
    turns: dict[str, Turns] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    otherwise: str = "nothing"

    def __post_init__(self) -> None:
        self._kinds: set[str] = set()
        answers, view = self.widget.logic.console.answers, self.widget.view
        for owner, name, kind in (
            (view, "append_text", "text"),
            (answers, "preview", "slice"),
            (answers, "add_finding", "finding"),
        ):
            setattr(owner, name, self._noting(getattr(owner, name), kind))

    def _noting(self, method: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def noted(*values: Any, **named: Any) -> Any:
            self._kinds.add(kind)
            self.times.setdefault(kind, []).append(time.monotonic())
            return method(*values, **named)

        return noted

    def run_until(self, done: Callable[[], bool]) -> None:
        """Run the loop until something is so."""
        end = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > end:
                raise SystemExit(f"nothing came within {PATIENCE_S} s: {self.widget.view.message.text}")
            self._kinds.clear()
            wall, cpu = time.perf_counter(), time.thread_time()
            qt.QApplication.processEvents()
            took = time.thread_time() - cpu, time.perf_counter() - wall
            # What holds the loop up most gives its name to the turn.
            kind = next(
                (kind for kind in ("finding", "slice", "text") if kind in self._kinds), self.otherwise
            )
            self.turns.setdefault(kind, Turns()).add(*took)
            time.sleep(0.002)

    def ask(self, text: str) -> None:
        """Ask and wait for the whole answer."""
        number = len(workplace.exchanges_of(self.widget)) + 1
        workplace.type_question(self.widget, text)
        self.run_until(lambda: workplace.answered(self.widget, number))

    def count(self, kind: str) -> int:
        """How many of them have come."""
        return len(self.times.get(kind, []))

    def first_words_s(self, text: str) -> float:
        """Seconds from Enter to the first words of an answer, which is waited for."""
        before, start = self.count("text"), time.monotonic()
        self.ask(text)
        return self.times["text"][before] - start


def choose_new_brain(watch: Watch) -> Any:
    """A brain that no worker has seen, since one of its voxels is another."""
    node = workplace.put_brain(f"MNI152 T1 {slicer.mrmlScene.GetNumberOfNodes()}")
    slicer.util.arrayFromVolume(node)[0, 0, 0] += slicer.mrmlScene.GetNumberOfNodes()
    slicer.util.arrayFromVolumeModified(node)
    watch.widget.selector.setCurrentNodeID(node.GetID())
    return node


def stop_s(watch: Watch) -> float:
    """Seconds from a click on Stop to the end of the answer, in the middle of a scan's first look."""
    node, slices = choose_new_brain(watch), watch.count("slice")
    workplace.type_question(watch.widget, "Outline the brainstem.")
    watch.run_until(lambda: watch.count("slice") >= slices + 8)
    watch.widget.view.stop_button.click()
    start = time.monotonic()
    watch.run_until(lambda: workplace.answered(watch.widget, 1))
    took = time.monotonic() - start
    assert workplace.exchanges_of(watch.widget)[0].stage.value == "stopped"
    slicer.mrmlScene.RemoveNode(node)
    return took


def open_once() -> None:
    """Open the panel in this process, and tell how long that took and whether torch came with it."""
    start = time.perf_counter()
    workplace.open_module()
    qt.QApplication.processEvents()
    print(time.perf_counter() - start, "torch" in sys.modules)
    sys.stdout.flush()
    os._exit(0)


def opening_s() -> float:
    """Seconds to open the panel in a fresh process, the middle of some."""
    told = []
    for _ in range(OPENINGS):
        command = [sys.executable, __file__, "--open"]
        seconds, torch = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert torch == "False", "the panel has imported torch"
        told.append(float(seconds))
    return median(told)


def worker_pid() -> int | None:
    """The worker, found among the children of this process."""
    for tasks in Path("/proc/self/task").glob("*/children"):
        for pid in tasks.read_text().split():
            if "worker_main" in Path(f"/proc/{pid}/cmdline").read_text():
                return int(pid)
    return None


def memory_mb(pid: int | None) -> float:
    """Resident memory of a process in MB; not a number where that cannot be read."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def left_behind() -> tuple[int, int, float, float]:
    """Nodes in the scene, widgets, and the memory of this process and of the worker in MB."""
    gc.collect()
    own, worker = memory_mb(os.getpid()), memory_mb(worker_pid())
    return slicer.mrmlScene.GetNumberOfNodes(), len(qt.QApplication.allWidgets()), own, worker


def measured(questions: int) -> list[tuple[str, str, str]]:
    """What was measured, the value, and what is to be reached."""
    lines = [("panel opens, without torch", f"{opening_s():.2f} s", "1 s")]
    watch = Watch(workplace.open_module())
    choose_new_brain(watch)
    start = time.monotonic()
    watch.ask(QUESTIONS[0])
    lines.append(
        ("first answer of all, the worker's start included", f"{time.monotonic() - start:.1f} s", "")
    )
    slices = watch.times["slice"]
    one_slice = max(after - before for before, after in pairwise(slices))
    choose_new_brain(watch)
    new, known = watch.first_words_s(QUESTIONS[0]), watch.first_words_s(QUESTIONS[0])
    lines.append(("first words of a warm worker, on a new scan", f"{new:.2f} s", "3 s"))
    lines.append(("first words of a warm worker, on the same scan", f"{known:.2f} s", "3 s"))
    stops = ", ".join(f"{stop_s(watch):.2f}" for _ in range(STOPS))
    lines.append(("from Stop to stopped", f"{stops} s", f"{1 + one_slice:.2f} s, one slice and 1 s"))

    choose_new_brain(watch)
    for number in range(WARM_UP):
        watch.ask(QUESTIONS[number % len(QUESTIONS)])
    before, start = left_behind(), time.monotonic()
    for number in range(questions):
        watch.otherwise = f"nothing {10 * number // questions}"
        watch.ask(QUESTIONS[number % len(QUESTIONS)])
        watch.times.clear()
        print(f"\r{number + 1} of {questions}", end="", file=sys.stderr, flush=True)
    took, after = time.monotonic() - start, left_behind()
    names = ("nodes", "widgets", "memory of the panel's process", "memory of the worker")
    for name, old, new, goal in zip(names, before, after, ("0", "0", "50 MB", "50 MB"), strict=True):
        unit = " MB" if goal.endswith("MB") else ""
        told = f"{old:.0f} before, {new:.0f} after: {new - old:+.0f}{unit}"
        lines.append((f"{questions} questions: {name}", told, goal))
    lines.append((f"{questions} questions: each", f"{took / questions:.2f} s", ""))
    for kind, name, goal in (
        ("text", "longest turn in which text came", "50 ms"),
        ("slice", "longest turn in which a slice was outlined", "50 ms"),
        ("nothing 0", "longest of the other turns, first tenth of the questions", "50 ms"),
        ("nothing 9", "longest of the other turns, last tenth of the questions", "50 ms"),
        ("finding", "longest turn in which a finding was imported", "300 ms"),
    ):
        lines.append((name, str(watch.turns.get(kind, "none came")), goal))
    workplace.close_module(watch.widget)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--questions", type=int, default=200, help="how many are asked in a row")
    parser.add_argument("--open", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workplace.own_settings(Path(folder))
        if options.open:
            open_once()
        lines = measured(options.questions)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{platform.platform()}, {cores} of {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}\n")
    print("| what | measured | to be reached |\n| --- | --- | --- |")
    for line in lines:
        print(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    main()
