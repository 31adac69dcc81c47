"""Real scans for tests, made of what is drawn on them."""

from __future__ import annotations

import numpy as np

from MedSegRLib.training.coverage import Coverage
from MedSegRLib.training.real_scans import RealScan

STEPS = (-1, 0, 0, 0, 1)


def made_scan(
    structure: np.ndarray,
    side: np.ndarray,
    coverage: Coverage,
    *,
    grey: np.ndarray | None = None,
    patient: str = "set/1",
) -> RealScan:
    """A scan of the given drawing [N, S, S]; `grey` if none is given is noise."""
    noise = np.random.default_rng(0).integers(0, 255, structure.shape, np.uint8)
    return RealScan(patient, noise if grey is None else grey, STEPS, structure, side, coverage)
