"""What the tests of answers share: a made-up head with two unequal hippocampi, and its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from MedSegRLib.answers import Answer, Finding, Provenance, Question, sentences
from MedSegRLib.imaging import Modality, Plane, Volume, kji_to_ras_mm, window_for

IJK_TO_RAS = np.array([[-2.0, 0, 0, 50], [0, -1.5, 0, 60], [0, 0, 4.0, -40], [0, 0, 0, 1]])
SHAPE_KJI = (20, 80, 50)


def ellipsoid(center_ras_mm, radii_mm, ijk_to_ras=IJK_TO_RAS, shape_kji=SHAPE_KJI):
    """Voxels whose centres lie in an ellipsoid, bool [K, J, I]."""
    positions = kji_to_ras_mm(ijk_to_ras, np.moveaxis(np.indices(shape_kji), 0, -1))
    return (((positions - center_ras_mm) / radii_mm) ** 2).sum(axis=-1) <= 1


@dataclass(frozen=True)
class Phantom:
    """A head; its left hippocampus is the larger one."""

    volume: Volume
    left: np.ndarray
    right: np.ndarray

    def answer(self, **changes) -> Answer:
        plane = Plane.AXIAL
        findings = (
            Finding.of("left hippocampus", self.left, self.volume, plane, 0.9),
            Finding.of("right hippocampus", self.right, self.volume, plane, 0.75),
        )
        provenance = Provenance(
            "medsegr-mini", "1", window_for(self.volume), plane, tuple(range(20)), "ground", 7, "0.1.0",
            {"talk": 1.5, "ground": 2.0}, ("The text was corrected once.",),
        )  # fmt: skip
        text = "Here are the left hippocampus and the right hippocampus. " + " ".join(
            sentences(findings, self.volume)
        )
        answer = Answer(
            Question("Which part shrinks first in <Alzheimer's> & is it smaller?", seed=7), text, findings,
            ("tumour",), provenance, self.volume, "<p>left hippocampus</p>[SEG]",
        )  # fmt: skip
        return replace(answer, **changes)


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    head = ellipsoid((0, 0, 0), (46, 56, 38))
    left, right = ellipsoid((-24, -5, -4), (8, 20, 9)), ellipsoid((24, -5, -4), (7, 17, 8))
    voxels = np.random.default_rng(0).normal(100, 5, SHAPE_KJI) * head
    voxels[left | right] -= 40
    volume = Volume(voxels, IJK_TO_RAS, Modality.MR, "made-up <head>", notes=("Made up.",))
    return Phantom(volume, left, right)


@pytest.fixture(scope="session")
def answer(phantom: Phantom) -> Answer:
    return phantom.answer()
