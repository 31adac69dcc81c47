"""The shipped model in front of the MNI152 brain that nilearn carries; opened once for all tests here."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegRLib import Session, open_model
from MedSegRLib.cli.demo import mni152
from MedSegRLib.imaging import Volume


@pytest.fixture(scope="session")
def brain() -> Volume:
    return mni152()


@pytest.fixture(scope="session")
def mini():
    return open_model("mini")


@pytest.fixture(scope="session")
def opened(brain, mini) -> Session:
    """One session, so that the scan is encoded once; ask through `fresh`."""
    return Session(brain, mini)


@pytest.fixture
def fresh(opened) -> Session:
    """The same session without its conversation."""
    opened.forget()
    return opened


def parts_of(answer) -> set[tuple[str, str]]:
    """(structure, side) of every finding."""
    return {(finding.structure, finding.side.value) for finding in answer.findings}


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))
