"""A phantom brain with all 29 parts, and hand-made conversations that answer from its label map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.answers import Answer, Finding, Provenance, Question
from MedSegRLib.evaluation.cases import Case
from MedSegRLib.evaluation.structures16 import load_protocol
from MedSegRLib.imaging import Plane, Volume, Window

from .elsewhere import write_scans

Part = tuple[str, Side]

# Height of the blocks of each part in mm, so that slabs can miss some of them.
_LOW = ("brainstem", "fourth_ventricle", "cerebellar_cortex", "cerebellar_white_matter")


def brain_labels() -> np.ndarray:
    """[K, J, I] 110 x 40 x 44 of 1 mm: left parts at high I, white matter over the whole height."""
    protocol = load_protocol("freesurfer")
    labels = np.zeros((110, 40, 44), np.int32)
    for number, part in enumerate(protocol.parts):
        name, side = part
        row = 2 + 3 * (number // 2 % 12)
        column = {Side.LEFT: 30, Side.RIGHT: 8, Side.NONE: 20}[side]
        height = slice(2, 20) if name in _LOW else slice(2, 108) if "cerebral" in name else slice(48, 60)
        labels[height, row : row + 2, column : column + 4] = protocol.labels[part][0]
    return labels


def brain(labels: np.ndarray) -> Volume:
    return Volume(labels.astype(np.float32) + 1.0, np.diag([-1.0, -1.0, 1.0, 1.0]), name="phantom")


@dataclass
class Knowing:
    """Answers a question by a dictionary from its text to (present parts, absent phrases)."""

    volume: Volume
    labels: np.ndarray
    replies: Callable[[str], tuple[list[Part], tuple[str, ...]]]
    asked: list[str] = field(default_factory=list)
    forgot: int = 0
    confidence: float = 0.9

    def forget(self) -> None:
        self.forgot += 1

    def ask(self, asked: str | Question) -> Answer:
        question = asked if isinstance(asked, str) else asked.text
        self.asked.append(question)
        parts, absent = self.replies(question)
        protocol, table = load_protocol("freesurfer"), load_table()
        findings = []
        for part in parts:
            mask = protocol.mask(self.labels, part)
            phrase = table[part[0]].side_name(part[1])
            findings.append(Finding.of(phrase, mask, self.volume, Plane.AXIAL, self.confidence))
        provenance = Provenance("hand", "1", Window(0, 1, "w"), Plane.AXIAL, (0,), "ground", 0, "0")
        raw = "".join(f"<p>{f.phrase}</p>[SEG]" for f in findings) + "".join(
            f"<p>{a}</p>[REJ]" for a in absent
        )
        return Answer(Question(question), "text", tuple(findings), absent, provenance, self.volume, raw)


def by_dictionary(replies: Mapping[str, list[Part]]) -> Callable[[str], tuple[list[Part], tuple[str, ...]]]:
    return lambda question: (replies.get(question, []), ())


@pytest.fixture(scope="session")
def labels() -> np.ndarray:
    return brain_labels()


@pytest.fixture(scope="session")
def volume(labels: np.ndarray) -> Volume:
    return brain(labels)


@pytest.fixture(scope="session")
def case(volume: Volume, labels: np.ndarray) -> Case:
    return Case("phantoms", "one", "brain", "freesurfer", lambda: (volume, labels))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two abdomens, the second without a left kidney, and three spine pictures of two patients."""
    return write_scans(tmp_path)
