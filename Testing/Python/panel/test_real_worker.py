"""The panel over a real worker process with the shipped model."""

from __future__ import annotations

import time

import numpy as np

from MedSegRLib.cli.demo import mni152
from MedSegRLib.imaging import kji_to_ras_mm
from MedSegRLib.panel import Presenter, Scope
from MedSegRLib.panel.view import ChatView
from MedSegRLib.service import Client, default_command

from .doubles import MemoryScene, MemorySettings, ShelfInstaller

PATIENCE_S = 120.0


def test_a_question_typed_into_the_panel_is_answered_by_the_shipped_model(app) -> None:
    scene = MemoryScene(mni152())
    view, clients = ChatView(), []

    def make_client(python: str) -> Client:
        clients.append(Client(default_command(python or None)))
        return clients[-1]

    settings = MemorySettings(**{"consent/CC BY-NC-SA 4.0": "yes"})
    presenter = Presenter(view, scene, settings, ShelfInstaller(), make_client)
    view.start(presenter)
    presenter.opened()
    presenter.choose_volume("node0")
    # The temporal lobe, of the 1 mm scan's axial slices.
    presenter.set_scope(Scope.RANGE, 50, 70)
    view.question.put("Where is the left hippocampus?")
    view.ask_button.click()
    most, give_up = 0, time.monotonic() + PATIENCE_S
    try:
        while presenter._asking.is_busy:
            assert time.monotonic() < give_up, clients[0].log()
            app.processEvents()  # The view's own timer ticks.
            most = max(most, view.bar.value)
            time.sleep(0.005)
        (exchange,) = presenter._desk.conversation.exchanges
        assert exchange.told is not None, exchange.notes
        assert view.model_selector.currentText.startswith("mini") and "ready" in view.set_up.summary.text
        assert most > 0 and exchange.text.split(".")[0] in view.transcript.toPlainText()
        (mask,) = scene.segments["node0"].values()
        positions = kji_to_ras_mm(scene.volume("node0").ijk_to_ras, np.argwhere(mask))
        assert positions[:, 0].max() < 0, "on the left of the patient"
    finally:
        view.dispose()
        view.deleteLater()
    assert presenter.engine.client is None
