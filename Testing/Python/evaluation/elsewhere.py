"""Scans of other regions than the brain, small, and a conversation that says what it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from MedSegRLib.answers import Answer, Finding, Provenance, Question
from MedSegRLib.imaging import Plane, Volume, Window

ABDOMEN = {"1": "liver", "2": "left kidney", "3": "right kidney"}
SPINE = {"1": "vertebra L5", "2": "vertebra L4", "10": "disc L5-S1", "11": "disc L4-L5", "8": "spinal canal"}


class Saying:
    """A conversation that finds, for each question, the phrases that it is told to find."""

    def __init__(self, volume: Volume, replies: Mapping[str, tuple[str, ...]]) -> None:
        self.volume, self.replies, self.asked, self.forgot = volume, replies, [], 0

    def forget(self) -> None:
        self.forgot += 1

    def ask(self, question: str | Question) -> Answer:
        text = question if isinstance(question, str) else question.text
        self.asked.append(text)
        mask = np.ones(self.volume.shape_kji, bool)
        phrases = self.replies.get(text, ())
        findings = tuple(Finding.of(p, mask, self.volume, Plane.AXIAL, 0.9) for p in phrases)
        provenance = Provenance("hand", "1", Window(0, 1, "w"), Plane.AXIAL, (0,), "ground", 0, "0")
        raw = "".join(f"<p>{p}</p>[SEG]" for p in phrases)
        return Answer(Question(text), "text", findings, (), provenance, self.volume, raw)


def write_scans(tmp_path: Path) -> Path:
    """Two abdomens, the second without a left kidney, and three spine pictures of two patients."""
    grey = np.arange(3 * 8 * 10, dtype=np.int16).reshape(3, 8, 10)
    common = {"split": "validation", "kind": "volume", "licence": "CC0"}
    index: list[dict[str, Any]] = []

    def add(name: str, ending: str, image: np.ndarray, label: np.ndarray, **entry: Any) -> None:
        files = {"image": f"{name}{ending}", "label": f"{name}_seg{ending}"}
        sitk.WriteImage(sitk.GetImageFromArray(image), str(tmp_path / files["image"]))
        sitk.WriteImage(sitk.GetImageFromArray(label), str(tmp_path / files["label"]))
        index.append({**common, **files, **entry})

    belly = np.zeros((3, 8, 10), np.uint8)
    belly[:, 1:4, 1:4], belly[1, 5:7, 6:9], belly[1, 5:7, 1:3] = 1, 2, 3
    abdomen = {"source": "ct", "modality": "CT", "region": "abdomen", "labels": ABDOMEN}
    add("a", ".nii", grey, belly, patient="a", **abdomen)
    add("b", ".nii", grey + 1, np.where(belly == 2, 0, belly).astype(np.uint8), patient="b", **abdomen)
    spine = {"source": "mr", "modality": "MR", "region": "lumbar spine, sagittal", "labels": SPINE}
    for name, patient, rows in (("c1", "c", 1), ("c2", "c", 3), ("d1", "d", 2)):
        label = np.zeros((12, 10), np.uint8)
        for number, value in enumerate((1, 2, 10, 8)):
            label[2 * number : 2 * number + 2, 1 : 1 + rows] = value
        if name == "d1":
            label[9:11, 1:3] = 11
        picture = np.arange(120, dtype=np.uint8).reshape(12, 10) + 10 * rows
        add(name, ".png", picture.astype(np.uint8), label, patient=patient, **spine)
    # A region that nobody has questions about, and a scan that may be trained on.
    index.append({**index[0], "region": "head with skull, breast", "source": "x", "patient": "x"})
    index.append({**index[0], "split": "train", "source": "y", "patient": "y"})
    (tmp_path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return tmp_path
