"""Examinations of real scans: some key slices of a whole scan or of a part of it, for the language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from MedSegRLib.model.canvas import downscale
from MedSegRLib.model.medsegr import MedSegRConfig

from .coverage import Coverage
from .real_scans import RealScan
from .real_slices import may_be_mirrored
from .targets import other_side

__all__ = ["RealExamination", "RealExaminations", "pictures_of"]


@dataclass(frozen=True)
class RealExamination:
    """Key slices of a scan and what is drawn on them.

    `pictures` [n, 3, P, P] in 0..1; `structure`, `side` int64 [n, S, S]; `pixels` int64 [structures + 1, 3],
    how many of each structure and side lie between the first and the last of them.
    """

    pictures: Tensor
    structure: Tensor
    side: Tensor
    pixels: npt.NDArray[np.int64]
    coverage: Coverage


def pictures_of(most: int, rng: np.random.Generator) -> int:
    """How many pictures of an examination are seen: all, a few, or one.

    Hearts and spines come as single slices; were brains never seen so, one picture alone would mean them.
    """
    draw = rng.random()
    return most if draw < 0.6 else 1 if draw < 0.85 else int(rng.integers(1, most + 1))


class RealExaminations:
    """Draws examinations of scans; false if there is none."""

    def __init__(self, scans: Sequence[RealScan], config: MedSegRConfig) -> None:
        self.config = config
        self._patients: dict[str, dict[str, list[RealScan]]] = {}
        for scan in scans:
            patients = self._patients.setdefault(scan.coverage.region, {})
            patients.setdefault(scan.patient, []).append(scan)

    def __bool__(self) -> bool:
        return bool(self._patients)

    def draw(self, rng: np.random.Generator) -> RealExamination:
        """Draw a region, a patient, a scan and what part of it is seen, and vary it."""
        # By region and patient first: of some there are hundreds of single slices, of others two scans. Were
        # patients of whom little is drawn as frequent as others, that little would be said of every scan.
        regions = sorted(self._patients)
        patients = list(self._patients[regions[int(rng.integers(len(regions)))]].values())
        drawn = np.array([len(set().union(*(scan.showing for scan in scans))) + 1.0 for scans in patients])
        scans = patients[int(rng.choice(len(patients), p=drawn / drawn.sum()))]
        scan = scans[int(rng.integers(len(scans)))]
        n = len(scan.slices)
        count = min(n, pictures_of(self.config.key_slices, rng))
        low, high = (0.0, float(n)) if rng.random() < 0.5 else np.sort(rng.uniform(0, n, 2))
        # A single picture is of any slice, not of the middle one.
        low = float(rng.uniform(0, n - 1)) if count == 1 else min(float(low), n - count)
        high = low + 1 if count == 1 else max(float(high), low + count)
        at = np.clip((low + (np.arange(count) + 0.5) / count * (high - low)).astype(int), 0, n - 1)
        channels = list(self.config.picture_channels)
        images = torch.from_numpy(np.stack([scan.channels(int(i))[channels] for i in at])).float() / 255
        structure, side = (torch.from_numpy(a[at]).long() for a in (scan.structure, scan.side))
        pixels = scan.pixels[int(at[0]) : int(at[-1]) + 1].sum(0)
        if may_be_mirrored(scan) and rng.random() < 0.5:
            images, structure, side = images.flip(-1), structure.flip(-1), other_side(side.flip(-1))
            pixels = pixels[:, [0, 2, 1]]
        edge = scan.slices.shape[-1] // 12
        shift = tuple(int(v) for v in rng.integers(-edge, edge + 1, 2))
        images, structure, side = (torch.roll(a, shift, (-2, -1)) for a in (images, structure, side))
        pictures = downscale(images, self.config.picture_size)
        pictures = pictures * float(rng.uniform(0.7, 1.2))
        pictures = pictures.clamp(0, 1).pow(float(np.exp(rng.normal(0, 0.25))))
        return RealExamination(pictures, structure, side, pixels, scan.coverage)
