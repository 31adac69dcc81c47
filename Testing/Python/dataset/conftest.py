"""A phantom head with every part of the brain in it, and an annotator that writes about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.build import LabelledScan
from MedSegRLib.dataset.building.held_out import held_out_questions
from MedSegRLib.dataset.stock import load_stock


def brain_structures() -> tuple[str, ...]:
    """The structures that label maps of the brain draw."""
    return tuple(structure.id for structure in load_table() if structure.freesurfer)


@pytest.fixture(scope="session")
def annotator() -> OfflineAnnotator:
    return OfflineAnnotator(load_table(), load_stock(), held_out_questions())


@pytest.fixture(scope="session")
def offered() -> tuple[str, ...]:
    return brain_structures()


@pytest.fixture
def phantom(tmp_path: Path, offered: tuple[str, ...]) -> LabelledScan:
    """Every part a block of 2 x 3 x 4 voxels of 1 x 1 x 2 mm; the left amygdala (18) is left out."""
    table = load_table()
    labels = np.zeros((4, 32, 40), np.int16)
    ids = [i for name in offered for _, own in table[name].freesurfer for i in own[:1] if i != 18]
    for number, label in enumerate(ids):
        row, column = divmod(number, 9)
        labels[1:3, row * 4 + 1 : row * 4 + 4, column * 4 + 1 : column * 4 + 5] = label
    for name, array in (("labels", labels), ("image", labels.astype(np.float32) * 3 + 1)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 1.0, 2.0))
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    return LabelledScan("phantom", tmp_path / "image.nii.gz", tmp_path / "labels.nii.gz", "development")
