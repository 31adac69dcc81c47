"""What the set-up section says of Slicer's own Python, and which way each part is installed."""

from __future__ import annotations

import pytest

from MedSegRLib.panel import Condition, Installed, slicer_installer
from MedSegRLib.panel.slicer_installer import SlicerInstaller
from MedSegRLib.service.packages import NEEDED, State


class Slicer:
    """Slicer's installers, which take note, and what its Python has: everything but what is lacking."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *lacking: str, extension: bool = False) -> None:
        self.lacking, self.extension, self.asked = list(lacking), extension, []
        monkeypatch.setattr(slicer_installer, "slicers", self)
        monkeypatch.setattr(slicer_installer, "state_of", self.state_of)
        self.installer = SlicerInstaller(lambda text: f"«{text}»")

    def state_of(self, module: str) -> State:
        if module in self.lacking:
            return State(None, False, f"no {NEEDED[module].name}")
        return State("9", True, f"{NEEDED[module].name} 9")

    def has_pytorch_extension(self) -> bool:
        return self.extension

    def install_pytorch_extension(self) -> None:
        self.asked.append("the extension")

    def install_torch(self, requirement: str) -> None:
        self.asked.append(f"torch{requirement}")

    def install_packages(self, requirements: list[str]) -> None:
        self.asked += requirements


def rows(slicer: Slicer) -> list[tuple[str, Condition, bool]]:
    return [(part.name, part.condition, part.installable) for part in slicer.installer.check()]


def test_where_all_is_there_nothing_can_be_installed(monkeypatch) -> None:
    slicer = Slicer(monkeypatch)
    good = Condition.GOOD
    assert rows(slicer) == [("PyTorch", good, False), ("Python packages", good, False)]
    assert [part.words for part in slicer.installer.check()] == [
        "«9, fits»",
        "«transformers 9 and others, fit»",
    ]


def test_torch_waits_for_its_extension_and_the_extension_for_a_restart(monkeypatch) -> None:
    slicer = Slicer(monkeypatch, "torch")
    missing, good = Condition.MISSING, Condition.GOOD
    assert rows(slicer)[:2] == [("PyTorch extension", missing, True), ("PyTorch", missing, False)]
    assert slicer.installer.install("PyTorch extension") is Installed.RESTART
    slicer.extension = True
    assert rows(slicer)[:2] == [("PyTorch extension", good, False), ("PyTorch", missing, True)]
    assert slicer.installer.install("PyTorch") is Installed.DONE
    assert slicer.asked == ["the extension", "torch>=2.4"]


def test_only_what_is_lacking_is_installed_and_never_what_slicer_brings(monkeypatch) -> None:
    slicer = Slicer(monkeypatch, "numpy", "SimpleITK", "transformers", "tokenizers")
    words = slicer.installer.check()[-1].words
    assert "no transformers" in words and "numpy" not in words
    slicer.installer.install("Python packages")
    assert slicer.asked == ["transformers>=5,<6", "tokenizers>=0.22"]
