"""View: the chat panel, in plain Qt; it shows what the presenter says and tells it what the user does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import qt

from MedSegRLib.answers.provenance import DISCLAIMER
from MedSegRLib.panel.gateway import Scan
from MedSegRLib.panel.presenter import Presenter
from MedSegRLib.panel.shown import Commands, ExchangeShown, Progress, SetUpShown, identity
from MedSegRLib.panel.view_parts import PaletteWatch, button, listen, shades_of, tool
from MedSegRLib.panel.view_question import QuestionBox
from MedSegRLib.panel.view_scope import ScopeChoice
from MedSegRLib.panel.view_setup import SetUpSection
from MedSegRLib.panel.view_transcript import Transcript

__all__ = ["TICK_MS", "ChatView"]

TICK_MS = 25


def ask_save_path(parent: Any, title: str, kinds: str) -> str:
    """Let the user name a file; empty if none was."""
    return str(qt.QFileDialog.getSaveFileName(parent, title, "report.html", kinds))


class ChatView(qt.QWidget):
    """The panel; give it to a `Presenter`, then `start` it.

    Parameters
    ----------
    parent
        A widget, or None.
    volume_selector, model_selector
        Widgets to choose with; who hands one in calls `Presenter.choose_volume` and
        `Engine.choose_model` by its signal. None for plain boxes of the view's own.
    tr
        Translates.
    """

    def __init__(
        self,
        parent: Any = None,
        volume_selector: Any = None,
        model_selector: Any = None,
        tr: Callable[[str], str] = identity,
    ) -> None:
        super().__init__(parent)
        self._tr = tr
        self._presenter: Presenter | None = None
        self._hint, self._message = "", ("", False)
        self._suggested: Sequence[str] = ()
        self.ask_path = ask_save_path
        self._own_volumes: Any = None if volume_selector is not None else _box(tr("Scan"))
        self._own_models: Any = None if model_selector is not None else _box(tr("Model"))
        self.volume_selector = volume_selector if volume_selector is not None else self._own_volumes
        self.model_selector = model_selector if model_selector is not None else self._own_models
        self.hint, self.message = _wrapped(), _wrapped()
        self.set_up = SetUpSection(tr)
        self.transcript = Transcript(lambda link: self._do(lambda p: p.act(link)), tr)
        self.question = QuestionBox(self._send, tr)
        self.scope = ScopeChoice(
            lambda *chosen: self._do(lambda p: p.set_scope(*chosen)),
            lambda plane: self._do(lambda p: p.set_plane(plane)),
            lambda update: self._do(lambda p: p.set_update(update)),
            tr,
        )
        self._make_progress()
        self._make_suggestions()
        self._make_buttons()
        self._lay_out()
        self._watch = PaletteWatch(self, self._repaint)
        self._timer = qt.QTimer(self)
        self._timer.setInterval(TICK_MS)
        listen(self._timer, "timeout()", self._tick)
        if self._own_volumes is not None:
            listen(self._own_volumes, "currentIndexChanged(int)", self._volume_chosen)
        if self._own_models is not None:
            listen(self._own_models, "currentIndexChanged(int)", self._model_chosen)
        self.show_commands(Commands())
        self.show_progress(None)

    def start(self, presenter: Presenter) -> None:
        """Show what the presenter has, and tick from now on."""
        self._presenter = presenter
        self.set_up.bind(presenter.engine)
        self._timer.start()
        # Not at once: the host may still be building the panel.
        qt.QTimer.singleShot(0, self._opened)

    def dispose(self) -> None:
        """Stop ticking and end the worker; the widget may be deleted then."""
        self._timer.stop()
        presenter, self._presenter = self._presenter, None
        if presenter is not None:
            presenter.close()

    # What the presenter asks for

    def show_scans(self, scans: Sequence[Scan], key: str) -> None:
        """As of `PanelView`."""
        if self._own_volumes is not None:
            items = [(self._tr("Choose a scan"), ""), *((scan.name, scan.key) for scan in scans)]
            _offer(self._own_volumes, items, key)

    def show_models(self, models: Sequence[tuple[str, str]], chosen: str) -> None:
        """As of `PanelView`."""
        if self._own_models is not None:
            _offer(self._own_models, [(label, name) for name, label in models], chosen)

    def show_hint(self, text: str) -> None:
        """As of `PanelView`."""
        self._hint = text
        _say(self.hint, text, shades_of(self).warn)

    def show_set_up(self, set_up: SetUpShown) -> None:
        """As of `PanelView`."""
        self.set_up.show_set_up(set_up)

    def open_set_up(self) -> None:
        """As of `PanelView`."""
        self.set_up.open()

    def clear_transcript(self) -> None:
        """As of `PanelView`."""
        self.transcript.clear_all()

    def show_exchange(self, exchange: ExchangeShown) -> None:
        """As of `PanelView`."""
        self.transcript.show_exchange(exchange)

    def append_text(self, number: int, delta: str) -> None:
        """As of `PanelView`."""
        self.transcript.append_text(number, delta)

    def show_progress(self, progress: Progress | None) -> None:
        """As of `PanelView`."""
        self.progress.setVisible(progress is not None)
        if progress is None:
            return
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)
        words = [progress.words, *(self._tr("Next: {text}").format(text=text) for text in progress.queue)]
        self.progress_words.setText("<br>".join(escape(line) for line in words))

    def show_suggestions(self, questions: Sequence[str]) -> None:
        """As of `PanelView`."""
        self._suggested = questions
        style = f"color: {shades_of(self).link}"
        links = [
            f'<a href="{number}" style="{style}">{escape(text)}</a>' for number, text in enumerate(questions)
        ]
        told = escape(self._tr("Try:"))
        self.suggestions.setText(f"{told} {' &nbsp;·&nbsp; '.join(links)}" if links else "")
        self.suggestions.setVisible(bool(links))

    def show_commands(self, commands: Commands) -> None:
        """As of `PanelView`."""
        self.ask_button.setEnabled(commands.ask)
        self.question.setEnabled(commands.ask)
        self.stop_button.setEnabled(commands.stop)
        self.explain_button.setEnabled(commands.explain)
        self.undo_button.setEnabled(commands.undo)
        self.redo_button.setEnabled(commands.redo)
        self.new_button.setEnabled(commands.new)
        self.export_action.setEnabled(commands.export)
        self.back_action.setEnabled(commands.bring_back)

    def show_choices(self, plane: str, update: bool) -> None:
        """As of `PanelView`."""
        self.scope.show_choices(plane, update)

    def show_slices(self, first: int, last: int, count: int, direction: str) -> None:
        """As of `PanelView`."""
        tip = self._tr("Counted from 0 to {last}, {direction}").format(last=count - 1, direction=direction)
        self.scope.show_slices(first, last, count, tip)

    def show_picking(self, picking: bool) -> None:
        """As of `PanelView`."""
        self.show_message(self._tr("Click in a slice view on what you want to know.") if picking else "")

    def show_message(self, text: str, wrong: bool = False) -> None:
        """As of `PanelView`."""
        self._message = text, wrong
        shades = shades_of(self)
        _say(self.message, text, shades.bad if wrong else shades.text)

    def show_question(self, text: str) -> None:
        """As of `PanelView`."""
        self.question.put(text)

    def _repaint(self) -> None:
        """Say again what has colours of its own, in those that the palette has now."""
        self.show_hint(self._hint)
        self.show_suggestions(self._suggested)
        self.show_message(*self._message)
        self.set_up.repaint()

    # How it is built

    def _make_progress(self) -> None:
        self.progress = qt.QWidget()
        self.bar = qt.QProgressBar()
        self.bar.setAccessibleName(self._tr("Slices looked at"))
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(10)
        self.progress_words = _wrapped()
        self.stop_button = button(
            self._tr("&Stop"), self._tr("Stop; what is done is kept"), lambda: self._do(Presenter.stop)
        )
        grid = qt.QGridLayout(self.progress)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.bar, 0, 0)
        grid.addWidget(self.stop_button, 0, 1)
        grid.addWidget(self.progress_words, 1, 0, 1, 2)

    def _make_suggestions(self) -> None:
        self.suggestions = _wrapped()
        self.suggestions.setTextFormat(qt.Qt.RichText)
        self.suggestions.setTextInteractionFlags(qt.Qt.TextBrowserInteraction)
        self.suggestions.setAccessibleName(self._tr("Suggested questions"))
        listen(
            self.suggestions,
            "linkActivated(QString)",
            lambda link: self._do(lambda p: p.ask_suggested(int(link))),
        )

    def _make_buttons(self) -> None:
        tr = self._tr
        self.ask_button = button(tr("&Ask"), tr("Send the question (Enter)"), lambda: self.question.send())
        self.undo_button = tool(
            tr("Undo"), tr("Take back the segments of the last answer"), lambda: self._do(Presenter.undo)
        )
        self.redo_button = tool(
            tr("Redo"), tr("Draw again what was taken back"), lambda: self._do(Presenter.redo)
        )
        self.new_button = tool(
            tr("New conversation"), tr("Begin anew about this scan; the segments stay"),
            lambda: self._do(Presenter.new_conversation),
        )  # fmt: skip
        self.explain_menu, more = qt.QMenu(self), qt.QMenu(self)
        listen(self.explain_menu, "aboutToShow()", self._fill_explain_menu)
        self.explain_button = tool(
            tr("What is this?"), tr("Explain a segment, or a point in a slice view"), None, self.explain_menu
        )
        self.export_action = more.addAction(tr("Export…"))
        listen(self.export_action, "triggered()", self._export)
        self.back_action = more.addAction(tr("Bring back the last conversation"))
        listen(self.back_action, "triggered()", lambda: self._do(Presenter.bring_back))
        self.surfaces_action = more.addAction(tr("Show surfaces in 3-D"))
        self.surfaces_action.setCheckable(True)
        listen(self.surfaces_action, "toggled(bool)", lambda shown: self._do(lambda p: p.show_3d(shown)))
        self.more_button = tool(tr("More"), tr("Export, surfaces"), None, more)

    def _lay_out(self) -> None:
        form = qt.QFormLayout()
        form.addRow(self._tr("Scan"), self.volume_selector)
        form.addRow(self._tr("Model"), self.model_selector)
        asking = qt.QHBoxLayout()
        asking.addWidget(self.question, 1)
        asking.addWidget(self.ask_button)
        tools = qt.QHBoxLayout()
        for widget in (self.explain_button, self.undo_button, self.redo_button, self.new_button):
            tools.addWidget(widget)
        tools.addStretch(1)
        tools.addWidget(self.more_button)
        self.disclaimer = _wrapped()
        self.disclaimer.setText(f"{DISCLAIMER} {self._tr('Nothing leaves this computer.')}")
        whole = qt.QVBoxLayout(self)
        whole.setContentsMargins(6, 6, 6, 6)
        whole.addLayout(form)
        whole.addWidget(self.hint)
        whole.addWidget(self.set_up)
        whole.addWidget(self.transcript, 1)
        whole.addWidget(self.message)
        whole.addWidget(self.progress)
        whole.addWidget(self.suggestions)
        whole.addLayout(asking)
        whole.addWidget(self.scope)
        whole.addLayout(tools)
        whole.addWidget(self.disclaimer)

    # What the user does

    def _do(self, what: Callable[[Presenter], object]) -> None:
        if self._presenter is not None:
            what(self._presenter)

    def _tick(self) -> None:
        self._do(Presenter.tick)

    def _opened(self) -> None:
        self._do(Presenter.opened)

    def _send(self, text: str) -> bool:
        return self._presenter is not None and self._presenter.ask(text)

    def _volume_chosen(self, index: int) -> None:
        key = self._own_volumes.itemData(index) if index >= 0 else ""
        self._do(lambda p: p.choose_volume(key))

    def _model_chosen(self, index: int) -> None:
        self._do(lambda p: p.engine.choose_model(self._own_models.itemData(index)))

    def _fill_explain_menu(self) -> None:
        self.explain_menu.clear()
        point = self.explain_menu.addAction(self._tr("Click a point in a slice view"))
        listen(point, "triggered()", lambda: self._do(lambda p: p.explaining.pick()))
        self.explain_menu.addSeparator()
        for name in self._presenter.explaining.drawn() if self._presenter is not None else ():
            named = self.explain_menu.addAction(name)
            listen(named, "triggered()", lambda name=name: self._do(lambda p: p.explaining.explain(name)))

    def _export(self) -> None:
        tr = self._tr
        kinds = (
            f"{tr('Report with pictures')} (*.html);;{tr('Transcript')} (*.txt);;"
            f"{tr('Last answer')} (*.json);;{tr('Segments of the last answer')} (*.seg.nrrd)"
        )
        path = self.ask_path(self, tr("Export the conversation"), kinds)
        if path:
            self._do(lambda p: p.export(path))


def _box(name: str) -> Any:
    box = qt.QComboBox()
    box.setAccessibleName(name)
    return box


def _offer(box: Any, items: Sequence[tuple[str, str]], chosen: str) -> None:
    box.blockSignals(True)
    box.clear()
    for text, value in items:
        box.addItem(text, value)
    box.setCurrentIndex(max(box.findData(chosen), 0))
    box.blockSignals(False)


def _wrapped() -> Any:
    label = qt.QLabel()
    label.setWordWrap(True)
    return label


def _say(label: Any, text: str, colour: str) -> None:
    label.setText(f'<span style="color: {colour}">{escape(text)}</span>' if text else "")
    label.setVisible(bool(text))
