"""The transcript: exchanges one below the other, text that grows at the end, findings as links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from MedSegRLib.panel.shown import ExchangeShown
from MedSegRLib.panel.transcript_html import answer_html, question_html, welcome_html
from MedSegRLib.panel.view_parts import PaletteWatch, listen, shades_of

__all__ = ["Transcript"]

_QUESTION, _ANSWER = 0, 1


class Transcript(qt.QTextBrowser):
    """A table of two cells for each exchange, so that what came before stays where it is.

    Parameters
    ----------
    act
        Called with the link that was followed.
    tr
        Translates.
    """

    def __init__(self, act: Callable[[str], None], tr: Callable[[str], str]) -> None:
        super().__init__()
        self._act, self._tr = act, tr
        self._tables: list[Any] = []
        self._shown: list[ExchangeShown] = []
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setAccessibleName(tr("Conversation"))
        self.setMinimumHeight(160)
        listen(self, "anchorClicked(QUrl)", self._follow)
        self._watch = PaletteWatch(self, self.repaint_all)
        self.clear_all()

    def clear_all(self) -> None:
        """Show no exchange."""
        self._tables, self._shown = [], []
        self.setHtml(welcome_html(shades_of(self), self._tr))

    def show_exchange(self, exchange: ExchangeShown) -> None:
        """Show an exchange, anew or for the first time."""
        follow = self._is_at_end()
        if exchange.number == len(self._tables):
            self._add_table()
            self._shown.append(exchange)
            self._fill(exchange.number, _QUESTION, question_html(exchange))
        self._shown[exchange.number] = exchange
        self._fill(exchange.number, _ANSWER, answer_html(exchange, shades_of(self), self._tr))
        self._keep_at_end(follow)

    def append_text(self, number: int, delta: str) -> None:
        """Show more text of an exchange that has nothing but text yet."""
        follow = self._is_at_end()
        cursor = self._tables[number].cellAt(_ANSWER, 0).lastCursorPosition()
        cursor.insertText(delta if cursor.block().length() > 1 else delta.lstrip())
        self._keep_at_end(follow)

    def repaint_all(self) -> None:
        """Show everything anew, in the colours that the palette has now."""
        place, shown = self.verticalScrollBar().value, self._shown
        self.clear_all()
        for exchange in shown:
            self.show_exchange(exchange)
        self.verticalScrollBar().setValue(place)

    def _add_table(self) -> None:
        if not self._tables:
            self.clear()
        cursor = qt.QTextCursor(self.document)
        cursor.movePosition(qt.QTextCursor.End)
        form = qt.QTextTableFormat()
        form.setBorder(0)
        form.setCellPadding(4)
        form.setCellSpacing(0)
        form.setWidth(qt.QTextLength(qt.QTextLength.PercentageLength, 100))
        table = cursor.insertTable(2, 1, form)
        cell = qt.QTextTableCellFormat()
        cell.setBackground(qt.QBrush(self.palette.color(qt.QPalette.AlternateBase)))
        table.cellAt(_QUESTION, 0).setFormat(cell)
        self._tables.append(table)

    def _fill(self, number: int, row: int, html: str) -> None:
        cell = self._tables[number].cellAt(row, 0)
        cursor = cell.firstCursorPosition()
        cursor.setPosition(cell.lastCursorPosition().position(), qt.QTextCursor.KeepAnchor)
        cursor.removeSelectedText()
        cursor.insertHtml(html)

    def _follow(self, link: Any) -> None:
        self._act(link.toString())

    def _is_at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bool(bar.value >= bar.maximum - 4)

    def _keep_at_end(self, follow: bool) -> None:
        if follow:
            bar = self.verticalScrollBar()
            bar.setValue(bar.maximum)
