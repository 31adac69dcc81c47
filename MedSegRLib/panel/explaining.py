"""Explaining: "what is this?" for a segment or a point that is clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.panel.desk import Desk
from MedSegRLib.panel.explain import explain
from MedSegRLib.panel.gateway import Drawn, Position, SceneGateway
from MedSegRLib.panel.shown import PanelView

__all__ = ["Explaining"]


class Explaining:
    """Says what is drawn, in the conversation that is in view.

    Parameters
    ----------
    view, gateway, table, tr
        As of `Presenter`.
    desk
        Holds the conversation.
    on_change
        Called when something was said.
    """

    def __init__(
        self,
        view: PanelView,
        gateway: SceneGateway,
        desk: Desk,
        table: AnatomyTable,
        tr: Callable[[str], str],
        on_change: Callable[[], None],
    ) -> None:
        self._view, self._gateway, self._desk, self._table = view, gateway, desk, table
        self._tr, self._on_change = tr, on_change
        self._picking = False

    def drawn(self) -> tuple[str, ...]:
        """Names of what can be explained on this scan."""
        return tuple(self._gateway.drawn(self._desk.key)) if self._desk.key else ()

    def explain(self, name: str) -> None:
        """Say what something is that is drawn."""
        self._tell(self._gateway.drawn_as(self._desk.key, name)[:1] or [Drawn(name)])

    def pick(self) -> None:
        """Explain what the user clicks next in a slice view."""
        self._set_picking(True)
        self._gateway.pick_point(self._picked)

    def cancel(self) -> None:
        """Wait for no click any more."""
        if self._picking:
            self._set_picking(False)
            self._gateway.cancel_pick()

    def _picked(self, position_ras_mm: Position) -> None:
        self._set_picking(False)
        found = self._gateway.drawn_at(self._desk.key, position_ras_mm)
        if not found:
            self._view.show_message(
                self._tr("Nothing is drawn there; click inside an outline, or ask a question to have one.")
            )
        self._tell(found)

    def _set_picking(self, picking: bool) -> None:
        self._picking = picking
        self._view.show_picking(picking)

    def _tell(self, things: Sequence[Drawn]) -> None:
        conversation = self._desk.conversation
        for drawn in things:
            told = explain(drawn, self._table)
            notes = [self._tr("From the anatomy table; no model was asked.")]
            if told.sources:
                notes.append(self._tr("Sources: {sources}").format(sources="; ".join(told.sources)))
            question = self._tr("What is this? ({name})").format(name=drawn.name)
            self._desk.show(conversation, conversation.explained(question, told.text, notes))
        if things:
            self._desk.save(conversation)
            self._on_change()
