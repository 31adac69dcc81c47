"""MedSeg-QA on disk: one conversation about one scan per line of JSON, masks in label maps beside it.

Conventions: UTF-8 JSON Lines; paths are relative to the folder of the .jsonl file and written with
forward slashes; a mask is "voxels with one of these labels in this file", on the grid of the image.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from MedSegRLib.anatomy import Side
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane, atomic_path

from .conversation import Exchange, QuestionType, Target

__all__ = [
    "SPLITS", "Item", "ItemExchange", "ItemProvenance", "ItemTarget", "MaskReference", "Review",
    "item_from_dict", "item_to_dict", "read_items", "write_items",
]  # fmt: skip

SPLITS = ("train", "development", "validation")


class Review(Enum):
    """What a reviewer has said of an item."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"


@dataclass(frozen=True)
class MaskReference:
    """Where a mask is: the voxels of `file` with one of `labels`; without labels all that are not 0.

    Voxels with one of `ignored` are neither inside nor outside and are not judged.
    """

    file: str
    labels: tuple[int, ...] = ()
    ignored: tuple[int, ...] = ()


@dataclass(frozen=True)
class ItemTarget(Target):
    """A target with its mask; None where the target is not there."""

    mask: MaskReference | None = None


@dataclass(frozen=True)
class ItemExchange(Exchange):
    """A question and its answer, the targets with their masks."""

    targets: tuple[ItemTarget, ...] = ()


