"""Desk: the conversation that lies open, and those of the other scans."""

from __future__ import annotations

from collections.abc import Callable

from MedSegRLib.errors import MedSegRError
from MedSegRLib.panel.conversation import Conversation, Exchange
from MedSegRLib.panel.export import export
from MedSegRLib.panel.gateway import SceneGateway, Visibility
from MedSegRLib.panel.shown import PanelView, Stage

__all__ = ["Desk"]


class Desk:
    """Conversations by scan, one of them in view.

    Parameters
    ----------
    view, gateway, tr
        As of `Presenter`.
    """

    def __init__(self, view: PanelView, gateway: SceneGateway, tr: Callable[[str], str]) -> None:
        self._view, self._gateway, self._tr = view, gateway, tr
        self._conversations: dict[str, Conversation] = {}
        self._put_aside: dict[str, list[Exchange]] = {}
        self.key = ""

    @property
    def conversation(self) -> Conversation:
        """The one in view; of no scan it stays empty."""
        return self._conversations.setdefault(self.key, Conversation(self.key))

    @property
    def keys(self) -> set[str]:
        """Of the scans that were talked about."""
        return {key for key in self._conversations if key}

    @property
    def can_bring_back(self) -> bool:
        """Whether a conversation about this scan was put aside."""
        return self.key in self._put_aside

    def open(self, key: str) -> None:
        """Show the conversation about a scan, as it came with the scene if it is new here."""
        self.key = key
        if key and key not in self._conversations:
            self._conversations[key] = self._kept(key)
        self._show_all()

    def read_again(self, key: str) -> None:
        """Take over what others added at the end of the kept conversation about a scan."""
        here = self._conversations.get(key)
        if here is None:
            return  # It is read when it is opened.
        kept = self._kept(key).exchanges
        running = [place for place, exchange in enumerate(here.exchanges) if exchange.stage is Stage.RUNNING]
        # Before what is still being answered here, which is kept when it is.
        place = running[0] if running else len(here.exchanges)
        here.exchanges[place:place] = kept[len(here.entries()) :]
        if key == self.key:
            self._show_all()

    def drop(self, key: str) -> Conversation:
        """Forget the conversation about a scan that is gone."""
        self._put_aside.pop(key, None)
        return self._conversations.pop(key, Conversation(key))

    def begin_anew(self) -> Conversation:
        """Put the conversation aside and begin another; the one that was put aside."""
        old = self.conversation
        self._put_aside[self.key] = old.exchanges
        self._conversations[self.key] = Conversation(self.key)
        self.save(self.conversation)
        self._show_all()
        return old

    def bring_back(self) -> None:
        """Put what was put aside before what was said since."""
        self.conversation.exchanges[:0] = self._put_aside.pop(self.key, [])
        self.save(self.conversation)
        self._show_all()

    def save(self, conversation: Conversation) -> None:
        """Keep a conversation with its scan; not one that was put aside or whose scan is gone."""
        if conversation.key and self._conversations.get(conversation.key) is conversation:
            try:
                self._gateway.save_conversation(conversation.key, conversation.entries())
            except MedSegRError as error:
                self._view.show_message(str(error), wrong=True)

    def show(self, conversation: Conversation, exchange: Exchange) -> None:
        """Show an exchange anew, if its conversation is in view."""
        if conversation is self.conversation:
            self._view.show_exchange(exchange.shown(_place(conversation, exchange)))

    def append(self, conversation: Conversation, exchange: Exchange, delta: str) -> None:
        """Show more text of an exchange, if its conversation is in view."""
        if conversation is self.conversation:
            self._view.append_text(_place(conversation, exchange), delta)

    def look(self) -> None:
        """Show what became of findings in the scene."""
        for number, exchange in enumerate(self.conversation.exchanges):
            if exchange.rows and exchange.look(self._gateway):
                self._view.show_exchange(exchange.shown(number))

    def act(self, verb: str, number: int, index: int) -> None:
        """Jump to, show, hide or delete a finding.

        Parameters
        ----------
        verb
            "jump", "show", "hide" or "delete".
        number, index
            Which exchange, and which of its findings, counted from 0.
        """
        self.look()
        exchange = self.conversation.exchanges[number]
        row = exchange.rows[index]
        gone = row.visibility is Visibility.GONE
        if verb == "jump" and not gone:
            gone = not self._gateway.jump_to(exchange.handle, index)
        elif verb == "delete" and not gone:
            self._gateway.delete(exchange.handle, index)
        elif not gone:
            self._gateway.set_visible(exchange.handle, index, verb == "show")
        told = self._tr("The {name} is no longer in the scene.").format(name=row.name)
        self._view.show_message(told if gone else "", wrong=gone)
        self.look()

    def export(self, path: str) -> None:
        """Write the conversation; the ending of the path chooses how."""
        try:
            left_out = export(self.conversation, path, self._gateway, self._tr)
        except MedSegRError as error:
            self._view.show_message(str(error), wrong=True)
        else:
            self._view.show_message(" ".join([self._tr("Written: {path}").format(path=path), *left_out]))

    def _kept(self, key: str) -> Conversation:
        """The conversation that is kept with a scan; an empty one where it cannot be read."""
        try:
            return Conversation.of(key, self._gateway)
        except MedSegRError as error:
            self._view.show_message(str(error), wrong=True)
            return Conversation(key)

    def _show_all(self) -> None:
        self._view.clear_transcript()
        for number, exchange in enumerate(self.conversation.exchanges):
            exchange.look(self._gateway)
            self._view.show_exchange(exchange.shown(number))


def _place(conversation: Conversation, exchange: Exchange) -> int:
    # Not by equality: two exchanges may hold the same words.
    return next(i for i, one in enumerate(conversation.exchanges) if one is exchange)
