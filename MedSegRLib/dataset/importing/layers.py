"""Layers: named masks that may overlap, as label maps on the grid of their scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume

from ..label_map import write_label_map
from ..source import SourceLabel
from .label_table import LabelName

__all__ = ["NamedMask", "on_grid", "write_layers"]

# Positions of DICOM are written with few digits; the part of a voxel that they may be off.
_GRID_TOLERANCE = 0.05


@dataclass(frozen=True, eq=False)
class NamedMask:
    """A mask, bool [K, J, I], and its name."""

    name: LabelName
    mask: npt.NDArray[np.bool_] = field(repr=False)


def on_grid(
    mask: npt.NDArray[np.bool_], ijk_to_ras: npt.NDArray[np.float64], volume: Volume, name: str
) -> npt.NDArray[np.bool_]:
    """Lay a mask with a grid of its own onto the grid of a scan, by moving and turning voxels only.

    Parameters
    ----------
    mask, ijk_to_ras
        bool [K, J, I], and where it lies.
    volume
        The scan.
    name
        For the sentences.

    Raises
    ------
    DatasetError
        If the voxels do not fall onto voxels of the scan, or reach out of it.
    """
    to_scan = np.linalg.inv(volume.ijk_to_ras) @ ijk_to_ras
    turn = np.rint(to_scan[:3, :3])
    there = np.argwhere(mask)
    exact = there[:, ::-1] @ to_scan[:3, :3].T + to_scan[:3, 3]
    ijk = np.rint(exact).astype(np.int64)
    # Axes may be exchanged and turned around; anything else would put voxels between others.
    turned_only = (np.abs(turn).sum(axis=0) == 1).all() and (np.abs(turn).sum(axis=1) == 1).all()
    if not turned_only or np.abs(exact - ijk).max(initial=0) > _GRID_TOLERANCE:
        raise DatasetError(
            f"{name} is not on the grid of its scan {volume.name}; resample it onto that grid."
        )
    kji = ijk[:, ::-1]
    if (kji < 0).any() or (kji >= volume.shape_kji).any():
        raise DatasetError(
            f"{name} reaches out of its scan {volume.name}; give the scan that it was drawn on."
        )
    placed = np.zeros(volume.shape_kji, np.bool_)
    placed[tuple(kji.T)] = True
    return placed


def write_layers(
    masks: Sequence[NamedMask], volume: Volume, folder: Path, stem: str
) -> tuple[SourceLabel, ...]:
    """Write masks as label maps, on as few as hold them without loss.

    Parameters
    ----------
    masks
        On the scan's grid. Those of one structure and side come into one file.
    volume
        The scan.
    folder, stem
        Where the files go, and how their names begin.

    Raises
    ------
    DatasetError
        If there is no mask, or one is empty.
    OutputError
        If a file cannot be written.
    """
    if not masks:
        raise DatasetError(f"Nothing is drawn on {volume.name}; give a file with at least one mask.")
    taken: list[npt.NDArray[np.bool_]] = []
    maps: list[npt.NDArray[np.uint16]] = []
    labels: list[SourceLabel] = []
    for group in _by_part(masks):
        union = np.logical_or.reduce([one.mask for one in group])
        layer = next((n for n, other in enumerate(taken) if not (other & union).any()), len(taken))
        if layer == len(taken):
            taken.append(np.zeros(volume.shape_kji, np.bool_))
            maps.append(np.zeros(volume.shape_kji, np.uint16))
        taken[layer] |= union
        file = folder / (f"{stem}.nii.gz" if layer == 0 else f"{stem}-{layer + 1}.nii.gz")
        for one in group:
            value = 1 + sum(label.file == file for label in labels)
            maps[layer][one.mask] = value
            labels.append(SourceLabel(file, value, one.name.name, one.name.structure, one.name.side))
    for file, labelmap in zip(dict.fromkeys(label.file for label in labels), maps, strict=True):
        write_label_map(file, labelmap, volume)
    return tuple(labels)


def _by_part(masks: Sequence[NamedMask]) -> list[list[NamedMask]]:
    """Masks of one part together, in the order of the first; what has no part stays alone."""
    groups: dict[object, list[NamedMask]] = {}
    for number, one in enumerate(masks):
        if not one.mask.any():
            raise DatasetError(f"The mask '{one.name.name}' is empty; draw it or remove it.")
        part = number if one.name.structure is None else (one.name.structure, one.name.side)
        groups.setdefault(part, []).append(one)
    return list(groups.values())
