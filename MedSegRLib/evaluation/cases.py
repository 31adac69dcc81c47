"""Cases: the scans that are judged, read one at a time from a folder with an index.json.

The index is a list of objects with source, split, kind, modality, region, patient, image and label,
paths relative to the folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Modality, Volume, read_volume

from .synthetic_volume import synthetic_volume

__all__ = ["HELD_OUT_MAPS", "Case", "Labels", "brain_cases"]

# Kept out of training and development by the recipe of the shipped model.
HELD_OUT_MAPS = ("training_seg_17", "training_seg_18", "training_seg_19", "training_seg_20")

Labels = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Case:
    """One scan to be judged on; nothing is read before `load`.

    `protocol` says how the label map is drawn; None for a scan whose labels are of no use here.
    """

    group: str
    patient: str
    region: str
    protocol: str | None
    load: Callable[[], tuple[Volume, Labels]] = field(repr=False)


def brain_cases(
    folder: Path, *, held_out: Sequence[str] = HELD_OUT_MAPS, groups: Sequence[str] | None = None
) -> list[Case]:
    """The brains of known labels: OASIS, voxelmorph, and the held-out label maps as random contrasts."""
    cases = []
    for entry in _index(folder):
        source = entry["source"]
        if source == "brain_oasis_neuromorphometrics":
            cases.append(_real(folder, entry, "OASIS T1", "brain", "neuromorphometrics"))
        elif source == "brain_voxelmorph_test":
            cases.append(_real(folder, entry, "voxelmorph T1", "brain", "freesurfer"))
        elif source == "brain_labelmaps_synthseg" and entry["patient"] in held_out:
            seed = 1000 + list(held_out).index(entry["patient"])
            cases.append(_synthetic(folder, entry, seed))
    return [case for case in cases if groups is None or case.group in groups]


def _index(folder: Path) -> list[dict[str, Any]]:
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder} has no readable index.json; give the folder of scans.") from error
    if not isinstance(index, list):
        raise DatasetError(f"{folder / 'index.json'} is not a list of scans; give the folder of scans.")
    return index


def _real(folder: Path, entry: dict[str, Any], group: str, region: str, protocol: str | None) -> Case:
    def load() -> tuple[Volume, Labels]:
        volume = read_volume(folder / entry["image"])
        if protocol is None:
            return volume, np.zeros(volume.shape_kji, np.int32)
        return volume, _labels(folder / entry["label"])

    return Case(group, str(entry["patient"]), region, protocol, load)


def _synthetic(folder: Path, entry: dict[str, Any], seed: int) -> Case:
    def load() -> tuple[Volume, Labels]:
        path = folder / entry["label"]
        # Read as a volume for its geometry, so that there is one way from files to RAS.
        drawn = read_volume(path, modality=Modality.MR)
        labels = _labels(path)
        return synthetic_volume(labels, drawn.ijk_to_ras, seed, entry["patient"]), labels

    return Case("held-out label maps", str(entry["patient"]), "brain", "freesurfer", load)


def _labels(path: Path) -> Labels:
    try:
        labels: Labels = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(np.int32)
    except RuntimeError as error:
        raise DatasetError(f"{path} cannot be read as a label map; check the folder of scans.") from error
    return labels
