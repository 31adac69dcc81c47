"""Slices of real scans, drawn so that every structure comes as often as another, and varied.

They are turned, stretched, shifted and cut, and their grey values changed, within what patients and scanners
do; they are mirrored only where a body is alike on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .real_scans import RealScan

__all__ = ["ALIKE_ON_BOTH_SIDES", "RealSlice", "RealSlices"]

# Share of the slices that show the structure that they were drawn for.
_SHOWING = 0.75
ALIKE_ON_BOTH_SIDES = frozenset({"head_neck", "brain"})


@dataclass(frozen=True)
class RealSlice:
    """`image` float32 [C, H, W] in 0..1; `structure`, `side` int64 [H, W] as `PartTargets.draw` gives them."""

    scan: RealScan
    image: Tensor
    structure: Tensor
    side: Tensor


class RealSlices:
    """Draws slices of scans.

    Parameters
    ----------
    scans
        At least one that shows something drawn.
    """

    def __init__(self, scans: Sequence[RealScan]) -> None:
        self._showing: dict[int, dict[str, list[RealScan]]] = {}
        for scan in scans:
            for structure in scan.showing:
                patients = self._showing.setdefault(structure, {})
                patients.setdefault(scan.patient, []).append(scan)

    def draw(self, size: tuple[int, int], rng: np.random.Generator) -> RealSlice:
        """Draw a structure, a patient, a scan and a slice, and cut `size` (H, W) pixels out of it."""
        structure = sorted(self._showing)[int(rng.integers(len(self._showing)))]
        patients = list(self._showing[structure].values())
        scans = patients[int(rng.integers(len(patients)))]
        scan = scans[int(rng.integers(len(scans)))]
        showing = scan.showing[structure]
        among = showing if rng.random() < _SHOWING else np.arange(len(scan.slices))
        return cut(scan, int(among[int(rng.integers(len(among)))]), size, rng)


def cut(scan: RealScan, index: int, size: tuple[int, int], rng: np.random.Generator) -> RealSlice:
    """Cut and vary one slice."""
    height, width = size
    edge = scan.slices.shape[-1]
    grid = _grid(edge, size, rng)
    image = torch.from_numpy(scan.channels(index)).float()[None] / 255
    image = functional.grid_sample(image, grid, mode="bilinear", align_corners=False)[0]
    drawn = torch.from_numpy(np.stack([scan.structure[index], scan.side[index]])).float()[None]
    drawn = functional.grid_sample(drawn, grid, mode="nearest", align_corners=False)[0].long()
    structure, side = drawn[0], drawn[1]
    if scan.region in ALIKE_ON_BOTH_SIDES and rng.random() < 0.5:
        image, structure, side = image.flip(-1), structure.flip(-1), side.flip(-1)
        side = torch.where(side > 0, 3 - side, side)
    image = image * float(rng.uniform(0.8, 1.2)) + float(rng.uniform(-0.08, 0.08)) * (image > 0)
    noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
    image = (image + noise * float(rng.uniform(0, 0.05))).clamp_(0, 1).pow(float(np.exp(rng.normal(0, 0.2))))
    return RealSlice(scan, image.contiguous(), structure.contiguous(), side.contiguous())


def _grid(edge: int, size: tuple[int, int], rng: np.random.Generator) -> Tensor:
    """Where the pixels of a cut lie on a canvas, [1, H, W, 2] as `grid_sample` takes it."""
    angle = float(rng.normal(0, 0.12))
    stretch = np.exp(rng.normal(0, 0.09, 2)) * np.exp(rng.normal(0, 0.08))
    # What is larger than the cut is seen in part or, now and then, small.
    if edge > max(size) and rng.random() < 0.3:
        stretch = stretch * edge / max(size)
    spare = np.maximum(0, edge - np.asarray(size) * stretch) / 2 + 12
    shift = rng.uniform(-spare, spare)
    rows = (torch.arange(size[0], dtype=torch.float32) - (size[0] - 1) / 2) * float(stretch[0])
    columns = (torch.arange(size[1], dtype=torch.float32) - (size[1] - 1) / 2) * float(stretch[1])
    y = float(np.cos(angle)) * rows[:, None] - float(np.sin(angle)) * columns[None, :] + float(shift[0])
    x = float(np.sin(angle)) * rows[:, None] + float(np.cos(angle)) * columns[None, :] + float(shift[1])
    coarse = int(rng.integers(3, 7))
    bend = torch.from_numpy(rng.standard_normal((1, 2, coarse, coarse), dtype=np.float32))
    bend = functional.interpolate(bend * float(rng.uniform(0, 4)), size=size, mode="bicubic", align_corners=True)
    return torch.stack([x + bend[0, 0], y + bend[0, 1]], dim=-1)[None] * (2 / edge)
