"""The panel as it is used: keys, focus, themes, what always stands there, and how long it takes."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from time import thread_time

import pytest
import qt

from MedSegRLib.panel.view import ChatView

from .conftest import press
from .doubles import MemoryScene, MemorySettings, ShelfInstaller, head

ROOT = Path(__file__).resolve().parents[3]


def dark_palette():
    """A dark theme, as desktops and Slicer have."""
    palette = qt.QPalette()
    colours = {
        qt.QPalette.Window: "#353535", qt.QPalette.WindowText: "#ffffff", qt.QPalette.Base: "#232323",
        qt.QPalette.AlternateBase: "#3a3a3a", qt.QPalette.Text: "#ffffff", qt.QPalette.Button: "#353535",
        qt.QPalette.ButtonText: "#ffffff", qt.QPalette.Link: "#2a82da", qt.QPalette.Highlight: "#2a82da",
        qt.QPalette.HighlightedText: "#000000", qt.QPalette.PlaceholderText: "#9a9a9a",
    }  # fmt: skip
    for role, colour in colours.items():
        palette.setColor(role, qt.QColor(colour))
    for role in (qt.QPalette.Text, qt.QPalette.WindowText, qt.QPalette.ButtonText):
        palette.setColor(qt.QPalette.Disabled, role, qt.QColor("#8a8a8a"))
    return palette


@pytest.fixture
def theme(app):
    """Set a palette for the application; the one before comes back."""
    before = qt.QPalette(qt.QApplication.palette())
    yield lambda palette: qt.QApplication.setPalette(palette)
    qt.QApplication.setPalette(before)


# Keys


def test_enter_sends_and_shift_enter_breaks_the_line(make_panel) -> None:
    panel = make_panel()
    panel.view.question.put("one")
    press(panel.view.question, qt.Qt.Key_Return, qt.Qt.ShiftModifier)
    assert panel.view.question.toPlainText() == "one\n" and panel.client.asked == []
    panel.view.question.insertPlainText("two")
    press(panel.view.question, qt.Qt.Key_Enter)
    panel.tick(2)
    assert panel.client.asked[0].question.text == "one\ntwo" and panel.view.question.toPlainText() == ""


def test_up_recalls_earlier_questions_and_down_comes_back_to_the_draft(make_panel) -> None:
    panel = make_panel()
    panel.ask("first")
    panel.ask("second")
    box = panel.view.question
    box.put("half a question")
    seen = []
    for key in (qt.Qt.Key_Up, qt.Qt.Key_Up, qt.Qt.Key_Up, qt.Qt.Key_Down, qt.Qt.Key_Down):
        press(box, key)
        seen.append(box.toPlainText())
    assert seen == ["second", "first", "first", "second", "half a question"]


def test_up_within_a_text_of_two_lines_moves_the_cursor(make_panel) -> None:
    panel = make_panel()
    panel.ask("first")
    panel.view.question.put("one\ntwo")
    press(panel.view.question, qt.Qt.Key_Up)
    assert panel.view.question.toPlainText() == "one\ntwo"
    press(panel.view.question, qt.Qt.Key_Up)
    assert panel.view.question.toPlainText() == "first"


def focus_order(panel) -> list:
    """Widgets in the order in which Tab reaches them, of those that can be seen and used."""
    order, widget, mouse_only = [], panel.view.volume_selector, (qt.Qt.NoFocus, qt.Qt.ClickFocus)
    while True:
        if widget.visible and widget.enabled and widget.focusPolicy not in mouse_only:
            order.append(widget)
        widget = widget.nextInFocusChain()
        if widget == panel.view.volume_selector:
            return order


def test_tab_goes_through_the_panel_from_top_to_bottom(make_panel, app) -> None:
    panel = make_panel()
    panel.ask("Where is the left hippocampus?")
    panel.view.resize(420, 760)
    panel.view.show()
    app.processEvents()
    view = panel.view
    wanted = [
        view.volume_selector, view.model_selector, view.set_up.header, view.transcript, view.suggestions,
        view.question, view.ask_button, view.scope.scope, view.scope.plane, view.scope.again,
        view.explain_button, view.undo_button, view.new_button, view.more_button,
    ]  # fmt: skip
    reached = [widget for widget in focus_order(panel) if widget in wanted]
    assert [wanted.index(widget) for widget in reached] == list(range(len(wanted)))


def test_everything_that_can_be_reached_has_a_name_for_screen_readers(make_panel, app) -> None:
    panel = make_panel(installer=ShelfInstaller(("PyTorch",)), settings=MemorySettings())
    panel.view.scope.scope.setCurrentIndex(2)
    panel.view.show()
    app.processEvents()
    own = (qt.QPushButton, qt.QToolButton, qt.QComboBox, qt.QSpinBox, qt.QTextBrowser, qt.QPlainTextEdit)
    reached = [widget for widget in focus_order(panel) if isinstance(widget, own)]
    assert len(reached) > 12
    assert [widget.className() for widget in reached if not widget.accessibleName] == []


def test_tab_leaves_the_question_box(make_panel, app) -> None:
    panel = make_panel()
    panel.view.show()
    panel.view.activateWindow()
    panel.view.question.setFocus()
    app.processEvents()
    press(panel.view.question, qt.Qt.Key_Tab)
    assert panel.view.question.toPlainText() == "" and not panel.view.question.hasFocus()


# What is shown


def test_what_it_is_not_for_always_stands_there(make_panel, app) -> None:
    panel = make_panel(installer=ShelfInstaller(("PyTorch",)))
    for width, height in ((420, 500), (700, 900)):
        panel.view.resize(width, height)
        panel.view.show()
        app.processEvents()
        label = panel.view.disclaimer
        assert "Research use, not for diagnosis" in label.text and label.isVisible()
        assert panel.view.rect.contains(label.geometry)


def test_a_suggested_question_is_asked_by_a_click_and_not_suggested_again(make_panel) -> None:
    panel = make_panel()
    first = panel.view.suggestions.text
    assert "Where is the left hippocampus?" in first and "Which structure " in first
    panel.presenter.ask_suggested(0)
    panel.tick(40)
    assert panel.client.asked[0].question.text == "Where is the left hippocampus?"
    after = panel.view.suggestions.text
    assert "Where is the left hippocampus?" not in after
    assert "How large is it?" in after and "And the one on the other side?" in after


def test_selectors_that_are_handed_in_take_the_place_of_the_views_own(app) -> None:
    volumes, models = qt.QComboBox(), qt.QComboBox()
    volumes.addItem("theirs")
    view = ChatView(None, volumes, models)
    view.show_scans([], "")
    view.show_models([("mini", "mini 1")], "mini")
    assert view.volume_selector is volumes and volumes.count == 1 and models.count == 0
    assert volumes.parent() is view
    view.deleteLater()


def test_a_scan_is_chosen_in_the_views_own_box(make_panel) -> None:
    panel = make_panel(scene=MemoryScene(head("first")[0], head("second")[0]), key="")
    assert [panel.view.volume_selector.itemText(n) for n in range(3)] == ["Choose a scan", "first", "second"]
    panel.view.volume_selector.setCurrentIndex(2)
    panel.ask("Where is the left hippocampus?")
    assert panel.client.asked[0].volume.name == "second"


def test_every_word_of_the_panel_can_be_translated(make_panel, app) -> None:
    said: list[str] = []
    view = ChatView(None, tr=lambda text: said.append(text) or f"«{text}»")
    shown = [
        view.ask_button.text, view.undo_button.text, view.new_button.text, view.export_action.text,
        view.set_up.header.text, view.scope.scope.itemText(0), view.question.placeholderText,
    ]  # fmt: skip
    assert all(text.startswith("«") and text.endswith("»") for text in shown) and len(said) > 40
    view.deleteLater()


@pytest.mark.parametrize("width", [420, 700])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_panel_looks_as_it_should(make_panel, app, theme, tmp_path: Path, dark: bool, width: int) -> None:
    if dark:
        theme(dark_palette())
    panel = make_panel()
    panel.ask("Which structure is among the first to shrink in Alzheimer's disease?")
    panel.presenter.act("hide:0:1")
    panel.presenter.ask("Where is the left hippocampus?")
    panel.tick(13)
    panel.view.resize(width, 760)
    panel.view.show()
    app.processEvents()
    path = tmp_path / f"panel-{'dark' if dark else 'light'}-{width}.png"
    picture = panel.view.grab()
    assert picture.save(str(path)) and picture.width() == width, "nothing makes it wider than asked for"
    image = picture.toImage()
    corner = panel.view.transcript.geometry.bottomRight()
    lightness = qt.QColor(image.pixel(corner.x() - 30, corner.y() - 8)).lightness()
    assert lightness < 90 if dark else lightness > 165
    colours = {image.pixel(x, y) & 0xFFFFFF for x in range(0, width, 1) for y in range(90, 400, 1)}
    assert 0xDCD814 in colours, "the swatch of the hippocampus"


def contrast(one, other) -> float:
    """Contrast ratio of WCAG 2."""

    def luminance(colour) -> float:
        parts = [part / 255 for part in (colour.red(), colour.green(), colour.blue())]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_colours_can_be_read_on_the_base_of_the_theme(app, theme, dark: bool) -> None:
    from dataclasses import astuple

    from MedSegRLib.panel.view_parts import shades_of

    if dark:
        theme(dark_palette())
    widget = qt.QWidget()
    base = widget.palette.color(qt.QPalette.Base)
    assert (base.lightness() < 128) == dark
    assert [shade for shade in astuple(shades_of(widget)) if contrast(qt.QColor(shade), base) < 4.5] == []


def test_a_change_of_theme_repaints_what_was_said(make_panel, app, theme) -> None:
    panel = make_panel()
    panel.ask("Where is the left hippocampus?")
    panel.view.show()
    before, text = panel.view.transcript.toHtml(), panel.text()
    theme(dark_palette())
    app.processEvents()
    app.processEvents()
    after = panel.view.transcript.toHtml()
    assert "#8ab4f8" in after and "#8ab4f8" not in before and panel.text() == text
    assert "#8ab4f8" in panel.view.suggestions.text, "what is suggested can be read too"
    assert "#7fd18b" in panel.view.set_up.summary.text, "and that the set-up is ready"


# Time and memory


def test_the_panel_opens_within_a_second_and_without_torch() -> None:
    program = (
        "import sys, time\n"
        f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'Testing' / 'Python' / 'stand_ins')!r}]\n"
        "import numpy, SimpleITK, qt\n"
        "app = qt.QApplication.instance() or qt.QApplication([])\n"
        "start = time.process_time()\n"
        "from MedSegRLib.panel.view import ChatView\n"
        "view = ChatView(); view.show(); app.processEvents()\n"
        "print(time.process_time() - start)\n"
        "print(*sorted({'torch', 'transformers', 'slicer', 'vtk'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    seconds, heavy = done.stdout.split("\n")[:2]
    assert float(seconds) < 1.0 and heavy == "", done.stderr


def test_the_event_loop_is_never_held_up_while_text_streams(make_panel, app) -> None:
    from MedSegRLib.answers import Finished, Planned, Text

    from .doubles import answer_of

    def script(volume, question):
        answer = answer_of(volume, {}, question)
        words = [Text(f"word{number} ") for number in range(200)]
        return [Planned((0,), answer.provenance.plane), *words, Finished(answer)]

    panel = make_panel(script=script)
    panel.client.batch = 100
    panel.view.resize(420, 760)
    panel.view.show()
    for number in range(10):
        panel.ask(f"Question {number}?")
    app.processEvents()
    longest, panel.client.batch = 0.0, 3
    panel.presenter.ask("And now?")
    while panel.presenter._asking.is_busy:
        # The thread's own time: what other programs take of the machine is not the panel's.
        start = thread_time()
        panel.tick(1)
        app.processEvents()
        longest = max(longest, thread_time() - start)
    assert longest < 0.050


def test_two_hundred_questions_leave_no_widget_behind(make_panel, app) -> None:
    panel = make_panel()
    panel.client.batch = 100
    panel.view.show()

    def ask(count: int) -> int:
        for number in range(count):
            panel.presenter.ask(f"Where is the left hippocampus, {number}?")
            panel.tick(8)
            panel.presenter.explaining.explain("left hippocampus") if number % 20 == 0 else None
        panel.view._fill_explain_menu()
        app.processEvents()
        gc.collect()
        return len(qt.QApplication.allWidgets())

    few = ask(3)
    assert ask(200) == few
    assert len(panel.presenter._desk.conversation.exchanges) > 200
    assert not panel.presenter._asking.is_busy
