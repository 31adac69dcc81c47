"""The interface that whoever writes conversations keeps: offline, at an endpoint, or a local model."""

from __future__ import annotations

import random
from typing import Protocol

from MedSegRLib.errors import DatasetError

from ..conversation import Exchange
from .facts import Facts

__all__ = ["Annotator", "UnusableConversation"]


class UnusableConversation(DatasetError):
    """What an annotator wrote cannot be used; the build notes it and lets it write again."""


class Annotator(Protocol):
    """Writes conversations from facts; what it claims is checked by others."""

    @property
    def name(self) -> str:
        """What the items' provenance calls it."""

    def converse(self, facts: Facts, turns: int, rng: random.Random) -> tuple[Exchange, ...]:
        """Write a conversation.

        Parameters
        ----------
        facts
            All that may be said.
        turns
            How many exchanges.
        rng
            The same state gives the same conversation, as far as the annotator can.

        Raises
        ------
        UnusableConversation
            If what came out is no conversation.
        MedSegRError
            If the annotator cannot go on at all: no connection, nothing left to spend.
        """
