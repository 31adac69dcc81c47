"""The set-up section: what is there, in colours and in words; what is missing, one click away."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, Protocol

import qt

from MedSegRLib.panel.shown import SetUpShown
from MedSegRLib.panel.view_parts import button, clear, listen, shade_of, shades_of

__all__ = ["SetUpActions", "SetUpSection", "ask_open_path"]


class SetUpActions(Protocol):
    """What the section asks for (`Engine`)."""

    def install(self, name: str) -> None: ...
    def check(self) -> None: ...
    def agree(self) -> None: ...
    def restart(self) -> None: ...
    def choose_python(self, path: str) -> None: ...
    def restart_worker(self) -> None: ...
    def log(self) -> str: ...


def ask_open_path(parent: Any, title: str) -> str:
    """Let the user choose a file; empty if none was."""
    return str(qt.QFileDialog.getOpenFileName(parent, title))


class SetUpSection(qt.QWidget):
    """A header that says how all stands, and below it the particulars.

    Parameters
    ----------
    tr
        Translates.
    """

    def __init__(self, tr: Callable[[str], str]) -> None:
        super().__init__()
        self._tr = tr
        self._actions: SetUpActions | None = None
        self._shown: SetUpShown | None = None
        self.ask_path = ask_open_path
        self.header = qt.QToolButton()
        self.header.setCheckable(True)
        self.header.setAutoRaise(True)
        self.header.setToolButtonStyle(qt.Qt.ToolButtonTextBesideIcon)
        self.header.setAccessibleName(tr("Set-up"))
        self.header.setText(tr("Set-up"))
        self.header.setArrowType(qt.Qt.RightArrow)
        self.summary = qt.QLabel()
        top = qt.QHBoxLayout()
        top.addWidget(self.header)
        top.addWidget(self.summary, 1)
        self.body = qt.QWidget()
        whole = qt.QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(2)
        whole.addLayout(top)
        whole.addWidget(self.body)
        self._fill_body()
        self.body.setVisible(False)
        listen(self.header, "toggled(bool)", self._toggled)

    def bind(self, actions: SetUpActions) -> None:
        """Say who acts."""
        self._actions = actions

    def open(self) -> None:
        """Unfold."""
        self.header.setChecked(True)

    def show_set_up(self, shown: SetUpShown) -> None:
        """Show how everything stands."""
        was, self._shown = self._shown, shown
        shades = shades_of(self)
        colour = shade_of(shown.condition, shades)
        self.summary.setText(f'<span style="color: {colour}">{escape(shown.summary)}</span>')
        self.header.setAccessibleDescription(shown.summary)
        if was is None or was.rows != shown.rows:
            self._fill_rows(shown)
        self.consent.setText(escape(shown.consent))
        for widget in (self.consent, self.agree, self.read_licence):
            widget.setVisible(bool(shown.consent))
        self.python.setText(shown.python)
        self.restart.setVisible(shown.restart)

    def repaint(self) -> None:
        """Show it again, in the colours that the palette has now."""
        shown, self._shown = self._shown, None
        if shown is not None:
            self.show_set_up(shown)

    def _fill_body(self) -> None:
        tr = self._tr
        self.rows = qt.QWidget()
        self._grid = qt.QGridLayout(self.rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        self.consent = qt.QLabel()
        self.consent.setWordWrap(True)
        self.agree = button(tr("I agree"), tr("Agree to the licence of the weights"), self._agree)
        self.read_licence = button(tr("Read the licence"), tr("Show the licence below"), self._read_licence)
        self.python = qt.QLineEdit()
        self.python.setPlaceholderText(tr("the application's own"))
        self.python.setAccessibleName(tr("Python interpreter of the worker"))
        self.python.setToolTip(
            tr("Python of an environment with torch and transformers; empty for the application's own")
        )
        listen(self.python, "editingFinished()", lambda: self._do("choose_python", self.python.text.strip()))
        browse = button(tr("Browse…"), tr("Choose the Python interpreter of the worker"), self._browse)
        check = button(tr("Check again"), tr("Look again at what is installed"), lambda: self._do("check"))
        worker = button(
            tr("Restart worker"), tr("End the model's process and begin another"),
            lambda: self._do("restart_worker"),
        )  # fmt: skip
        log = button(tr("Worker log"), tr("Show below what the worker has printed"), self._read_log)
        self.restart = button(
            tr("Restart now"), tr("Restart, so that the installation goes on"), lambda: self._do("restart")
        )
        self.pane = qt.QPlainTextEdit()
        self.pane.setReadOnly(True)
        self.pane.setTabChangesFocus(True)
        self.pane.setFixedHeight(130)
        self.pane.setVisible(False)
        self.buttons = {"browse": browse, "check": check, "worker": worker, "log": log}
        layout = qt.QVBoxLayout(self.body)
        layout.setContentsMargins(12, 0, 0, 4)
        layout.addWidget(self.rows)
        layout.addWidget(self.consent)
        layout.addLayout(_row(self.agree, self.read_licence))
        python_row = qt.QHBoxLayout()
        label = qt.QLabel(tr("Python"))
        label.setBuddy(self.python)
        for widget in (label, self.python, browse):
            python_row.addWidget(widget)
        layout.addLayout(python_row)
        layout.addLayout(_row(check, worker, log, self.restart))
        layout.addWidget(self.pane)

    def _fill_rows(self, shown: SetUpShown) -> None:
        clear(self._grid)
        shades = shades_of(self)
        for number, row in enumerate(shown.rows):
            words = qt.QLabel(
                f'<span style="color: {shade_of(row.condition, shades)}">●</span> {escape(row.words)}'
            )
            words.setWordWrap(True)
            name = qt.QLabel(escape(row.name))
            for label in (name, words):
                label.setAlignment(qt.Qt.AlignTop)
            self._grid.addWidget(name, number, 0)
            # Where there is no button the words have its place too.
            self._grid.addWidget(words, number, 1, 1, 1 if row.install else 2)
            if row.install:
                tip = self._tr("Install {name}; nothing is installed without this click")
                install = button(
                    self._tr("Install"),
                    tip.format(name=row.name),
                    lambda name=row.install: self._do("install", name),
                )
                install.setAccessibleName(self._tr("Install {name}").format(name=row.name))
                self._grid.addWidget(install, number, 2)

    def _toggled(self, open_: bool) -> None:
        self.header.setArrowType(qt.Qt.DownArrow if open_ else qt.Qt.RightArrow)
        self.body.setVisible(open_)

    def _do(self, action: str, *values: str) -> None:
        if self._actions is not None:
            getattr(self._actions, action)(*values)

    def _agree(self) -> None:
        self.pane.setVisible(False)
        self._do("agree")

    def _browse(self) -> None:
        path = self.ask_path(self, self._tr("Python interpreter of the worker"))
        if path:
            self._do("choose_python", path)

    def _read_licence(self) -> None:
        self._read(self._tr("Licence of the weights"), self._shown.licence if self._shown else "")

    def _read_log(self) -> None:
        self._read(self._tr("Worker log"), self._actions.log() if self._actions else "")
        self.pane.moveCursor(qt.QTextCursor.End)

    def _read(self, name: str, text: str) -> None:
        """Show a text in the pane; the same button again closes it."""
        same = not self.pane.isHidden() and self.pane.accessibleName == name
        self.pane.setAccessibleName(name)
        self.pane.setPlainText(text)
        self.pane.setVisible(not same)


def _row(*widgets: Any) -> Any:
    row = qt.QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row
