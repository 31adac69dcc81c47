"""The anatomy table: every structure that can be asked for, found by its id or by how it is worded.

The table teaches, names, codes and colours. It never stands between a question and a mask: what is
segmented is the same with ``empty_table()``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from MedSegRLib.anatomy.structure import Fact, Side, Structure
from MedSegRLib.errors import MedSegRError
from MedSegRLib.resources import resource_path

__all__ = ["AnatomyTable", "AnatomyTableError", "Fact", "Side", "Structure", "empty_table", "load_table"]

_SIDE_WORDS = {
    "left": Side.LEFT, "lt": Side.LEFT, "leftsided": Side.LEFT, "lefthand": Side.LEFT,
    "sinister": Side.LEFT, "sinistra": Side.LEFT, "sinistrum": Side.LEFT,
    "right": Side.RIGHT, "rt": Side.RIGHT, "rightsided": Side.RIGHT, "righthand": Side.RIGHT,
    "dexter": Side.RIGHT, "dextra": Side.RIGHT, "dextrum": Side.RIGHT,
}  # fmt: skip
# A letter alone is a side only right beside the name ("L hippocampus"): elsewhere it is a level or a unit.
_SIDE_LETTERS = {"l": Side.LEFT, "r": Side.RIGHT}
_SIDED = re.compile(r"\b(left|right)[-\s]+(sided|hand)\b")
_RESERVED = re.compile(r"[~^|]")  # separators of Slicer's terminology strings and segment tags


class AnatomyTableError(MedSegRError, ValueError):
    """An anatomy table that contradicts itself."""


def _words(text: str) -> tuple[str, ...]:
    """Lower-case words of a text; hyphens, slashes and underscores part them, apostrophes do not."""
    text = _SIDED.sub(r"\1\2", re.sub(r"['’`]", "", text.lower()))
    return tuple(re.findall(r"[^\W_]+", text))


@dataclass(frozen=True, eq=False)
class AnatomyTable:
    """Structures by id.

    Raises
    ------
    AnatomyTableError
        If a wording names two structures, an id that is referred to is not there, or a text holds
        a character that Slicer's terminology strings reserve.
    """

    structures: Mapping[str, Structure]
    _index: dict[tuple[str, ...], Structure] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        index: dict[tuple[str, ...], Structure] = {}
        for structure in self:
            self._check(structure)
            for wording in structure.wordings:
                known = index.setdefault(_words(wording), structure)
                if known is not structure:
                    raise AnatomyTableError(
                        f"'{wording}' names both {known.id} and {structure.id}; remove it from one of them."
                    )
        object.__setattr__(self, "_index", index)

    def _check(self, structure: Structure) -> None:
        referred = (*structure.members, *structure.neighbours, *filter(None, [structure.parent]))
        for other in referred:
            if other not in self.structures:
                raise AnatomyTableError(f"{structure.id} refers to {other}, which the table does not hold.")
        for text in (*structure.wordings, structure.snomed_meaning or ""):
            if _RESERVED.search(text):
                raise AnatomyTableError(
                    f"'{text}' of {structure.id} holds one of ~ ^ |, which Slicer reserves."
                )
        if any(not _words(wording) for wording in structure.wordings):
            raise AnatomyTableError(f"A wording of {structure.id} has no letter or digit; remove it.")

    def __iter__(self) -> Iterator[Structure]:
        return iter(self.structures.values())

    def __len__(self) -> int:
        return len(self.structures)

    def __contains__(self, structure_id: object) -> bool:
        return structure_id in self.structures

    def __getitem__(self, structure_id: str) -> Structure:
        return self.structures[structure_id]

    def lookup(self, text: str) -> tuple[Structure, Side] | None:
        """Find what a phrase names, for its name, code and colour.

        Parameters
        ----------
        text
            A phrase such as "left caudate nucleus"; case, hyphens and further words do not matter.

        Returns
        -------
        (Structure, Side) or None
            The longest wording that occurs in the phrase (the first of equals) and the side said
            beside it: NONE where no side or both are said, or the structure has no sides. None if
            the phrase names nothing that the table holds.
        """
        words = _words(text)
        for length in range(len(words), 0, -1):
            found = [
                (start, self._index[words[start : start + length]])
                for start in range(len(words) - length + 1)
                if words[start : start + length] in self._index
            ]
            if found:
                start, structure = found[0]
                return structure, _side_beside(words, start, start + length) if structure.sided else Side.NONE
        return None

    def children(self, structure_id: str) -> tuple[Structure, ...]:
        """The structures whose parent it is, in the table's order."""
        return tuple(structure for structure in self if structure.parent == structure_id)


def _side_beside(words: tuple[str, ...], start: int, stop: int) -> Side:
    sides = {_SIDE_WORDS[word] for word in (*words[:start], *words[stop:]) if word in _SIDE_WORDS}
    if not sides:
        beside = (*words[max(start - 1, 0) : start], *words[stop : stop + 1])
        sides = {_SIDE_LETTERS[word] for word in beside if word in _SIDE_LETTERS}
    return sides.pop() if len(sides) == 1 else Side.NONE


def empty_table() -> AnatomyTable:
    """A table that holds nothing: with it the masks stay the same, names and codes are lost."""
    return AnatomyTable({})


def load_table(path: str | Path | None = None) -> AnatomyTable:
    """Read the anatomy table; the same file is read once.

    Parameters
    ----------
    path
        A structures.json; the library's own by default. Facts are also taken from the folder
        facts/ beside it, one file for each structure.

    Raises
    ------
    AnatomyTableError
        If the files are not such a table.
    """
    return _load(Path(path).resolve() if path is not None else resource_path("Anatomy", "structures.json"))


@cache
def _load(path: Path) -> AnatomyTable:
    structures: dict[str, Structure] = {}
    for entry in _read_json(path):
        try:
            structure = _structure(entry, path.parent / "facts")
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise AnatomyTableError(f"{path} has an entry that is no structure ({problem!r}).") from problem
        if structure.id in structures:
            raise AnatomyTableError(f"{path} holds {structure.id} twice; remove one.")
        structures[structure.id] = structure
    return AnatomyTable(structures)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise AnatomyTableError(f"{path} cannot be read as JSON ({problem}).") from problem


def _structure(entry: dict[str, Any], facts_folder: Path) -> Structure:
    values = dict(entry)
    facts = list(values.pop("facts"))
    file = facts_folder / f"{values['id']}.json"
    if file.exists():
        facts += _read_json(file)["facts"]
    red, green, blue = (int(part) for part in values.pop("colour"))
    if not all(0 <= part <= 255 for part in (red, green, blue)):
        raise ValueError(f"colour of {values['id']} outside 0 to 255")
    freesurfer = values.pop("freesurfer") or {}
    plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return Structure(
        colour=(red, green, blue),
        freesurfer=tuple((Side(side), tuple(ids)) for side, ids in freesurfer.items()),
        facts=tuple(_fact(fact) for fact in facts),
        **plain,
    )


def _fact(entry: dict[str, Any]) -> Fact:
    return Fact(
        entry["kind"], entry["source"], tuple(entry["clauses"]), tuple(entry["topics"]), bool(entry["sided"])
    )
