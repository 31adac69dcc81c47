"""SlicerInstaller: what Slicer's own Python has of what the model needs, and how it gets the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from MedSegRLib.panel.gateway import Condition, Installed, Part
from MedSegRLib.scene import packages as slicers
from MedSegRLib.service.packages import NEEDED, Need, state_of

__all__ = ["SlicerInstaller"]

_EXTENSION, _TORCH, _PACKAGES = "PyTorch extension", "PyTorch", "Python packages"
# What Slicer itself brings is never touched.
_SLICERS_OWN = ("numpy", "SimpleITK", "torch")


class SlicerInstaller:
    """Looks and installs in Slicer (`Installer`).

    Parameters
    ----------
    tr
        Translates.
    """

    def __init__(self, tr: Callable[[str], str]) -> None:
        self._tr = tr

    def check(self) -> list[Part]:
        """As of `Installer`."""
        # The extension only serves to install torch, which may have come in another way.
        extension = () if state_of("torch").fits else (self._extension(),)
        return [*extension, self._torch(), self._packages()]

    def install(self, name: str) -> Installed:
        """As of `Installer`."""
        if name == _EXTENSION:
            slicers.install_pytorch_extension()
            return Installed.RESTART
        if name == _TORCH:
            slicers.install_torch(NEEDED["torch"].specifier)
        else:
            slicers.install_packages([f"{need.name}{need.specifier}" for need in self._lacking()])
        return Installed.DONE

    def restart(self) -> None:
        """As of `Installer`."""
        slicers.restart()

    def _extension(self) -> Part:
        if slicers.has_pytorch_extension():
            return Part(_EXTENSION, Condition.GOOD, self._tr("installed"))
        words = self._tr("not installed; Slicer must be started again after it")
        return Part(_EXTENSION, Condition.MISSING, words, installable=True)

    def _torch(self) -> Part:
        state = state_of("torch")
        if state.fits:
            words = self._tr("{version}, fits").format(version=state.version)
            return Part(_TORCH, Condition.GOOD, words)
        by_extension = slicers.has_pytorch_extension()
        if state.version is None:
            words = self._tr("not installed, about 2 GB")
            return Part(_TORCH, Condition.MISSING, words, by_extension)
        return Part(_TORCH, Condition.WRONG, state.words, by_extension)

    def _packages(self) -> Part:
        lacking = self._lacking()
        if not lacking:
            version = state_of("transformers").version
            words = self._tr("transformers {version} and others, fit").format(version=version)
            return Part(_PACKAGES, Condition.GOOD, words)
        words = "; ".join(state_of(module).words for module, need in NEEDED.items() if need in lacking)
        return Part(_PACKAGES, Condition.MISSING, words, installable=True)

    def _lacking(self) -> Sequence[Need]:
        return [
            need
            for module, need in NEEDED.items()
            if module not in _SLICERS_OWN and not state_of(module).fits
        ]
