"""A small MedSeg-QA file by hand: boxes in made-up scans, whose scores are worked out beforehand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from MedSegRLib.answers import Answer, Finding, Provenance, Question
from MedSegRLib.imaging import Plane, Volume, Window

Box = tuple[slice, slice, slice]

# [K, J, I] of 10 x 12 x 14 voxels of 1 x 1 x 2 mm (I, J, K); label and box of each part.
SHAPE, SPACING = (10, 12, 14), (1.0, 1.0, 2.0)
LABELS = {"left hippocampus": 17, "right hippocampus": 53, "left amygdala": 18}
BOXES: dict[str, Box] = {
    "left hippocampus": (slice(2, 6), slice(2, 6), slice(2, 6)),
    "right hippocampus": (slice(2, 6), slice(2, 6), slice(9, 13)),
    "left amygdala": (slice(7, 9), slice(8, 10), slice(2, 4)),
}


def mask_of(box: Box, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[box] = True
    return mask


def write(path: Path, array: np.ndarray) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    sitk.WriteImage(image, str(path))


def target(
    name: str, present: bool = True, file: str = "seg.nii.gz", label: int | None = None
) -> dict[str, Any]:
    side, _, structure = name.partition(" ")
    labels = [LABELS.get(name, 1) if label is None else label]
    return {
        "phrase": name,
        "structure": structure,
        "side": side,
        "present": present,
        "mask": {"file": file, "labels": labels} if present else None,
    }


def exchange(question: str, kind: str, targets: Sequence[dict[str, Any]], answer: str = "") -> dict[str, Any]:
    said = answer or " ".join(f"<p>{t['phrase']}</p>{'[SEG]' if t['present'] else '[REJ]'}" for t in targets)
    return {"question": question, "answer": said or "Here.", "question_type": kind, "targets": list(targets)}


def item(name: str, patient: str, exchanges: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "patient": patient,
        "study": "1",
        "image": "vol.nii.gz",
        "modality": "MR",
        "region": "brain",
        "plane": "axial",
        "slices": None,
        "split": "validation",
        "exchanges": list(exchanges),
        "provenance": {"annotator": "hand", "seed": None, "software_version": "0"},
        "review": "unreviewed",
        **more,
    }


def write_set(path: Path, items: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in items), encoding="utf-8")
    return path


def write_scan(folder: Path) -> None:
    """vol.nii.gz and seg.nii.gz, the parts of `BOXES` in it."""
    labels = np.zeros(SHAPE, np.int16)
    for name, box in BOXES.items():
        labels[box] = LABELS[name]
    write(folder / "seg.nii.gz", labels)
    write(folder / "vol.nii.gz", labels.astype(np.float32) + np.arange(14, dtype=np.float32))


@dataclass
class Scripted:
    """Answers a question by what is written for it: (phrase, mask, confidence) of each finding, and text."""

    volume: Volume
    script: Mapping[str, tuple[Sequence[tuple[str, np.ndarray, float]], str]]
    asked: list[Question] = field(default_factory=list)
    grounded: list[str] = field(default_factory=list)

    def forget(self) -> None:
        pass

    def ask(self, question: str | Question) -> Answer:
        asked = question if isinstance(question, Question) else Question(question)
        self.asked.append(asked)
        findings, text = self.script[asked.text]
        return self._answer(asked, findings, text)

    def ground(self, question: str | Question, raw: str) -> Answer:
        self.grounded.append(raw)
        asked = question if isinstance(question, Question) else Question(question)
        findings = [(name, mask_of(box), 0.5) for name, box in BOXES.items() if name in raw]
        return self._answer(asked, findings, raw)

    def _answer(self, asked: Question, findings: Any, text: str) -> Answer:
        made = tuple(
            Finding.of(phrase, mask, self.volume, Plane.AXIAL, confidence)
            for phrase, mask, confidence in findings
        )
        came = Provenance("hand", "1", Window(0, 1, "w"), Plane.AXIAL, (0,), "ground", 0, "0")
        return Answer(asked, text, made, (), came, self.volume, text)
