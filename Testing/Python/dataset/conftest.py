"""A phantom head with every part of the brain in it, an annotator of brains, and a data set about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.building.builder import Builder
from MedSegRLib.dataset.building.checks import Checker
from MedSegRLib.dataset.building.held_out import held_out_questions
from MedSegRLib.dataset.building.journal import ITEMS
from MedSegRLib.dataset.building.offline import RegionAnnotator
from MedSegRLib.dataset.building.phrasings import load_phrasings
from MedSegRLib.dataset.building.units import Share
from MedSegRLib.dataset.importing.freesurfer import freesurfer_names
from MedSegRLib.dataset.source import Source, SourceLabel
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
def phantom(tmp_path: Path, offered: tuple[str, ...]) -> Source:
    """Every part a block of 2 x 3 x 4 voxels of 1 x 1 x 2 mm; the left amygdala (18) is left out."""
    table = load_table()
    labels = np.zeros((4, 32, 40), np.int16)
    drawn = [(side, own[0]) for name in offered for side, own in table[name].freesurfer if own[0] != 18]
    # Columns of blocks from the patient's right to the left, as the image runs.
    for side, columns in ((Side.RIGHT, (0, 1, 2, 3)), (Side.NONE, (4,)), (Side.LEFT, (5, 6, 7, 8))):
        for number, label in enumerate(label for of, label in drawn if of is side):
            row, column = divmod(number, len(columns))
            left = columns[column] * 4 + 2
            labels[1:3, row * 4 + 1 : row * 4 + 4, left : left + 4] = label
    for name, array in (("labels", labels), ("image", labels.astype(np.float32) * 3 + 1)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 1.0, 2.0))
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    return source_of(tmp_path / "image.nii.gz", tmp_path / "labels.nii.gz")


def source_of(image: Path, labels: Path) -> Source:
    """A brain whose label map has FreeSurfer's ids."""
    names = freesurfer_names(load_table())
    drawn = [SourceLabel(labels, n.value, n.name, n.structure, n.side) for n in names if n.value is not None]
    return Source("phantom", "1", image, tuple(drawn), "MR", "brain", split="development")


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    """Write conversations about a scan as a whole; returns the data set's file."""

    def built(source: Source, *, scans: int, seed: int, folder: str = "built") -> Path:
        table = load_table()
        annotator = RegionAnnotator(table, load_phrasings())
        Builder(tmp_path / folder, {}, annotator, Checker(table), table, seed=seed).run(
            [source], [Share(every=0, scans=scans)]
        )
        return tmp_path / folder / ITEMS

    return built
