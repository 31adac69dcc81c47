"""Split: patients into train, development and validation, each in one only.

Patients that are kept for judging stay where they are: only those in train are divided.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from MedSegRLib.errors import DatasetError

from .format import SPLITS, Item

__all__ = [
    "divide_patients", "held_back", "keep_in_one", "read_patient_splits", "refuse_two_splits", "with_splits",
]  # fmt: skip

_HELD_BACK = 6


def refuse_two_splits(items: Iterable[Item]) -> Iterator[Item]:
    """Pass items on, until a patient is met in another split than before.

    Raises
    ------
    DatasetError
        If a patient is in two splits.
    """
    seen: dict[str, str] = {}
    for item in items:
        keep_in_one(seen, item.patient, item.split, f"item {item.id}")
        yield item


def keep_in_one(seen: dict[str, str], patient: str, split: str, where: str) -> None:
    """Note the split of a patient, who was met in `where`, among those that were seen.

    Raises
    ------
    DatasetError
        If the patient was seen in another split.
    """
    other = seen.setdefault(patient, split)
    if other != split:
        raise DatasetError(
            f"Patient {patient} is in {other} and, with {where}, in {split}; keep a patient in one split."
        )


def divide_patients(
    items: Iterable[Item], *, development: float, validation: float = 0.0, seed: int = 0
) -> dict[str, str]:
    """Choose a split for each patient in train, with shares that are the same for every region and modality.

    The choice depends on the patient's name and the seed alone, so that patients who come later move
    hardly anyone.

    Parameters
    ----------
    items
        The data set.
    development, validation
        The share of the patients in train that goes there, from 0 to 1; at least one patient of each
        region and modality where the share is above 0 and there are three patients or more.
    seed
        Another seed makes another choice.

    Returns
    -------
    Patient -> split, of all patients.

    Raises
    ------
    DatasetError
        If the shares are no shares, or a patient is in two splits.
    """
    if not (min(development, validation) >= 0 and development + validation < 1):
        raise DatasetError(
            f"{development:g} and {validation:g} are no shares; give two from 0 that leave some for training."
        )
    splits: dict[str, str] = {}
    groups: dict[tuple[str, str], set[str]] = {}
    for item in refuse_two_splits(items):
        if item.patient not in splits and item.split == "train":
            groups.setdefault((item.region, item.modality), set()).add(item.patient)
        splits.setdefault(item.patient, item.split)
    for patients in groups.values():
        order = sorted(patients, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
        for split, share in (("development", development), ("validation", validation)):
            least = 1 if share and len(patients) >= 3 else 0
            count = max(least, round(share * len(patients)))
            chosen, order = order[:count], order[count:]
            splits.update(dict.fromkeys(chosen, split))
    return splits


def held_back(patients: Iterable[str]) -> frozenset[str]:
    """Of the patients of one source that may be trained on, those that are developed on: every sixth.

    >>> sorted(held_back("abcdefg"))
    ['f']
    """
    return frozenset(sorted(set(patients))[_HELD_BACK - 1 :: _HELD_BACK])


def read_patient_splits(path: Path) -> dict[str, str]:
    """Read who is in which split from a CSV with a line of headings, `patient,split`.

    Raises
    ------
    DatasetError
        If it cannot be read, a split is unknown, or a patient is in two.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read as a list of patients ({error}); check it.") from error
    splits: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        patient, split = (row.get("patient") or "").strip(), (row.get("split") or "").strip()
        if not patient or split not in SPLITS:
            raise DatasetError(
                f"{path}, entry {number} needs a patient and one of {', '.join(SPLITS)}, in columns "
                "patient,split; correct it."
            )
        if splits.setdefault(patient, split) != split:
            raise DatasetError(
                f"{path} has patient {patient} in {splits[patient]} and in {split}; keep a patient in one."
            )
    if not splits:
        raise DatasetError(f"{path} names no patient; write one a line.")
    return splits


def with_splits(items: Iterable[Item], splits: Mapping[str, str]) -> Iterator[Item]:
    """Put items into the splits of their patients.

    Raises
    ------
    DatasetError
        If a patient has none.
    """
    for item in items:
        if item.patient not in splits:
            raise DatasetError(f"Patient {item.patient} of item {item.id} is in no split; name one.")
        yield replace(item, split=splits[item.patient])
