"""Engine: the worker that answers, the model it is asked for, and what both need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from MedSegRLib.errors import MedSegRError
from MedSegRLib.panel.gateway import AskClient, Installer, Settings
from MedSegRLib.panel.set_up import SetUp
from MedSegRLib.panel.shown import PanelView
from MedSegRLib.service import ModelInfo

__all__ = ["Engine"]

_SHIPPED = "mini"


class Engine:
    """The worker and the set-up section.

    Parameters
    ----------
    view, settings, installer, make_client, tr
        As of `Presenter`.
    on_change
        Called whenever worker, model or set-up changed.
    on_lost
        Called with a sentence when the worker is given up.
    """

    def __init__(
        self,
        view: PanelView,
        settings: Settings,
        installer: Installer,
        make_client: Callable[[str], AskClient],
        tr: Callable[[str], str],
        on_change: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self._view, self._settings, self._make_client, self._tr = view, settings, make_client, tr
        self._on_change, self._on_lost = on_change, on_lost
        self._set_up = SetUp(settings, installer, tr)
        self._looked: tuple[Any, ...] = ()
        self.client: AskClient | None = None
        self.model = settings.get("model", _SHIPPED)

    @property
    def info(self) -> ModelInfo | None:
        """What the chosen model says of itself; None while no worker has told it."""
        hello = self.client.hello if self.client is not None else None
        models = hello.models if hello is not None else ()
        return next((model for model in models if model.name == self.model), None)

    @property
    def obstacle(self) -> str:
        """One sentence on what is to be done before a question can be asked; empty for nothing."""
        return self._set_up.obstacle(self.info)

    def opened(self) -> None:
        """Look at the set-up, and go on with an installation that a restart broke off."""
        self.check()
        pending = self._set_up.pending
        if pending or self.obstacle:
            self._view.open_set_up()
        if pending and self._set_up.settle():
            # What is still missing waits for a click of its own.
            self._view.show_message(self._tr("{name} is installed.").format(name=pending))
        elif pending:
            self.install(pending)

    def warm_up(self) -> AskClient:
        """The worker, launched with the chosen model if there was none.

        Raises
        ------
        MedSegRError
            If there is no Python to run it in.
        """
        if self.client is None:
            client = self._make_client(self._set_up.python)
            client.start(self.model)
            self.client = client
        return self.client

    def poll(self) -> None:
        """Tell of it if the worker's state changed."""
        client = self.client
        if client is not None and self._looked != (client.state, client.hello, client.problem):
            self.look()

    def look(self) -> None:
        """Show how worker, models and set-up stand."""
        client = self.client
        self._looked = (client.state, client.hello, client.problem) if client is not None else ()
        self._view.show_set_up(self._set_up.shown(self.info, client))
        hello = client.hello if client is not None else None
        models = [(model.name, f"{model.name} {model.version}") for model in hello.models] if hello else []
        if self.model not in (name for name, _ in models):
            models.append((self.model, self.model))
        self._view.show_models(models, self.model)
        self._on_change()

    def close(self) -> None:
        """End the worker."""
        if self.client is not None:
            self.client.close()
            self.client = None

    # What the user does

    def check(self) -> None:
        """Look again at what is installed."""
        self._set_up.check()
        self.look()

    def install(self, name: str) -> None:
        """Install a part, on a click."""
        self._view.show_message(self._tr("Installing {name}…").format(name=name))
        try:
            done = self._set_up.install(name)
        except MedSegRError as error:
            self._view.show_message(str(error), wrong=True)
        else:
            told = (
                self._tr("{name} is installed.")
                if done
                else self._tr("Restart, and the installation of {name} goes on by itself.")
            )
            self._view.show_message(told.format(name=name))
        self.look()

    def restart(self) -> None:
        """Restart the application, so that an installation goes on."""
        self._set_up.restart()

    def agree(self) -> None:
        """Agree to the licence of the weights."""
        self._set_up.agree(self.info)
        self._view.show_message("")
        self.look()

    def choose_model(self, name: str) -> None:
        """Ask another model from now on."""
        self.model = name
        self._settings.set("model", name)
        self.look()

    def choose_python(self, path: str) -> None:
        """Run the model in another interpreter; empty for the application's own."""
        if path == self._set_up.python:
            return
        try:
            self._set_up.choose_python(path)
        except MedSegRError as error:
            self._view.show_message(str(error), wrong=True)
            return
        self._on_lost(self._tr("The interpreter was changed; ask again."))
        self.close()
        self.check()

    def restart_worker(self) -> None:
        """End the worker and begin with another."""
        if self.client is not None:
            self.client.restart()

    def log(self) -> str:
        """What the worker has printed."""
        if self.client is None:
            return self._tr("No worker has been started yet.")
        return self.client.log() or self._tr("The worker has printed nothing.")
