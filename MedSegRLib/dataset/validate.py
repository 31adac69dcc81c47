"""Validating MedSeg-QA: everything that is wrong with a data set, line by line."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from MedSegRLib.anatomy import AnatomyTable, Side, load_table
from MedSegRLib.answers import Mention, parse
from MedSegRLib.errors import DatasetError, UserInputError
from MedSegRLib.imaging import canonical_order, gather_canonical, read_volume

from .format import Item, ItemExchange, MaskReference, item_from_dict
from .grid import Grid, grid_at, same_grid
from .label_map import LabelMap, inside, read_label_map

__all__ = ["Problem", "validate"]


@dataclass(frozen=True)
class Problem:
    """Something wrong: the line of the file, counted from 1, and a sentence."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


def validate(path: str | os.PathLike[str], table: AnatomyTable | None = None) -> list[Problem]:
    """Look for everything that is wrong with a data set.

    Parameters
    ----------
    path
        The .jsonl file.
    table
        The anatomy table that phrases are looked up in; None for the library's own.

    Returns
    -------
    The problems in the order of the lines; empty for a good data set.

    Raises
    ------
    DatasetError
        If the file itself cannot be read.
    """
    checker = _Checker(Path(path).parent, load_table() if table is None else table)
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    checker.line(number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read as a data set ({error}); check the path.") from error
    return checker.problems


class _Checker:
    def __init__(self, folder: Path, table: AnatomyTable) -> None:
        self.folder, self.table = folder, table
        self.problems: list[Problem] = []
        self._number = 0
        self._ids: dict[str, int] = {}
        self._splits: dict[str, tuple[str, int]] = {}
        self._grids: dict[str, Grid | None] = {}
        # One label map at a time: items about one scan follow each other.
        self._labels: tuple[str, LabelMap, Grid] | None = None

    def say(self, message: str) -> None:
        self.problems.append(Problem(self._number, message))

    def line(self, number: int, text: str) -> None:
        self._number = number
        try:
            item = item_from_dict(json.loads(text))
        except json.JSONDecodeError as error:
            self.say(f"This is not JSON ({error.msg}); write one object on each line.")
            return
        except DatasetError as error:
            self.say(str(error))
            return
        first = self._ids.setdefault(item.id, number)
        if first != number:
            self.say(f"The id {item.id} is that of line {first} too; give each item its own.")
        split, where = self._splits.setdefault(item.patient, (item.split, number))
        if split != item.split:
            self.say(
                f"Patient {item.patient} is in {item.split} here and in {split} on line {where}; "
                "keep a patient in one split."
            )
        for count, exchange in enumerate(item.exchanges, 1):
            self._words(exchange, count)
        self._masks(item)

    def _words(self, exchange: ItemExchange, count: int) -> None:
        mentions = [piece for piece in parse(exchange.answer) if isinstance(piece, Mention)]
        if len(mentions) != len(exchange.targets):
            self.say(
                f"The answer of exchange {count} names {len(mentions)} findings and has "
                f"{len(exchange.targets)} targets; make them one to one."
            )
            return
        for mention, target in zip(mentions, exchange.targets, strict=True):
            if mention.phrase != target.phrase:
                self.say(f"The answer says '{mention.phrase}', not '{target.phrase}'; use the same words.")
            if mention.found != target.present:
                tag = "[SEG]" if target.present else "[REJ]"
                self.say(f"'{target.phrase}' needs {tag} in the answer, as its target says present or not.")
            if target.structure not in self.table:
                self.say(f"The anatomy table does not hold '{target.structure}'; use one of its ids.")
                continue
            found = self.table.lookup(target.phrase)
            meant = (target.structure, target.side)
            if found is None or (found[0].id, found[1]) != meant:
                said = "nothing" if found is None else f"{found[0].id} ({found[1].value})"
                self.say(
                    f"The phrase '{target.phrase}' names {said}, not {meant[0]} ({meant[1].value}); "
                    "say what is meant."
                )
            # A sided structure without a side is one whose sides were not told apart when it was drawn.
            if target.side is not Side.NONE and not self.table[target.structure].sided:
                self.say(f"The side of '{target.phrase}' does not fit {target.structure}; correct it.")

    def _masks(self, item: Item) -> None:
        grid = self._grid(item.image)
        if grid is None:
            self.say(f"The image {item.image} is missing or cannot be read; check the path.")
        seen: set[MaskReference] = set()
        for exchange in item.exchanges:
            for target in exchange.targets:
                if target.present and target.mask is None:
                    self.say(f"'{target.phrase}' is there and has no mask; say where its mask is.")
                if not target.present and target.mask is not None:
                    self.say(f"'{target.phrase}' is not there and has a mask; remove one of them.")
                if target.present and target.mask is not None and target.mask not in seen:
                    seen.add(target.mask)
                    self._mask(target.mask, target.phrase, grid, item)

    def _mask(self, mask: MaskReference, phrase: str, grid: Grid | None, item: Item) -> None:
        if self._labels is None or self._labels[0] != mask.file:
            path = self.folder / mask.file
            if not path.is_file():
                self.say(f"The mask file {mask.file} is missing; check the path.")
                return
            try:
                self._labels = (mask.file, read_label_map(path), grid_at(path))
            except UserInputError as error:
                self.say(str(error))
                return
        _, labels, own = self._labels
        if grid is not None and not same_grid(grid, own):
            self.say(f"The mask file {mask.file} is not on the grid of the image; resample it.")
        if item.slices is not None:
            first, last = item.slices
            order = canonical_order(own[1], item.plane)
            labels = gather_canonical(labels, order)[first : last + 1]
        without = [i for i in mask.labels if not (labels == i).any()]
        if without and len(without) < len(mask.labels):
            listed = ", ".join(map(str, without))
            self.say(f"{mask.file} has no voxel with label {listed} of '{phrase}'; drop the label.")
        elif not inside(labels, mask).any():
            self.say(f"The mask of '{phrase}' in {mask.file} is empty; call it absent or correct the labels.")

    def _grid(self, name: str) -> Grid | None:
        if name not in self._grids:
            self._grids[name] = self._read_grid(self.folder / name)
        return self._grids[name]

    @staticmethod
    def _read_grid(path: Path) -> Grid | None:
        try:
            if path.is_dir():
                volume = read_volume(path)
                return volume.shape_kji[::-1], volume.ijk_to_ras
            return grid_at(path)
        except UserInputError:
            return None
