"""What the tests of the module share: Slicer, or what stands for it; the module opened in it; a real scan."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "stand_ins"))
import workplace  # first of all: it may stand for Slicer

import slicer  # isort: skip


@pytest.fixture(autouse=True)
def no_exception_in_a_slot(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a slot raises fails the test."""
    raised: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: raised.append(error))
    yield
    assert raised == []


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path) -> None:
    """Settings of this test alone, with the licence of the weights agreed to."""
    workplace.own_settings(tmp_path / "settings")


@pytest.fixture
def scene() -> Iterator[Any]:
    """Slicer's scene, empty before and after."""
    slicer.mrmlScene.Clear(0)
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear(0)


@pytest.fixture
def head(scene: Any) -> Any:
    """The MNI152 brain in the scene, every other slice of it, so that it is soon looked through."""
    return workplace.put_brain("MR head", step=2)


@pytest.fixture
def widget(scene: Any) -> Iterator[Any]:
    """The module's widget, as Slicer builds it."""
    made = workplace.open_module()
    workplace.pump(lambda: False, 0.2)
    yield made
    workplace.close_module(made)