@dataclass(frozen=True)
class ItemProvenance:
    """Where the texts are from.

    Attributes
    ----------
    annotator, software_version, seed
        Who wrote them (seed None for people), and with which software.
    flags
        Sentences about what a reviewer should look at, such as masks that a model drew otherwise.
    """

    annotator: str
    software_version: str
    seed: int | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One conversation about one scan.

    Attributes
    ----------
    id
        Unique in the file.
    patient, study
        Pseudonyms; a patient is in one split only.
    image
        The scan: a file or a DICOM folder.
    modality
        MR, CT or unknown.
    region
        brain, head_neck, thorax, heart, abdomen, pelvis or spine.
    plane
        The plane of the slices that the conversation is held over.
    split
        train, development or validation.
    exchanges
        Questions and answers in their order.
    provenance, review
        Who wrote it, and what a reviewer said.
    slices
        First and last canonical slice where the conversation is about a part of the scan; else None.
    """

    id: str
    patient: str
    study: str
    image: str
    modality: str
    region: str
    plane: Plane
    split: str
    exchanges: tuple[ItemExchange, ...]
    provenance: ItemProvenance
    review: Review = field(default=Review.UNREVIEWED)
    slices: tuple[int, int] | None = None


def item_to_dict(item: Item) -> dict[str, Any]:
    """What is written of an item."""
    return {
        "id": item.id,
        "patient": item.patient,
        "study": item.study,
        "image": item.image,
        "modality": item.modality,
        "region": item.region,
        "plane": item.plane.value,
        "slices": None if item.slices is None else list(item.slices),
        "split": item.split,
        "exchanges": [
            {
                "question": exchange.question,
                "answer": exchange.answer,
                "question_type": exchange.question_type.value,
                "targets": [_target_to_dict(target) for target in exchange.targets],
            }
            for exchange in item.exchanges
        ],
        "provenance": {
            "annotator": item.provenance.annotator,
            "seed": item.provenance.seed,
            "software_version": item.provenance.software_version,
            **({"flags": list(item.provenance.flags)} if item.provenance.flags else {}),
        },
        "review": item.review.value,
    }


def _target_to_dict(target: ItemTarget) -> dict[str, Any]:
    return {
        "phrase": target.phrase,
        "structure": target.structure,
        "side": target.side.value,
        "present": target.present,
        "mask": None if target.mask is None else _mask_to_dict(target.mask),
    }


def _mask_to_dict(mask: MaskReference) -> dict[str, Any]:
    written: dict[str, Any] = {"file": mask.file, "labels": list(mask.labels)}
    # Only ReasonSeg has it, so that it is the one key that may be missing.
    if mask.ignored:
        written["ignored"] = list(mask.ignored)
    return written


def item_from_dict(data: Any) -> Item:
    """Read what `item_to_dict` made.

    Raises
    ------
    DatasetError
        If a key is missing or unknown or a value is of the wrong kind; the sentence names the place.
    """
    get = _Reader(data, "the item")
    slices = get.optional("slices", list)
    if slices is not None and (len(slices) != 2 or not all(map(_is_count, slices)) or slices[0] > slices[1]):
        raise DatasetError(f"slices of the item is {slices}; write null or [first, last].")
    split = get.text("split")
    if split not in SPLITS:
        raise DatasetError(f"split of the item is '{split}'; write one of {', '.join(SPLITS)}.")
    said_by = _Reader(get.of("provenance", dict), "provenance")
    seed = said_by.optional("seed", int)
    # Files from before there were flags lack the key.
    flags = said_by.of("flags", list) if said_by.has("flags") else []
    if not all(isinstance(flag, str) and flag.strip() for flag in flags):
        raise DatasetError("flags of provenance must be sentences; leave the key out where there is none.")
    provenance = ItemProvenance(
        said_by.text("annotator"), said_by.text("software_version"), seed, tuple(flags)
    )
    said_by.finish()
    exchanges = tuple(
        _exchange_from_dict(entry, f"exchange {n}") for n, entry in enumerate(get.of("exchanges", list), 1)
    )
    if not exchanges:
        raise DatasetError("exchanges of the item is empty; write at least one question and its answer.")
    item = Item(
        id=get.text("id"),
        patient=get.text("patient"),
        study=get.text("study"),
        image=get.text("image"),
        modality=get.text("modality"),
        region=get.text("region"),
        plane=get.choice("plane", Plane),
        split=split,
        exchanges=exchanges,
        provenance=provenance,
        review=get.choice("review", Review),
        slices=None if slices is None else (slices[0], slices[1]),
    )
    get.finish()
    return item


def _exchange_from_dict(data: Any, place: str) -> ItemExchange:
    get = _Reader(data, place)
    targets = []
    for number, entry in enumerate(get.of("targets", list), 1):
        one = _Reader(entry, f"target {number} of {place}")
        mask, reference = one.optional("mask", dict), None
        if mask is not None:
            where = _Reader({"ignored": [], **mask}, f"mask of target {number} of {place}")
            reference = MaskReference(where.text("file"), where.labels("labels"), where.labels("ignored"))
            where.finish()
        phrase, structure, side = one.text("phrase"), one.text("structure"), one.choice("side", Side)
        targets.append(ItemTarget(phrase, structure, side, one.of("present", bool), reference))
        one.finish()
    exchange = ItemExchange(
        get.text("question"), get.text("answer"), get.choice("question_type", QuestionType), tuple(targets)
    )
    get.finish()
    return exchange


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class _Reader:
    """Takes the keys of a JSON object one by one, and complains about those that are left."""

    def __init__(self, data: Any, place: str) -> None:
        if not isinstance(data, Mapping):
            raise DatasetError(f"{place} is not a JSON object; write one in braces.")
        self.place, self._left = place, dict(data)

    def has(self, key: str) -> bool:
        return key in self._left

    def of(self, key: str, kind: type) -> Any:
        value = self.optional(key, kind)
        if value is None:
            raise DatasetError(f"{key} of {self.place} is null; give it a value.")
        return value

    def optional(self, key: str, kind: type) -> Any:
        if key not in self._left:
            raise DatasetError(f"{self.place} lacks the key '{key}'; add it.")
        value = self._left.pop(key)
        # A truth value is a number to Python, and is none here.
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool) != (kind is bool)):
            raise DatasetError(f"{key} of {self.place} is not of the kind {kind.__name__}; correct it.")
        return value

    def text(self, key: str) -> str:
        value: str = self.of(key, str)
        if not value.strip():
            raise DatasetError(f"{key} of {self.place} is empty; write something.")
        return value

    def labels(self, key: str) -> tuple[int, ...]:
        values = self.of(key, list)
        if not all(_is_count(n) and n > 0 for n in values):
            raise DatasetError(f"{key} of {self.place} must be whole numbers above 0.")
        return tuple(values)

    def choice(self, key: str, kind: type[Any]) -> Any:
        value = self.of(key, str)
        known = [member.value for member in kind]
        if value not in known:
            raise DatasetError(f"{key} of {self.place} is '{value}'; write one of {', '.join(known)}.")
        return kind(value)

    def finish(self) -> None:
        if self._left:
            names = ", ".join(f"'{key}'" for key in self._left)
            raise DatasetError(f"{self.place} has the unknown key {names}; remove it.")


def read_items(path: str | os.PathLike[str]) -> Iterator[Item]:
    """Read a data set, one item at a time.

    Raises
    ------
    DatasetError
        If the file cannot be read or a line is not an item; the sentence names the line.
    """
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        yield item_from_dict(json.loads(line))
                    except json.JSONDecodeError as error:
                        raise DatasetError(
                            f"Line {number} of {path} is not JSON ({error.msg}); write one object a line."
                        ) from error
                    except DatasetError as error:
                        raise DatasetError(f"Line {number} of {path}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read as a data set ({error}); check the path.") from error


def write_items(path: str | os.PathLike[str], items: Iterable[Item]) -> int:
    """Write a data set whole or not at all, one item at a time; returns their number.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    count = 0
    with atomic_path(Path(path)) as partial, open(partial, "w", encoding="utf-8", newline="\n") as out:
        for item in items:
            out.write(json.dumps(item_to_dict(item), ensure_ascii=False) + "\n")
            count += 1
    return count
