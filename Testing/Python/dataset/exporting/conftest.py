"""A small data set on disk: a volume with two organs that overlap in no voxel, and a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.format import Item, ItemExchange, ItemProvenance, ItemTarget, MaskReference
from MedSegRLib.imaging import Plane


def target(name: str, label: int, file: str = "labels.nii") -> ItemTarget:
    return ItemTarget(name, name, Side.NONE, True, MaskReference(file, (label,)))


LIVER, SPLEEN = target("liver", 1), target("spleen", 2)
BRAIN = ItemTarget("left thalamus", "thalamus", Side.LEFT, False)
SHOW = ItemExchange("Where is the bile made?", "In the <p>liver</p>[SEG].", QuestionType.IMPLICIT, (LIVER,))
NEXT = ItemExchange("And that?", "The <p>spleen</p>[SEG].", QuestionType.FOLLOW_UP, (SPLEEN,))
NONE = ItemExchange("A thalamus?", "No <p>left thalamus</p>[REJ].", QuestionType.ABSENT, (BRAIN,))


@pytest.fixture
def labels() -> np.ndarray:
    """[K, J, I]: the liver (1) is largest on slice 2, the spleen (2) is on slices 2 and 3."""
    drawn = np.zeros((5, 6, 8), np.uint8)
    drawn[1, 1:3, 1:3] = 1
    drawn[2, 1:5, 1:4] = 1
    drawn[2, 2:3, 2:3] = 0
    drawn[2:4, 1:3, 5:7] = 2
    return drawn


@pytest.fixture
def item(tmp_path: Path, labels: np.ndarray) -> Item:
    # Of ITK's axes, which run as a canonical axial view does: nothing is turned.
    rng = np.random.default_rng(0)
    sitk.WriteImage(
        sitk.GetImageFromArray(rng.normal(100, 20, labels.shape).astype(np.float32)),
        str(tmp_path / "scan.nii"),
    )
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(tmp_path / "labels.nii"))
    return Item(
        "a-1", "a", "1", "scan.nii", "MR", "abdomen", Plane.AXIAL, "train", (SHOW, NEXT, NONE),
        ItemProvenance("offline", "0"),
    )  # fmt: skip


@pytest.fixture
def picture(tmp_path: Path, item: Item, labels: np.ndarray) -> Item:
    """An item of another patient, in validation, about one slice as a PNG."""
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
    sitk.WriteImage(sitk.GetImageFromArray(grey), str(tmp_path / "p.png"))
    sitk.WriteImage(sitk.GetImageFromArray(labels[2]), str(tmp_path / "p_labels.png"))
    shown = replace(SHOW, targets=(target("liver", 1, "p_labels.png"),))
    return replace(item, id="b-1", patient="b", image="p.png", split="validation", exchanges=(shown,))
