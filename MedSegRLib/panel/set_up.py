"""Set-up: what an answer needs, whether it is there, and the consent to the licence of the weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from MedSegRLib.errors import MedSegRError
from MedSegRLib.panel.gateway import AskClient, Condition, Installed, Installer, Part, Settings
from MedSegRLib.panel.shown import SetUpRow, SetUpShown
from MedSegRLib.resources import resource_path
from MedSegRLib.service import ModelInfo, WorkerState

__all__ = ["SetUp", "licence_text"]

_PENDING, _PYTHON = "pending_install", "python"


class SetUp:
    """What is installed and agreed to.

    Parameters
    ----------
    settings
        Where the interpreter, the consent and an installation that goes on are remembered.
    installer
        Looks and installs.
    tr
        Translates.
    """

    def __init__(self, settings: Settings, installer: Installer, tr: Callable[[str], str]) -> None:
        self._settings, self._installer, self._tr = settings, installer, tr
        self._parts: tuple[Part, ...] = ()
        self._restart = False

    @property
    def python(self) -> str:
        """Path of the chosen interpreter; empty for the application's own."""
        return self._settings.get(_PYTHON)

    def choose_python(self, path: str) -> None:
        """Choose the interpreter that the model runs in.

        Raises
        ------
        MedSegRError
            If there is no such file.
        """
        if path and not Path(path).is_file():
            raise MedSegRError(
                self._tr("{path} is no file; choose the python program of an environment.").format(path=path)
            )
        self._settings.set(_PYTHON, path)

    @property
    def pending(self) -> str:
        """The part whose installation goes on after a restart; empty if none does."""
        return self._settings.get(_PENDING)

    def settle(self) -> bool:
        """Whether the restart itself has made the pending part good, which ends its installation."""
        good = any(part.name == self.pending and part.condition is Condition.GOOD for part in self._parts)
        if good:
            self._settings.set(_PENDING, "")
        return good

    def check(self) -> None:
        """Look again at what is installed."""
        # A chosen interpreter has packages of its own, which its worker tells about.
        self._parts = () if self.python else tuple(self._installer.check())

    def install(self, name: str) -> bool:
        """Install a part; False where that goes on after a restart.

        Raises
        ------
        MedSegRError
            As of `Installer.install`.
        """
        # Kept before the work begins: the installer may restart the application on its own.
        self._settings.set(_PENDING, name)
        try:
            self._restart = self._installer.install(name) is Installed.RESTART
        except MedSegRError:
            self._settings.set(_PENDING, "")
            raise
        finally:
            self.check()
        if not self._restart:
            self._settings.set(_PENDING, "")
        return not self._restart

    def restart(self) -> None:
        """Restart the application, to go on."""
        self._installer.restart()

    def agree(self, model: ModelInfo | None) -> None:
        """Remember the consent to the licence of a model's weights."""
        self._settings.set(f"consent/{_name_of(licence_text(model))}", "yes")

    def consent_wanted(self, model: ModelInfo | None) -> str:
        """Name of the licence to be agreed to before the model is asked; empty for none."""
        text = licence_text(model)
        name = _name_of(text)
        asks = bool(re.search("non-?commercial", text, re.IGNORECASE))
        return name if asks and not self._settings.get(f"consent/{name}") else ""

    def obstacle(self, model: ModelInfo | None) -> str:
        """One sentence on what is to be done before a question can be asked; empty for nothing."""
        lacking = [
            part.name for part in self._parts if part.condition in (Condition.MISSING, Condition.WRONG)
        ]
        if lacking:
            return self._tr("Before the first question, install in the set-up above: {names}.").format(
                names=", ".join(lacking)
            )
        licence = self.consent_wanted(model)
        if licence:
            return self._tr("Please read and agree to the licence of the weights ({licence}) above.").format(
                licence=licence
            )
        return ""

    def shown(self, model: ModelInfo | None, client: AskClient | None) -> SetUpShown:
        """How everything stands."""
        rows = [
            SetUpRow(part.name, part.condition, part.words, part.name if part.installable else "")
            for part in self._parts
        ]
        rows.append(self._worker_row(client))
        licence = self.consent_wanted(model)
        rows.append(self._licence_row(model, licence))
        conditions = {row.condition for row in rows}
        worst = next(c for c in reversed(Condition) if c in conditions)
        summary = {
            Condition.GOOD: self._tr("ready"),
            Condition.WAITING: self._tr("ready to start"),
            Condition.MISSING: self._tr("something is missing"),
            Condition.WRONG: self._tr("something does not fit"),
        }[worst]
        consent = ""
        if licence:
            consent = self._tr(
                "The weights are licensed {licence}: not for commercial use, to be named, and passed on "
                "under the same licence. Research use, not for diagnosis."
            ).format(licence=licence)
        text = licence_text(model)
        return SetUpShown(tuple(rows), summary, worst, consent, text, self.python, self._restart)

    def _licence_row(self, model: ModelInfo | None, wanted: str) -> SetUpRow:
        name = self._tr("Licence of the weights")
        if wanted:
            words = self._tr("{licence}, not yet agreed to").format(licence=wanted)
            return SetUpRow(name, Condition.MISSING, words)
        return SetUpRow(name, Condition.GOOD, _name_of(licence_text(model)) or self._tr("none is named"))

    def _worker_row(self, client: AskClient | None) -> SetUpRow:
        name = self._tr("Worker")
        if client is None or client.state is WorkerState.OFF:
            if client is not None and client.problem:
                return SetUpRow(name, Condition.WRONG, client.problem)
            return SetUpRow(name, Condition.WAITING, self._tr("starts with the first question"))
        if client.state is WorkerState.LOST:
            return SetUpRow(name, Condition.WRONG, client.problem or self._tr("was lost"))
        hello = client.hello
        if client.state is WorkerState.STARTING or hello is None:
            return SetUpRow(name, Condition.WAITING, self._tr("is starting"))
        words = (
            f"Python {hello.python}, torch {hello.torch}, transformers {hello.transformers}, {hello.device}"
        )
        return SetUpRow(name, Condition.GOOD, words)


def licence_text(model: ModelInfo | None) -> str:
    """The licence of a model's weights; that of the model that ships while no worker has told of another."""
    if model is not None:
        return model.licence
    return resource_path("Models", "medsegr-mini", "LICENSE").read_text(encoding="utf-8").strip()


def _name_of(text: str) -> str:
    """The short name of a licence, such as "CC BY-NC-SA 4.0"; else its first line."""
    found = re.search(r"CC BY(?:-[A-Z]{2})* \d\.\d", text)
    return found[0] if found else text.partition("\n")[0].strip()
