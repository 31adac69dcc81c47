"""Naming: from what a label table or a segment calls something to the anatomy table's structure and side.

Stricter than `AnatomyTable.lookup`, which finds a structure anywhere in a phrase: a label "brain tumour"
is no brain. All words of the name but those of a side must be a wording of the structure.
"""

from __future__ import annotations

import json
import re
from functools import cache

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.resources import resource_path

__all__ = ["part_named"]

_SIDES = {
    "left": Side.LEFT,
    "l": Side.LEFT,
    "lt": Side.LEFT,
    "right": Side.RIGHT,
    "r": Side.RIGHT,
    "rt": Side.RIGHT,
}


def part_named(name: str, table: AnatomyTable) -> tuple[str, Side] | None:
    """The part that a name stands for, or None for something that the table does not hold.

    Parameters
    ----------
    name
        Such as "kidney_left", "Right Thalamus Proper" or "L parotid".

    Returns
    -------
    (structure id, side): the side is NONE where none is said, both are, or the structure has none.
    """
    words = tuple(re.findall(r"[^\W_]+", re.sub(r"['’`]", "", name.lower())))
    # Whole first: the left ventricle of the heart is no side.
    for without_side in (False, True):
        said = {_SIDES[word] for word in words if word in _SIDES}
        rest = tuple(word for word in words if not (without_side and word in _SIDES))
        structure = _structure(rest, table)
        if structure is not None:
            sided = without_side and len(said) == 1 and table[structure].sided
            return structure, said.pop() if sided else Side.NONE
    return None


def _structure(words: tuple[str, ...], table: AnatomyTable) -> str | None:
    text = " ".join(words)
    known = _label_names().get(text)
    if known in table:
        return known
    found = table.lookup(text)
    if found is None:
        return None
    wordings = (re.sub(r"['’`]", "", wording.lower()) for wording in found[0].wordings)
    if any(tuple(re.findall(r"[^\W_]+", wording)) == words for wording in wordings):
        return found[0].id
    return None


@cache
def _label_names() -> dict[str, str]:
    path = resource_path("Anatomy", "label_names.json")
    names: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["names"]
    return names
