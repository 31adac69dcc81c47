"""Small parts of the view: buttons, connections and the colours of the palette."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from MedSegRLib.panel.gateway import Condition
from MedSegRLib.panel.transcript_html import Shades

__all__ = ["PaletteWatch", "button", "clear", "listen", "shade_of", "shades_of", "tool"]

_MUTED = 0.62  # how much of the text's colour is in what is less important

# Readable on light and on dark; the palette has no words for good and bad.
_ON_LIGHT = {"good": "#1b6e2b", "warn": "#8a5300", "bad": "#b3261e"}
_ON_DARK = {"good": "#7fd18b", "warn": "#f0b35a", "bad": "#ff8a80"}


def listen(sender: Any, signature: str, slot: Callable[..., None]) -> None:
    """Connect a signal, by its C++ signature.

    Raises
    ------
    LookupError
        If the sender has no such signal, which PythonQt itself does not tell.
    """
    if not sender.connect(signature, slot):
        raise LookupError(f"{sender.className()} has no signal {signature}")


class PaletteWatch(qt.QObject):
    """Sees that the theme changed.

    Parameters
    ----------
    widget
        Whose palette is watched.
    repaint
        Called once the widget has its new colours.
    """

    def __init__(self, widget: Any, repaint: Callable[[], None]) -> None:
        super().__init__(widget)
        self._repaint = repaint
        widget.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:
        if event.type() == qt.QEvent.PaletteChange:
            qt.QTimer.singleShot(0, self._repaint)
        return False


def button(text: str, tip: str, slot: Callable[..., None]) -> Any:
    """A push button that says what it does."""
    made = qt.QPushButton(text)
    _name(made, text, tip)
    # In a dialog no button is to be pressed by the Enter that sends a question.
    made.setAutoDefault(False)
    listen(made, "clicked()", slot)
    return made


def tool(text: str, tip: str, slot: Callable[..., None] | None = None, menu: Any = None) -> Any:
    """A button no wider than its words, which may open a menu."""
    made = qt.QToolButton()
    made.setText(text)
    made.setToolButtonStyle(qt.Qt.ToolButtonTextOnly)
    made.setFocusPolicy(qt.Qt.StrongFocus)
    _name(made, text, tip)
    if slot is not None:
        listen(made, "clicked()", slot)
    if menu is not None:
        made.setMenu(menu)
        made.setPopupMode(qt.QToolButton.InstantPopup)
    return made


def _name(made: Any, text: str, tip: str) -> None:
    made.setToolTip(tip)
    made.setAccessibleName(text.replace("&", "").rstrip("…"))
    made.setAccessibleDescription(tip)


def clear(layout: Any) -> None:
    """Take all widgets out of a layout and delete them."""
    while layout.count():
        widget = layout.takeAt(0).widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def shades_of(widget: Any) -> Shades:
    """Colours for text on the base of a widget's palette."""
    palette = widget.palette
    text, base = palette.color(qt.QPalette.Text), palette.color(qt.QPalette.Base)
    link = palette.color(qt.QPalette.Link).name()
    dark = base.lightness() < 128
    if dark and palette.color(qt.QPalette.Link).lightness() < 140:
        link = "#8ab4f8"  # a palette that went dark and left its links dark blue
    return Shades(text.name(), _mixed(text, base), link, **(_ON_DARK if dark else _ON_LIGHT))


def shade_of(condition: Condition, shades: Shades) -> str:
    """The colour of a condition."""
    return {
        Condition.GOOD: shades.good,
        Condition.WAITING: shades.muted,
        Condition.MISSING: shades.warn,
        Condition.WRONG: shades.bad,
    }[condition]


def _mixed(text: Any, base: Any) -> str:
    pairs = ((text.red(), base.red()), (text.green(), base.green()), (text.blue(), base.blue()))
    return "#" + "".join(f"{round(_MUTED * a + (1 - _MUTED) * b):02x}" for a, b in pairs)
