"""Installing and restarting: asked of Slicer in its own ways, and what goes wrong is told in words.

Slicer's installers are not here; what stands for them takes the arguments that theirs take, and no other.
"""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest
import slicer

from MedSegRLib.errors import MedSegRError
from MedSegRLib.scene import packages


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Slicer's `slicer.packaging` and the PyTorch extension; what they were asked, and how they end."""
    made = SimpleNamespace(asked=[], fails=None, torch=object())

    def pip_ensure(
        requirements, constraints=None, skip_packages=None, prompt_install=True, prompt_restart=True,
        requester=None, skip_in_testing=True, show_progress=True,
    ):  # fmt: skip
        made.asked.append((requirements, skip_packages, prompt_install, requester))
        if made.fails:
            raise made.fails

    class PyTorchUtilsLogic:
        def installTorch(
            self, askConfirmation=False, forceComputationBackend=None, torchVersionRequirement=None
        ):
            made.asked.append((askConfirmation, torchVersionRequirement))
            if made.fails:
                raise made.fails
            return made.torch

    for name, value in (("slicer.packaging", pip_ensure), ("PyTorchUtils", PyTorchUtilsLogic)):
        module = ModuleType(name)
        setattr(module, value.__name__, value)
        monkeypatch.setitem(sys.modules, name, module)
    return made


def test_packages_are_installed_by_slicer_and_its_own_are_left_alone(installs) -> None:
    packages.install_packages(["transformers>=5,<6"])
    ((requirements, skipped, asks, requester),) = installs.asked
    assert requirements == ["transformers>=5,<6"] and requester == "MedSeg-R"
    assert {"numpy", "SimpleITK", "torch"} <= set(skipped) and not asks, "the click has asked already"


def test_torch_is_installed_by_the_extension_alone_which_asks(installs) -> None:
    packages.install_torch(">=2.4")
    assert installs.asked == [(True, ">=2.4")]
    installs.torch = None
    with pytest.raises(MedSegRError, match="as you wished"):
        packages.install_torch(">=2.4")


@pytest.mark.parametrize(
    "error", [subprocess.CalledProcessError(1, "pip"), OSError("no room"), ImportError("DLL load failed")]
)
def test_an_installation_that_fails_is_told_with_its_reason_and_where_to_look(installs, error) -> None:
    installs.fails = error
    with pytest.raises(MedSegRError, match="PyTorch could not be installed") as told:
        packages.install_torch(">=2.4")
    assert str(error) in str(told.value) and "README" in str(told.value)


def test_a_slicer_that_is_too_old_is_told(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    with pytest.raises(MedSegRError, match=r"Slicer 5\.12 or newer"):
        packages.install_packages(["transformers>=5,<6"])


@pytest.mark.parametrize("agrees", [True, False])
def test_slicer_is_restarted_only_if_the_user_agrees_since_it_loses_what_is_not_saved(
    monkeypatch, agrees
) -> None:
    asked, restarts = [], []
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text, *_: asked.append(text) or agrees)
    monkeypatch.setattr(slicer.util, "restart", lambda: restarts.append(1))
    packages.restart()
    assert "not saved is lost" in asked[0] and len(restarts) == agrees


def test_the_environment_outside_is_the_one_slicer_was_started_in(monkeypatch) -> None:
    started = {"PATH": "/usr/bin", "": "refused by every system"}
    qt_environment = SimpleNamespace(keys=lambda: tuple(started), value=started.get)
    monkeypatch.setattr(slicer.app, "startupEnvironment", lambda: qt_environment, raising=False)
    assert packages.environment_outside() == {"PATH": "/usr/bin"}
