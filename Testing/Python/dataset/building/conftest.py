"""A made-up belly of four organs, its facts, and its files as a source."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import AnatomyTable, Side, load_table
from MedSegRLib.dataset.building.facts import Facts, Part
from MedSegRLib.dataset.building.field_of_view import outside_of
from MedSegRLib.dataset.building.measuring import measure_parts
from MedSegRLib.dataset.building.offline import RegionAnnotator
from MedSegRLib.dataset.building.phrasings import load_phrasings
from MedSegRLib.dataset.conversation import Exchange, QuestionType, Target
from MedSegRLib.dataset.source import Source, SourceLabel
from MedSegRLib.imaging import Plane

L, R, N = Side.LEFT, Side.RIGHT, Side.NONE
PARTS: tuple[Part, ...] = (("liver", N), ("kidney", R), ("kidney", L), ("spleen", N))
CRS_TO_RAS = np.diag([-3.0, -3.0, 6.0, 1.0])


def belly() -> tuple[np.ndarray, np.ndarray]:
    """Numbers 1 to 4 of the parts and grey values, [12, 60, 80]; the left kidney is the larger one."""
    numbers = np.zeros((12, 60, 80), np.int16)
    numbers[2:10, 15:40, 5:35] = 1
    numbers[1:7, 40:52, 12:24] = 2
    numbers[1:8, 40:52, 56:68] = 3
    numbers[4:10, 20:38, 60:74] = 4
    noise = np.random.default_rng(0).normal(0, 3, numbers.shape)
    return numbers, noise + np.array([20, 90, 140, 140, 110])[numbers]


@pytest.fixture(scope="session")
def table() -> AnatomyTable:
    return load_table()


@pytest.fixture(scope="session")
def facts(table: AnatomyTable) -> Facts:
    """The belly's facts: the gallbladder was looked for and is not there, the pancreas was not drawn."""
    numbers, grey = belly()
    parts = measure_parts([numbers], PARTS, grey, CRS_TO_RAS)
    outside = outside_of("abdomen", table, tuple(parts))
    return Facts(
        "abdomen", "CT", Plane.AXIAL, parts, (("gallbladder", N),), outside, undrawn=(("pancreas", N),)
    )


@pytest.fixture(scope="session")
def annotator(table: AnatomyTable) -> RegionAnnotator:
    return RegionAnnotator(table, load_phrasings())


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """The belly on disk, with a label that the anatomy table does not hold."""
    return write_source(tmp_path / "scans")


def write_source(folder: Path, patient: str = "p1", image: bool = True) -> Source:
    folder.mkdir(exist_ok=True)
    numbers, grey = belly()
    numbers[0, 0, 0] = 9
    for name, array in (("labels", numbers), ("image", grey.astype(np.float32))):
        written = sitk.GetImageFromArray(array)
        written.SetSpacing((3.0, 3.0, 6.0))
        sitk.WriteImage(written, str(folder / f"{patient}-{name}.nii.gz"))
    path = folder / f"{patient}-labels.nii.gz"
    labels = [SourceLabel(path, n, name, name, side) for n, (name, side) in enumerate(PARTS, 1)]
    labels += [
        SourceLabel(path, 5, "gallbladder", "gallbladder"),
        SourceLabel(path, 6, "pancreas", "pancreas"),
        SourceLabel(path, 9, "marker", None),
    ]
    return Source(
        patient=patient,
        study="1",
        image=folder / f"{patient}-image.nii.gz" if image else None,
        labels=tuple(labels),
        modality="CT",
        region="abdomen",
        undrawn=(("pancreas", N),),
        split="train",
        origin="bellies",
    )


def exchange(
    answer: str, *targets: tuple[str, str, Side, bool], kind: str = "direct", question: str = "Outline it."
) -> Exchange:
    """An exchange from (phrase, structure, side, present)."""
    return Exchange(question, answer, QuestionType(kind), tuple(Target(*target) for target in targets))


class Scripted:
    """An annotator that says what it is told to, one conversation after the other, the last one for ever."""

    name = "scripted"

    def __init__(self, *conversations: tuple[Exchange, ...] | Callable[[], tuple[Exchange, ...]]) -> None:
        self._left = list(conversations)

    def converse(self, facts: Facts, turns: int, rng: random.Random) -> tuple[Exchange, ...]:
        said = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        return said() if callable(said) else said
