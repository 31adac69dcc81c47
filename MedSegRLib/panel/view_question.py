"""The box that a question is written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from MedSegRLib.panel.recall import Recall

__all__ = ["QuestionBox"]

_LINES = 3


class _Keys(qt.QObject):
    """Sees the keys before the box does."""

    def __init__(self, box: Any) -> None:
        super().__init__(box)
        self._box = box

    def eventFilter(self, watched: Any, event: Any) -> bool:
        return event.type() == qt.QEvent.KeyPress and self._box.take_key(event.key(), event.modifiers())


class QuestionBox(qt.QPlainTextEdit):
    """Enter sends, Shift+Enter breaks the line, Up and Down recall.

    Parameters
    ----------
    send
        Called with the text; true if it was taken, which empties the box.
    tr
        Translates.
    """

    def __init__(self, send: Callable[[str], bool], tr: Callable[[str], str]) -> None:
        super().__init__()
        self._send, self._recall = send, Recall()
        self.setPlaceholderText(tr("Ask about this scan, for example: Where is the left hippocampus?"))
        self.setAccessibleName(tr("Question"))
        self.setToolTip(tr("Enter sends, Shift+Enter breaks the line, Up and Down bring back questions"))
        self.setTabChangesFocus(True)
        self.setFixedHeight(_LINES * self.fontMetrics().lineSpacing() + 14)
        self._keys = _Keys(self)
        self.installEventFilter(self._keys)

    def send(self) -> None:
        """Send what is written."""
        text = self.toPlainText().strip()
        if text and self._send(text):
            self._recall.add(text)
            self.clear()

    def put(self, text: str) -> None:
        """Put a text into the box, with the cursor at its end."""
        self.setPlainText(text)
        self.moveCursor(qt.QTextCursor.End)

    def take_key(self, key: Any, modifiers: Any) -> bool:
        """Act on a key; True if nothing else is to be done about it."""
        if key in (qt.Qt.Key_Return, qt.Qt.Key_Enter):
            if modifiers & qt.Qt.ShiftModifier:
                return False
            self.send()
            return True
        if key == qt.Qt.Key_Up and not self._can_move(qt.QTextCursor.Up):
            self.put(self._recall.up(self.toPlainText()))
            return True
        if key == qt.Qt.Key_Down and not self._can_move(qt.QTextCursor.Down):
            self.put(self._recall.down(self.toPlainText()))
            return True
        return False

    def _can_move(self, direction: Any) -> bool:
        # A copy of the cursor: the box's own stays where it is.
        return bool(self.textCursor().movePosition(direction))
