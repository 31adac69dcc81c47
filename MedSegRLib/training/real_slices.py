"""Slices of real scans, drawn so that every structure comes as often as another, and varied.

They are turned, stretched, shifted and cut, and their grey values changed, within what patients and scanners
do; they are mirrored only where a body is alike on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .coverage import DrawnSlice
from .real_scans import RealScan
from .targets import other_side

__all__ = ["RealSlices", "cut", "may_be_mirrored"]

# Share of the slices that show the structure that they were drawn for.
_SHOWING = 0.75
_ALIKE_ON_BOTH_SIDES = frozenset({"head_neck", "brain"})


class RealSlices:
    """Draws slices of scans; false if none of them shows anything that is taught."""

    def __init__(self, scans: Sequence[RealScan]) -> None:
        self._showing: dict[int, dict[str, list[RealScan]]] = {}
        for scan in scans:
            for structure in scan.showing:
                patients = self._showing.setdefault(structure, {})
                patients.setdefault(scan.patient, []).append(scan)

    def __bool__(self) -> bool:
        return bool(self._showing)

    def draw(self, size: tuple[int, int], rng: np.random.Generator) -> DrawnSlice:
        """Draw a structure, a patient, a scan and a slice, and cut `size` (H, W) pixels out of it."""
        structure = sorted(self._showing)[int(rng.integers(len(self._showing)))]
        patients = list(self._showing[structure].values())
        scans = patients[int(rng.integers(len(patients)))]
        scan = scans[int(rng.integers(len(scans)))]
        showing = scan.showing[structure]
        among = showing if rng.random() < _SHOWING else np.arange(len(scan.slices))
        return cut(scan, int(among[int(rng.integers(len(among)))]), size, rng)


def cut(scan: RealScan, index: int, size: tuple[int, int], rng: np.random.Generator) -> DrawnSlice:
    """Cut and vary one slice."""
    edge = scan.slices.shape[-1]
    grid = _grid(edge, size, rng)
    image = torch.from_numpy(scan.channels(index)).float()[None] / 255
    image = functional.grid_sample(image, grid, mode="bilinear", align_corners=False)[0]
    drawn = torch.from_numpy(np.stack([scan.structure[index], scan.side[index]])).float()[None]
    drawn = functional.grid_sample(drawn, grid, mode="nearest", align_corners=False)[0].long()
    structure, side = drawn[0], drawn[1]
    if may_be_mirrored(scan) and rng.random() < 0.5:
        image, structure, side = image.flip(-1), structure.flip(-1), other_side(side.flip(-1))
    image = image * float(rng.uniform(0.8, 1.2)) + float(rng.uniform(-0.08, 0.08)) * (image > 0)
    noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
    image = (image + noise * float(rng.uniform(0, 0.05))).clamp_(0, 1).pow(float(np.exp(rng.normal(0, 0.2))))
    return DrawnSlice(image.contiguous(), structure.contiguous(), side.contiguous(), scan.coverage)


def may_be_mirrored(scan: RealScan) -> bool:
    """Whether a scan is of what is alike on both sides."""
    return scan.coverage.region in _ALIKE_ON_BOTH_SIDES


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
    bend = bend * float(rng.uniform(0, 4))
    bend = functional.interpolate(bend, size=size, mode="bicubic", align_corners=True)
    return torch.stack([x + bend[0, 0], y + bend[0, 1]], dim=-1)[None] * (2 / edge)
