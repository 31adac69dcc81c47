"""Markup: the model's raw text, and what of it people see.

The model writes plain text with four tags in it: ``<p>left hippocampus</p>[SEG]`` is a finding,
``<p>left hippocampus</p>[REJ]`` is named but not there. Tags that stand wrongly are taken out of
the visible text as well; nothing that a model writes is an error here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# White space before [SEG] and [REJ] goes with them: some tokenizers put it there.
_TAG = re.compile(r"\s*\[(?:SEG|REJ)\]|</?p>")
_PARTIAL_TAG = re.compile(r"(?:\s*(?:\[(?:S(?:EG?)?|R(?:EJ?)?)?)?|<(?:p|/p?)?)\Z")
_MENTION = re.compile(r"(?:<p>((?:(?!</?p>|\[SEG\]|\[REJ\]).)*)</p>)?\s*\[(SEG|REJ)\]", re.DOTALL)


@dataclass(frozen=True)
class Plain:
    """Text between mentions, without tags."""

    text: str


@dataclass(frozen=True)
class Mention:
    """One ``[SEG]`` (found) or ``[REJ]`` with the phrase before it; empty if the model named nothing."""

    phrase: str
    found: bool


Piece = Plain | Mention


def parse(raw: str) -> tuple[Piece, ...]:
    """Take a raw text apart.

    Returns
    -------
    Pieces in the text's order. Every ``[SEG]`` and every ``[REJ]`` is one mention, so the n-th
    mention that is found belongs to the n-th ``[SEG]``. A phrase in ``<p>`` without either is plain.

    Examples
    --------
    >>> parse("This is the <p>left hippocampus</p>[SEG].")
    (Plain(text='This is the '), Mention(phrase='left hippocampus', found=True), Plain(text='.'))
    """
    pieces: list[Piece] = []
    end = 0
    for match in _MENTION.finditer(raw):
        _append_plain(pieces, raw[end : match.start()])
        pieces.append(Mention(" ".join((match[1] or "").split()), match[2] == "SEG"))
        end = match.end()
    _append_plain(pieces, raw[end:])
    return tuple(pieces)


def _append_plain(pieces: list[Piece], raw: str) -> None:
    text = visible_text(raw)
    if text:
        pieces.append(Plain(text))


def visible_text(raw: str) -> str:
    """What people see of a raw text: all but the tags.

    Examples
    --------
    >>> visible_text("Here is the <p>left hippocampus</p> [SEG]; no <p>tumour</p>[REJ].")
    'Here is the left hippocampus; no tumour.'
    """
    return _TAG.sub("", raw)


class StreamingText:
    """Visible text of a raw text that arrives piece by piece; no half tag is ever shown.

    Examples
    --------
    >>> stream = StreamingText()
    >>> [stream.feed(delta) for delta in ("the <", "p>left hippo", "campus</p>[S", "EG] is")]
    ['the ', 'left hippo', 'campus', ' is']
    >>> stream.finish()
    ''
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, delta: str) -> str:
        """Take in more raw text and give what can be shown of it."""
        raw = self._held + delta
        partial = _PARTIAL_TAG.search(raw)
        shown = len(raw) if partial is None else partial.start()
        self._held = raw[shown:]
        return visible_text(raw[:shown])

    def finish(self) -> str:
        """What is left when nothing more comes, such as a bracket that never became a tag."""
        held, self._held = self._held, ""
        return visible_text(held)
