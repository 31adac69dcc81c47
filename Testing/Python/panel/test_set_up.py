"""Set-up: told in colours and in words, installed on a click only, agreed to once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from MedSegRLib.errors import UserInputError
from MedSegRLib.panel import Condition
from MedSegRLib.service import WorkerState

from .doubles import MINI, MemoryScene, MemorySettings, ShelfInstaller, head


def words(panel) -> list[str]:
    """What the rows of the set-up section say."""
    grid = panel.view.set_up._grid
    return [grid.itemAt(number).widget().text for number in range(grid.count())]


def install_buttons(panel) -> list:
    """The buttons that install, in order."""
    grid = panel.view.set_up._grid
    widgets = [grid.itemAt(number).widget() for number in range(grid.count())]
    return [widget for widget in widgets if widget.className() == "QPushButton"]


def test_what_is_missing_is_told_in_a_colour_and_in_words(make_panel) -> None:
    panel = make_panel(installer=ShelfInstaller(("PyTorch",)))
    told = " ".join(words(panel))
    assert "PyTorch" in told and "not installed" in told and "5.2.0, fits" in told
    assert 'color: #1b6e2b">●</span> 5.2.0' in told and 'color: #8a5300">●</span> not installed' in told
    assert "something is missing" in panel.view.set_up.summary.text
    assert panel.view.set_up.header.checked, "unfolded, since something is to be done"


def test_where_all_is_well_the_section_stays_folded(make_panel) -> None:
    panel = make_panel()
    assert not panel.view.set_up.header.checked and "ready" in panel.view.set_up.summary.text
    assert "Python 3.12.10, torch 2.8.0, transformers 5.2.0, cpu" in " ".join(words(panel))


def test_nothing_is_installed_without_a_click(make_panel) -> None:
    installer = ShelfInstaller(("PyTorch",))
    panel = make_panel(installer=installer)
    assert not panel.presenter.ask("Where is it?")
    panel.tick(5)
    assert installer.installed == [] and panel.client.state is WorkerState.OFF
    assert "install in the set-up above: PyTorch" in panel.view.message.text
    (install,) = install_buttons(panel)
    install.click()
    assert installer.installed == ["PyTorch"] and install_buttons(panel) == []


def test_a_question_that_waited_for_the_set_up_is_asked_after_it(make_panel) -> None:
    panel = make_panel(installer=ShelfInstaller(("PyTorch",)), settings=MemorySettings())
    panel.ask("Where is the left hippocampus?")
    install_buttons(panel)[0].click()
    assert panel.client.asked == [] and not panel.view.set_up.consent.isHidden()
    panel.view.set_up.agree.click()
    panel.tick(40)
    assert [ticket.question.text for ticket in panel.client.asked] == ["Where is the left hippocampus?"]
    assert panel.view.question.toPlainText() == ""


def test_consent_is_asked_once(make_panel) -> None:
    settings = MemorySettings()
    panel = make_panel(settings=settings)
    assert "not for commercial use" in panel.view.set_up.consent.text
    assert not panel.presenter.ask("Where is it?") and panel.client.asked == []
    panel.view.set_up.agree.click()
    assert settings.kept["consent/CC BY-NC-SA 4.0"] == "yes"
    assert make_panel(settings=settings).view.set_up.consent.isHidden()


def test_the_licence_can_be_read_in_full(make_panel) -> None:
    panel = make_panel(settings=MemorySettings())
    panel.view.set_up.read_licence.click()
    assert "Attribution-NonCommercial-ShareAlike 4.0" in panel.view.set_up.pane.plainText
    panel.view.set_up.read_licence.click()
    assert panel.view.set_up.pane.isHidden()


def test_a_model_under_a_free_licence_asks_for_no_consent() -> None:
    from dataclasses import replace

    from MedSegRLib.panel.set_up import SetUp

    set_up = SetUp(MemorySettings(), ShelfInstaller(), str)
    free = replace(MINI, licence="Apache License, Version 2.0")
    assert set_up.consent_wanted(free) == "" and set_up.obstacle(free) == ""
    assert set_up.consent_wanted(MINI) == "CC BY-NC-SA 4.0"


def test_an_installation_goes_on_after_a_restart(make_panel) -> None:
    settings = MemorySettings(**{"consent/CC BY-NC-SA 4.0": "yes"})
    before = ShelfInstaller(("PyTorch",), restart_first=True)
    panel = make_panel(settings=settings, installer=before)
    install_buttons(panel)[0].click()
    assert "goes on by itself" in panel.view.message.text and settings.get("pending_install") == "PyTorch"
    panel.view.set_up.restart.click()
    assert before.restarts == 1
    after = ShelfInstaller(("PyTorch",))
    panel = make_panel(settings=settings, installer=after)
    assert after.installed == ["PyTorch"] and settings.get("pending_install") == ""


def test_what_a_restart_has_made_good_is_done_and_the_rest_waits_for_a_click(make_panel) -> None:
    kept = {"consent/CC BY-NC-SA 4.0": "yes", "pending_install": "transformers"}
    installer, settings = ShelfInstaller(("PyTorch",)), MemorySettings(**kept)
    panel = make_panel(settings=settings, installer=installer, key="")
    assert installer.installed == [] and settings.get("pending_install") == ""
    assert "transformers is installed." in panel.view.message.text and len(install_buttons(panel)) == 1


def test_an_installation_that_fails_is_told_and_is_not_tried_again_by_itself(make_panel) -> None:
    settings = MemorySettings(**{"consent/CC BY-NC-SA 4.0": "yes"})
    panel = make_panel(
        settings=settings, installer=ShelfInstaller(("PyTorch",), broken="There is no network.")
    )
    install_buttons(panel)[0].click()
    assert "There is no network." in panel.view.message.text and settings.get("pending_install") == ""


def test_a_chosen_interpreter_is_remembered_and_the_worker_begins_anew(make_panel, tmp_path: Path) -> None:
    installer = ShelfInstaller(("PyTorch",))
    panel = make_panel(installer=installer)
    panel.view.set_up.ask_path = lambda *_: sys.executable
    panel.view.set_up.buttons["browse"].click()
    assert panel.settings.get("python") == sys.executable == panel.view.set_up.python.text
    # Its packages are its own, so that what the application lacks is no obstacle.
    assert "not installed" not in " ".join(words(panel))
    panel.ask("Where is the left hippocampus?")
    assert "I see the left hippocampus" in panel.text()


def test_another_interpreter_ends_what_runs(make_panel) -> None:
    panel = make_panel()
    panel.presenter.ask("Where are the hippocampi?")
    panel.presenter.ask("And then?")
    panel.tick(3)
    panel.presenter.engine.choose_python(sys.executable)
    assert panel.client.closed and panel.text().count("The interpreter was changed; ask again.") == 2


def test_a_path_that_is_no_interpreter_is_refused(make_panel, tmp_path: Path) -> None:
    panel = make_panel()
    panel.presenter.engine.choose_python(str(tmp_path / "python"))
    assert "is no file" in panel.view.message.text and panel.settings.get("python") == ""


def test_a_worker_that_was_lost_is_told(make_panel) -> None:
    panel = make_panel()
    panel.client.state, panel.client.problem = WorkerState.LOST, "The worker was ended by the system."
    panel.tick(1)
    assert "The worker was ended by the system." in " ".join(words(panel))
    panel.view.set_up.buttons["worker"].click()
    assert panel.client.state is WorkerState.STARTING


def test_no_python_for_the_worker_is_told(make_panel) -> None:
    panel = make_panel(key="")

    def none(_: str):
        raise UserInputError("There is no Python for the model; choose one in the set-up.")

    panel.presenter.engine._make_client = none
    panel.presenter.choose_volume("node0")
    assert not panel.presenter.ask("Where is it?")
    assert "There is no Python for the model" in panel.view.message.text


def test_the_worker_log_is_shown_on_request(make_panel) -> None:
    panel = make_panel()
    assert panel.view.set_up.pane.isHidden()
    panel.view.set_up.buttons["log"].click()
    assert panel.view.set_up.pane.plainText == "loading weights\n"


def test_the_worker_starts_no_sooner_than_a_scan_is_chosen(make_panel) -> None:
    panel = make_panel(key="")
    assert panel.presenter.engine.client is None
    panel.presenter.choose_volume("node0")
    assert panel.client.state is WorkerState.STARTING


def test_the_model_is_chosen_and_remembered(make_panel) -> None:
    panel = make_panel()
    assert panel.view.model_selector.currentText == "mini 1"
    panel.presenter.engine.choose_model("other")
    panel.ask("Where is it?")
    assert panel.client.asked[0].model == "other" and panel.settings.get("model") == "other"


@pytest.mark.parametrize("condition", list(Condition))
def test_every_condition_has_a_colour_of_its_own(condition: Condition, app) -> None:
    import qt

    from MedSegRLib.panel.view_parts import shade_of, shades_of

    shades = shades_of(qt.QWidget())
    assert len({shade_of(one, shades) for one in Condition}) == 4
    assert shade_of(condition, shades).startswith("#")


def test_closing_ends_the_worker(make_panel) -> None:
    panel = make_panel()
    panel.view.dispose()
    assert panel.client.closed


def test_a_question_that_waited_for_the_set_up_is_not_asked_of_another_scan(make_panel) -> None:
    panel = make_panel(scene=MemoryScene(head("first")[0], head("second")[0]), settings=MemorySettings())
    panel.ask("Where is the left hippocampus?")
    panel.presenter.choose_volume("node1")
    panel.presenter.engine.agree()
    panel.tick(5)
    assert panel.client.asked == []
