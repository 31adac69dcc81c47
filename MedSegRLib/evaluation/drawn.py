"""Drawn: what people drew on the validation scans of other regions than the brain."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import AnatomyTable, Side, load_table
from MedSegRLib.dataset.importing.index import read_index, regions_of_index
from MedSegRLib.dataset.label_map import read_label_map
from MedSegRLib.dataset.scene import offered_as
from MedSegRLib.dataset.source import Source
from MedSegRLib.dataset.split import held_back
from MedSegRLib.reasoning.plan import spread

from .asking import Part

__all__ = ["developed_on", "drawn_parts", "few_scans", "fewer_slices", "other_scans"]

# Of a patient whose scans are single slices, so many of them, evenly chosen.
_SLICES = 6


def other_scans(
    data: Path, table: AnatomyTable, regions: Collection[str] | None = None, split: str = "validation"
) -> Iterator[Source]:
    """The scans of a split of a folder with an index.json that are not of a brain.

    Raises
    ------
    DatasetError
        If the index or a label map is not as it must be.
    """
    here = regions_of_index(data, split) - {"brain"}
    wanted = here if regions is None else here & set(regions)
    if wanted:
        sources = read_index(data, table, splits=(split,), regions=wanted)
        yield from (source for source in sources if source.image is not None)


def few_scans(data: Path, per_source: int = 2) -> list[Source]:
    """One scan each of the first patients of each source."""
    chosen: dict[str, dict[str, Source]] = {}
    for source in other_scans(data, load_table()):
        mine = chosen.setdefault(source.origin, {})
        if len(mine) < per_source:
            mine.setdefault(source.patient, source)
    return [source for mine in chosen.values() for source in mine.values()]


def fewer_slices(sources: Sequence[Source]) -> Iterator[Source]:
    """Some scans of each patient, evenly chosen, of those who have many: their scans are single slices."""
    for patient in dict.fromkeys(source.patient for source in sources):
        mine = [source for source in sources if source.patient == patient]
        yield from (mine[n] for n in spread(range(len(mine)), _SLICES))


def developed_on(data: Path, regions: Collection[str]) -> list[Source]:
    """The training scans of the patients of each source that nothing is trained on (`split.held_back`)."""
    sources = list(other_scans(data, load_table(), regions, "train"))
    kept = {
        origin: held_back(source.patient for source in sources if source.origin == origin)
        for origin in {source.origin for source in sources}
    }
    return [source for source in sources if source.patient in kept[source.origin]]


def drawn_parts(
    source: Source, offered: Collection[str], table: AnatomyTable
) -> dict[Part, npt.NDArray[np.bool_]]:
    """The mask of every offered part that is drawn, bool [K, J, I]; of unknown sides with `Side.NONE`."""
    masks: dict[Part, npt.NDArray[np.bool_]] = {}
    for file in source.files:
        values = read_label_map(file)
        for label in source.labels:
            name = offered_as(label.structure, offered, table)
            if label.file != file or name is None:
                continue
            mask = values == label.value
            if mask.any():
                part = (name, label.side if table[name].sided else Side.NONE)
                masks[part] = masks[part] | mask if part in masks else mask
    return masks
