"""What a question is asked of, and what becomes of what was drawn before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from MedSegRLib.imaging import Plane
from MedSegRLib.panel.shown import Scope
from MedSegRLib.panel.view_parts import listen

__all__ = ["ScopeChoice"]


class ScopeChoice(qt.QWidget):
    """Part of the scan, plane, and redraw or add.

    Parameters
    ----------
    on_scope
        Called with the scope, and for a range with its first and last slice.
    on_plane
        Called with the plane's value, or "".
    on_update
        Called with whether to redraw.
    tr
        Translates.
    """

    def __init__(
        self,
        on_scope: Callable[..., None],
        on_plane: Callable[[str], None],
        on_update: Callable[[bool], None],
        tr: Callable[[str], str],
    ) -> None:
        super().__init__()
        self._on_scope = on_scope
        self.scope = _combo(
            tr("Part of the scan"),
            [
                (tr("Whole scan"), Scope.WHOLE.value),
                (tr("This slice"), Scope.SLICE.value),
                (tr("A range"), Scope.RANGE.value),
            ],
        )
        planes = {Plane.AXIAL: tr("Axial"), Plane.CORONAL: tr("Coronal"), Plane.SAGITTAL: tr("Sagittal")}
        self.plane = _combo(
            tr("Plane"), [(tr("Model's plane"), ""), *((name, plane.value) for plane, name in planes.items())]
        )
        self.again = _combo(
            tr("What is found again"),
            [(tr("Found again: redraw"), "update"), (tr("Found again: add"), "add")],
        )
        self.again.setToolTip(tr("When a structure is found again: redraw its segment, or add another"))
        self.first, self.last = _spin(tr("First slice")), _spin(tr("Last slice"))
        self._lay_out(tr)
        listen(self.scope, "currentIndexChanged(int)", self._scope_chosen)
        listen(self.plane, "currentIndexChanged(int)", lambda index: on_plane(self.plane.itemData(index)))
        listen(
            self.again,
            "currentIndexChanged(int)",
            lambda index: on_update(self.again.itemData(index) == "update"),
        )
        for spin in (self.first, self.last):
            listen(spin, "valueChanged(int)", self._range_chosen)

    def _lay_out(self, tr: Callable[[str], str]) -> None:
        choices = qt.QHBoxLayout()
        choices.setContentsMargins(0, 0, 0, 0)
        for widget in (self.scope, self.plane, self.again):
            choices.addWidget(widget)
        choices.addStretch(1)
        # A row of its own, so that the panel can be narrow.
        self._range = qt.QWidget()
        row = qt.QHBoxLayout(self._range)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (qt.QLabel(tr("Slices")), self.first, qt.QLabel(tr("to")), self.last):
            row.addWidget(widget)
        row.addStretch(1)
        whole = qt.QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addLayout(choices)
        whole.addWidget(self._range)
        self._range.setVisible(False)

    def show_choices(self, plane: str, update: bool) -> None:
        """Show choices without telling of them."""
        for combo, value in ((self.plane, plane), (self.again, "update" if update else "add")):
            combo.blockSignals(True)
            combo.setCurrentIndex(combo.findData(value))
            combo.blockSignals(False)

    def show_slices(self, first: int, last: int, count: int, tip: str) -> None:
        """Show a range without telling of it."""
        for spin, value in ((self.first, first), (self.last, last)):
            spin.blockSignals(True)
            spin.setRange(0, count - 1)
            spin.setValue(value)
            spin.setToolTip(tip)
            spin.blockSignals(False)

    def _scope_chosen(self, index: int) -> None:
        scope = Scope(self.scope.itemData(index))
        self._range.setVisible(scope is Scope.RANGE)
        self._on_scope(scope)

    def _range_chosen(self, _: int) -> None:
        self._on_scope(Scope.RANGE, self.first.value, self.last.value)


def _combo(name: str, items: list[tuple[str, str]]) -> Any:
    combo = qt.QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(name)
    for text, value in items:
        combo.addItem(text, value)
    return combo


def _spin(name: str) -> Any:
    spin = qt.QSpinBox()
    spin.setAccessibleName(name)
    return spin
