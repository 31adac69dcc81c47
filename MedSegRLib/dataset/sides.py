"""Sides: structures with a left and a right that were drawn without anybody saying which.

A label "kidney" may hold both kidneys, and a crop around one hippocampus does not tell which one it is. Such
a part is the structure with `Side.NONE`: what is said of it names no side, and what a model shows of either
side counts towards it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.answers import visible_text

from .conversation import Exchange, Part

__all__ = ["as_drawn", "side_word", "undivided"]

_SIDE_WORDS = re.compile(
    r"\b(?:left|right|both|bilateral\w*|unilateral\w*|(?:one|each|either|other|opposite) side)\b",
    re.IGNORECASE,
)


def undivided(part: Part, table: AnatomyTable) -> bool:
    """Whether a part is a structure with two sides that are not told apart."""
    return part[1] is Side.NONE and part[0] in table and table[part[0]].sided


def side_word(exchange: Exchange, table: AnatomyTable) -> tuple[str, str] | None:
    """A word about a side in a question or answer where nobody knows the side, and the structure meant.

    Parameters
    ----------
    exchange
        Where one of its targets has a side, words about sides may mean that one.
    table
        The anatomy table.

    Returns
    -------
    (word, structure id); None where no such word is said, or sides may be spoken of.
    """
    unknown = [t.structure for t in exchange.targets if undivided((t.structure, t.side), table)]
    if not unknown or any(target.side is not Side.NONE for target in exchange.targets):
        return None
    found = _SIDE_WORDS.search(f"{exchange.question}\n{visible_text(exchange.answer)}")
    return None if found is None else (found[0], unknown[0])


def as_drawn(part: Part, drawn: Collection[Part]) -> Part:
    """The part that something shown counts as: its structure without a side where it was drawn so.

    >>> as_drawn(("kidney", Side.LEFT), {("kidney", Side.NONE)})
    ('kidney', <Side.NONE: 'none'>)
    >>> as_drawn(("kidney", Side.LEFT), {("kidney", Side.RIGHT)})
    ('kidney', <Side.LEFT: 'left'>)
    """
    whole = (part[0], Side.NONE)
    return whole if whole in drawn and part not in drawn else part
