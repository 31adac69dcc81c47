"""Doubles of the tests of batch: scans with something bright in them, and who answers without a model.

Whoever answers here is a double of `Workers`, so that many studies take a second: it finds what is bright,
and says which question it heard. A real worker with a real model answers in test_workers.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegRLib.answers import Answer, Finding, Provenance, Question
from MedSegRLib.batch.asking import Asked, Stopped
from MedSegRLib.imaging import Plane, Volume, window_for
from MedSegRLib.service import Earlier

SCANS = 4
QUESTIONS = """
[[questions]]
id = "hippocampus"
text = "Where is the left hippocampus?"

[[questions]]
id = "other"
text = "And the one on the other side?"
after = "hippocampus"

[[questions]]
id = "heart"
text = "Is the heart there?"
"""


def put_scan(path: Path, seed: int = 0, bright: int = 3) -> None:
    """A small scan with a bright block, `bright` voxels wide."""
    voxels = np.random.default_rng(seed).normal(100, 5, (6, 12, 12)).astype(np.float32)
    voxels[2:4, 3:6, 3 : 3 + bright] += 400
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((2.0, 2.0, 5.0))
    sitk.WriteImage(image, str(path))


def put_broken(path: Path) -> None:
    """A scan whose header is in order and whose voxels are not."""
    voxels = np.full((6, 12, 12), np.nan, np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))


class Answering:
    """Stands for `Workers`: answers at once, notes what it was asked, and does worse on demand.

    Attributes
    ----------
    asked
        (name of the scan, question) of each question, in order.
    before
        Called before each question with its number from 1 on; may raise.
    """

    def __init__(self, before: Callable[[int], None] = lambda number: None) -> None:
        self.asked: list[tuple[str, str]] = []
        self.before = before
        self.held = self.most_held = 0
        self._turn, self._stopping = threading.Lock(), threading.Event()

    def __call__(self) -> Answering:
        self._stopping.clear()
        return self

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def stop(self) -> None:
        self._stopping.set()

    @contextmanager
    def lend(self, volume: Volume) -> Iterator[Asked]:
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        with self._turn:
            yield _Bright(self, volume)
        self.held -= 1

    def heard(self, volume: Volume, question: Question) -> None:
        if self._stopping.is_set():
            raise Stopped
        self.asked.append((volume.name, question.text))
        self.before(len(self.asked))


class _Bright:
    def __init__(self, answering: Answering, volume: Volume) -> None:
        self._answering, self._volume = answering, volume

    def ask(self, question: Question, earlier: Sequence[Earlier]) -> Answer:
        volume = self._volume
        self._answering.heard(volume, question)
        findings, absent = [], ()
        if "heart" in question.text:
            absent = ("heart",)
        else:
            phrase = "right hippocampus" if earlier else "left hippocampus"
            findings = [Finding.of(phrase, volume.voxels > 300, volume, Plane.AXIAL, 0.75)]
        said = f"{question.text} After {[one.question for one in earlier]}"
        provenance = Provenance(
            "bright", "1", window_for(volume), Plane.AXIAL, tuple(range(6)), "ground", 0, "0", {"all": 0.1}
        )
        return Answer(question, said, tuple(findings), absent, provenance, volume, "raw")


def contents(output: Path) -> dict[str, bytes]:
    """Every file of an output folder but the lock; all are the same, byte by byte, of the same batch."""
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
