"""Recall: earlier questions, as Up and Down bring them back."""

from __future__ import annotations

__all__ = ["Recall"]


class Recall:
    """Questions in the order in which they were asked, and a place among them.

    Examples
    --------
    >>> recall = Recall()
    >>> recall.add("first"); recall.add("second")
    >>> recall.up("half a third"), recall.up("second"), recall.up("first")
    ('second', 'first', 'first')
    >>> recall.down("first"), recall.down("second")
    ('second', 'half a third')
    """

    def __init__(self) -> None:
        self._asked: list[str] = []
        self._place = 0
        self._draft = ""

    def add(self, question: str) -> None:
        """Remember a question that was sent."""
        if self._asked[-1:] != [question]:
            self._asked.append(question)
        self._place, self._draft = len(self._asked), ""

    def up(self, text: str) -> str:
        """The question before; `text`, what stands in the box, is kept to come back to."""
        if self._place == len(self._asked):
            self._draft = text
        if self._place == 0:
            return text
        self._place -= 1
        return self._asked[self._place]

    def down(self, text: str) -> str:
        """The question after; in the end what was being written."""
        if self._place == len(self._asked):
            return text
        self._place += 1
        return self._asked[self._place] if self._place < len(self._asked) else self._draft
