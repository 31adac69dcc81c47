"""Packages of Slicer's own Python, installed as Slicer wants it: on a click, torch by the PyTorch extension.

Nothing here installs but on the user's wish, and from the main thread: Slicer's dialogs need it.
"""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Sequence
from typing import Any

import slicer

from MedSegRLib.errors import MedSegRError

__all__ = [
    "environment_outside",
    "has_pytorch_extension",
    "install_packages",
    "install_pytorch_extension",
    "install_torch",
    "restart",
]

_OFFLINE = "on a computer without internet, see the README on folders of wheels"


def has_pytorch_extension() -> bool:
    """Whether the PyTorch extension is loaded."""
    return hasattr(slicer.modules, "pytorchutils")


def install_pytorch_extension() -> None:
    """Install the PyTorch extension; Slicer loads it when it starts the next time.

    Raises
    ------
    MedSegRError
        If it cannot be installed.
    """
    manager = slicer.app.extensionsManagerModel()
    manager.interactive = False
    if not manager.installExtensionFromServer("PyTorch", False):
        raise MedSegRError(
            "The PyTorch extension could not be installed from Slicer's server; install it in the Extensions "
            f"Manager, where the reason is shown ({_OFFLINE})."
        )


def install_torch(requirement: str) -> None:
    """Install torch through the PyTorch extension, which chooses the build that fits the graphics card.

    Parameters
    ----------
    requirement
        Such as ">=2.4".

    Raises
    ------
    MedSegRError
        If it cannot be installed, or the user declined.
    """
    utils = importlib.import_module("PyTorchUtils")
    try:
        found = utils.PyTorchUtilsLogic().installTorch(
            askConfirmation=True, torchVersionRequirement=requirement
        )
    except (subprocess.CalledProcessError, ImportError, OSError) as error:
        raise _not_installed("PyTorch", error) from error
    if found is None:
        raise MedSegRError("PyTorch was not installed, as you wished; the model needs it to answer.")


def install_packages(requirements: Sequence[str]) -> None:
    """Install packages with pip; those that Slicer brings are left as they are.

    Parameters
    ----------
    requirements
        Such as "transformers>=5,<6".

    Raises
    ------
    MedSegRError
        If they cannot be installed.
    """
    packaging = _packaging()
    try:
        packaging.pip_ensure(
            list(requirements),
            skip_packages=["numpy", "SimpleITK", "torch"],
            prompt_install=False,
            requester="MedSeg-R",
        )
    except (subprocess.CalledProcessError, RuntimeError, OSError) as error:
        raise _not_installed(", ".join(requirements), error) from error


def restart() -> None:
    """Start Slicer again if the user agrees: it does not ask about unsaved work itself."""
    if slicer.util.confirmOkCancelDisplay(
        "Slicer is closed and started again; what was not saved is lost. Restart now?", "MedSeg-R"
    ):
        slicer.util.restart()


def environment_outside() -> dict[str, str]:
    """The environment for a program that is none of Slicer's: that in which Slicer was started.

    Slicer's own has paths of libraries that another Python would load in place of its own.
    """
    return dict(slicer.util.startupEnvironment())


def _packaging() -> Any:
    try:
        return importlib.import_module("slicer.packaging")
    except ModuleNotFoundError as error:
        raise MedSegRError(
            "This Slicer cannot install packages in the way that MedSeg-R asks for; take Slicer 5.12 or "
            "newer, or choose another Python for the model."
        ) from error


def _not_installed(what: str, error: Exception) -> MedSegRError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return MedSegRError(
        f"{what} could not be installed ({reason}); your scene is as it was. Look into Slicer's Python "
        f"console for what pip said ({_OFFLINE})."
    )
