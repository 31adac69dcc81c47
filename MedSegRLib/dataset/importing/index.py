"""Index: a folder of scans with an index.json, a list of scans with their label maps and label names.

Each entry has source, split, kind (volume, slice or labelmap), modality, region, patient, image, label,
labels (value -> name), licence and note; paths are relative to the folder. Entries about the same image
are one source with several label maps. A label map without an image has FreeSurfer's ids.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Modality, Volume, read_volume

from ..label_map import check_labels, read_label_map
from ..regions import REGIONS, region_named
from ..source import Source, SourceLabel
from .freesurfer import freesurfer_names
from .label_table import LabelName

__all__ = ["read_index", "regions_of_index"]

_NOT_DRAWN = "was not drawn, not absent"


def read_index(
    folder: Path,
    table: AnatomyTable,
    *,
    splits: Collection[str] = ("train",),
    origins: Collection[str] | None = None,
    regions: Collection[str] | None = None,
) -> Iterator[Source]:
    """Read the scans of a folder with an index.json; all files stay where they are.

    Parameters
    ----------
    folder
        Where the index.json is.
    table
        The anatomy table.
    splits
        Which of the index's splits; by default nothing that is kept for judging.
    origins
        Which of the index's sources; None for all.
    regions
        Of which of `REGIONS`; None for all, and a region of another name is an error then.

    Raises
    ------
    DatasetError
        If the index or an entry is not as it must be, a patient is in two splits, or a label map does not
        match its image, is empty, or holds a label without a name.
    ImageReadError, UnsupportedVolumeError
        If an image cannot be read or asked about.
    """
    entries = _entries(folder)
    _refuse_two_splits(folder, entries)
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        if (
            entry["split"] in splits
            and (origins is None or entry["source"] in origins)
            and (regions is None or region_named(str(entry["region"])) in regions)
        ):
            groups.setdefault(entry["image"] or entry["label"], []).append(entry)
    if not groups:
        raise DatasetError(f"{folder / 'index.json'} holds no scan of that split and source; check both.")
    for group in groups.values():
        yield _source(folder, group, table)


def regions_of_index(folder: Path, split: str) -> frozenset[str]:
    """Those of `REGIONS` that a split of an index has scans of.

    Raises
    ------
    DatasetError
        If the index or an entry is not as it must be.
    """
    known = (region_named(str(entry["region"])) for entry in _entries(folder) if entry["split"] == split)
    return frozenset(region for region in known if region is not None)


def _entries(folder: Path) -> list[dict[str, Any]]:
    path = folder / "index.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder} has no readable index.json; give the folder of scans.") from error
    needed = ("source", "split", "kind", "modality", "region", "patient", "image", "label", "labels")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DatasetError(f"{path} is not a list of scans; give the folder of scans.")
    for number, entry in enumerate(entries, 1):
        lacks = next((key for key in needed if key not in entry), None)
        if lacks is not None:
            raise DatasetError(f"Entry {number} of {path} lacks the key '{lacks}'; add it.")
        if not entry["label"]:
            raise DatasetError(f"Entry {number} of {path} has no label map; leave it out of the index.")
    return entries


def _refuse_two_splits(folder: Path, entries: Sequence[dict[str, Any]]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for entry in entries:
        who = (entry["source"], str(entry["patient"]))
        other = seen.setdefault(who, entry["split"])
        if other != entry["split"]:
            raise DatasetError(
                f"{folder / 'index.json'} has patient {who[1]} of {who[0]} in {other} and in "
                f"{entry['split']}; keep a patient in one split."
            )


def _source(folder: Path, group: Sequence[dict[str, Any]], table: AnatomyTable) -> Source:
    first = group[0]
    image = folder / first["image"] if first["image"] else None
    modality = _modality(first)
    volume = None if image is None else read_volume(image, modality=modality)
    labels: list[SourceLabel] = []
    drawn: set[object] = set()
    for entry in group:
        own, there = _labels(folder, entry, volume, table)
        # Two label maps of one scan may draw the same part; the first one's is taken.
        known = {(label.structure, label.side) for label in labels if label.structure is not None}
        labels += [label for label in own if (label.structure, label.side) not in known]
        drawn |= {(label.structure, label.side) for label in own if label.value in there}
    undrawn = [
        (label.structure, label.side)
        for label in labels
        if label.structure is not None and (label.structure, label.side) not in drawn
    ]
    place = first["image"] or first["label"]
    return Source(
        # Patients of two data sets may have the same number.
        patient=f"{first['source']}/{first['patient']}",
        study=Path(place).name.partition(".")[0],
        image=image,
        labels=tuple(labels),
        modality=modality.value,
        region=_region(folder, first),
        undrawn=tuple(dict.fromkeys(undrawn)) if _NOT_DRAWN in first.get("note", "") else (),
        split=first["split"],
        origin=first["source"],
        licence=first.get("licence", ""),
    )


def _labels(
    folder: Path, entry: dict[str, Any], volume: Volume | None, table: AnatomyTable
) -> tuple[list[SourceLabel], frozenset[int]]:
    path = folder / entry["label"]
    if volume is None and not entry["labels"]:
        names: Sequence[LabelName] = freesurfer_names(table)
    else:
        try:
            names = [LabelName.of(name, table, int(value)) for value, name in entry["labels"].items()]
        except (AttributeError, TypeError, ValueError) as error:
            raise DatasetError(f"The labels of {path} in the index are not numbers with names.") from error
    own = [SourceLabel(path, n.value, n.name, n.structure, n.side) for n in names if n.value is not None]
    there = check_labels(path, read_label_map(path, volume), {label.value for label in own})
    return own, there


def _modality(entry: dict[str, Any]) -> Modality:
    # A label map without an image is one to make MR from.
    said = str(entry["modality"]).partition(" ")[0]
    return Modality.MR if not entry["image"] else Modality(said) if said in ("MR", "CT") else Modality.UNKNOWN


def _region(folder: Path, entry: dict[str, Any]) -> str:
    region = region_named(str(entry["region"]))
    if region is None:
        raise DatasetError(
            f"{folder / 'index.json'} has the region '{entry['region']}', which is unknown; "
            f"use one of {', '.join(REGIONS)}."
        )
    return region
