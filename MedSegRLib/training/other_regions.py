"""Scans of other regions: what the model learns to say no on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from MedSegRLib.dataset.regions import region_named
from MedSegRLib.errors import UserInputError
from MedSegRLib.imaging import Plane, SliceStack, read_volume, window_for
from MedSegRLib.model.canvas import Canvas
from MedSegRLib.model.medsegr import MedSegRConfig

from .joint_batches import OtherScan

__all__ = ["read_other_scans"]

_MOST_SLICES = 40


def read_other_scans(
    root: Path, sources: Sequence[str], config: MedSegRConfig
) -> tuple[list[OtherScan], list[Path]]:
    """Read the training scans of some sources of the data folder's index, as pictures.

    Returns
    -------
    The scans, and the files that were read. Single slices of one patient are scans of one picture.

    Raises
    ------
    UserInputError
        If the index gives a scan a region that is unknown.
    """
    entries = json.loads((root / "index.json").read_text(encoding="utf-8"))
    scans, files = [], []
    for entry in entries:
        if entry["split"] != "train" or entry["source"] not in sources or not entry["image"]:
            continue
        path = root / entry["image"]
        if not path.exists() or path in files:
            continue
        volume = read_volume(path)
        plane = volume.acquisition_plane if volume.is_single_slice else Plane.AXIAL
        canvas = Canvas(
            SliceStack.of(volume, plane),
            window_for(volume),
            sizes=config.canvas_sizes,
            pixel_mm=config.pixel_mm,
            offsets_mm=config.slice_offsets_mm,
        )
        filled = canvas.filled()
        step = max(1, len(filled) // _MOST_SLICES)
        pictures = canvas.pictures(filled[::step], config.picture_size, config.picture_channels)
        region = region_named(entry["region"])
        if region is None:
            raise UserInputError(
                f"{path} is of the region '{entry['region']}', which is unknown; correct the index."
            )
        scans.append(OtherScan(region, np.stack(pictures)))
        files.append(path)
    return scans, files
