"""Regional: the held-out implicit questions about other parts of the body than the brain.

Each is asked about a validation scan of its region whose labels hold all that it is about. A label that holds
both sides without telling them apart, such as "kidney", serves questions that ask for both; whatever is shown
of either side then counts as it (`dataset.sides.as_drawn`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from MedSegRLib.anatomy import AnatomyTable, load_table
from MedSegRLib.dataset.importing.index import read_index, regions_of_index
from MedSegRLib.dataset.label_map import read_label_map
from MedSegRLib.dataset.scene import parts_of
from MedSegRLib.dataset.sides import as_drawn
from MedSegRLib.dataset.source import Source
from MedSegRLib.imaging import Modality, Volume, read_volume

from .asking import Opener, Part
from .results import QuestionScore
from .suites import Progress, implicit_questions, is_meant, score_implicit

__all__ = ["dealt", "is_offered", "regional"]

_SPLIT = "validation"

Entry = dict[str, Any]


def regional(
    data: Path,
    offered: Collection[str],
    open_session: Opener,
    tell: Progress,
    questions: Mapping[str, Sequence[Entry]] | None = None,
) -> Iterator[QuestionScore]:
    """Ask the questions whose structures the model offers, dealt out over the patients of their region.

    Of a patient with many scans (slices, say) the one is taken that shows most of what a question is about.
    No scan is opened for a model that offers nothing but brains.

    Parameters
    ----------
    data
        A folder of scans with an index.json.
    offered
        The structures that the model offers.
    open_session, tell
        Opens a conversation about a scan; is told how far it is, and how many questions were not asked.
    questions
        By region; None for the held-out ones, of which those about the brain are `suites.implicit`'s.

    Raises
    ------
    DatasetError
        If the index, a label map or an entry is not as it must be.
    """
    table = load_table()
    held_out = implicit_questions() if questions is None else questions
    asked = {
        region: [entry for entry in entries if is_offered(entry, offered, table)]
        for region, entries in held_out.items()
        if region != "brain"
    }
    wanted = [region for region, entries in asked.items() if entries]
    here = regions_of_index(data, _SPLIT) if wanted else frozenset()
    for region in wanted:
        scans = read_index(data, table, splits=(_SPLIT,), regions=(region,)) if region in here else ()
        right = count = 0
        for source, volume, voxels, entries in dealt(scans, asked[region], table):
            session = open_session(volume)
            for entry in entries:
                score = score_implicit(session, entry, source.origin, source.patient, voxels)
                right, count = right + score.right, count + 1
                yield score
        left = len(asked[region]) - count
        without = f"; {left} not asked, as no scan of it draws what they are about" if left else ""
        tell(f"implicit questions, {region.replace('_', ' ')}: {right} of {count} right{without}")


def dealt(
    sources: Iterable[Source], entries: Sequence[Entry], table: AnatomyTable
) -> Iterator[tuple[Source, Volume, dict[Part, int], list[Entry]]]:
    """Deal questions out over the patients whose labels hold all that they are about.

    Yields
    ------
    A scan, read, with how many voxels each part of the table has, and what is to be asked of it.
    """
    scans = [(s, s.image, _voxels(s)) for s in sources if s.image is not None]
    chosen: dict[int, list[Entry]] = {}
    turn: dict[tuple[str, ...], int] = {}
    for entry in entries:
        best: dict[str, tuple[int, int]] = {}
        for number, (source, _, voxels) in enumerate(scans):
            least = min(sum(voxels.get(part, 0) for part in one) for one in _targets(entry, table, voxels))
            if least > best.get(source.patient, (0, 0))[0]:
                best[source.patient] = (least, number)
        if best:
            key = tuple(entry["structures"])
            turn[key] = turn.get(key, -1) + 1
            _, number = list(best.values())[turn[key] % len(best)]
            chosen.setdefault(number, []).append(entry)
    for number, mine in chosen.items():
        source, image, voxels = scans[number]
        yield source, read_volume(image, modality=Modality(source.modality)), voxels, mine


def _voxels(source: Source) -> dict[Part, int]:
    """How many voxels each part of the table has."""
    counts: dict[Part, int] = {}
    for file in source.files:
        values, voxels = np.unique(read_label_map(file), return_counts=True)
        found = dict(zip(values.tolist(), voxels.tolist(), strict=True))
        for label in source.labels:
            if label.file == file and label.structure is not None and label.value in found:
                part = (label.structure, label.side)
                counts[part] = counts.get(part, 0) + found[label.value]
    return counts


def _targets(entry: Entry, table: AnatomyTable, drawn: Collection[Part]) -> list[list[Part]]:
    """For each expected part, the parts of a label map that show it: itself, or the levels that are meant.

    Where both sides are meant, a part of `drawn` that has no side shows either.
    """
    return [
        [(level, side) for level in _levels(entry, name, table)]
        or [as_drawn((name, side), drawn) if entry["sides"] == "both" else (name, side)]
        for name, side in parts_of(entry["structures"], table)
        if is_meant(side, entry["sides"])
    ]


def is_offered(entry: Entry, offered: Collection[str], table: AnatomyTable) -> bool:
    """Whether a model offers all that a question is about, or a level of it that is meant."""
    return all(not {name, *_levels(entry, name, table)}.isdisjoint(offered) for name in entry["structures"])


def _levels(entry: Entry, structure: str, table: AnatomyTable) -> list[str]:
    return [level for level in entry.get("levels", ()) if table[level].parent == structure]
