"""ReasonSeg: the questions of a data set in LISA's format, a picture and a JSON file for each mask.

ReasonSeg knows one mask for a question and no conversation, so questions that are about nothing that is
there, and those that lean on an earlier one, are left out. Questions with the same mask on the same slice
share a file. What a polygon shows is written into its `description`, and whom the picture is of into
`patient`, which LISA does not read, so that nothing of it is lost on the way back.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from MedSegRLib.imaging import atomic_folder

from ..conversation import QuestionType
from ..format import Item, ItemExchange, ItemTarget
from ..polygons import polygons_of
from ..split import refuse_two_splits
from .pictures import ItemPictures, Mask

__all__ = ["ReasonSegExport", "write_reasonseg"]

_SPLITS = {"train": "train", "development": "val", "validation": "test"}
_ARTICLES = {"a", "an", "the"}
_QUALITY = 95


@dataclass(frozen=True)
class ReasonSegExport:
    """What was written, and how many exchanges could not be, by the reason."""

    files: int
    questions: int
    left_out: dict[str, int]


def write_reasonseg(path: Path, items: Iterable[Item], folder: Path) -> ReasonSegExport:
    """Write the folders train, val and test of ReasonSeg, whole or not at all.

    Of a volume the slice is shown on which the mask is largest.

    Parameters
    ----------
    path
        The folder to make.
    items, folder
        The data set, and the folder of its file.

    Raises
    ------
    DatasetError
        If a patient is in two splits, or a mask cannot be read.
    ImageReadError, UnsupportedVolumeError
        If a scan cannot be read.
    OutputError
        If the folder is there already or cannot be written.
    """
    pictures = ItemPictures(folder)
    left_out: Counter[str] = Counter()
    files: dict[object, tuple[Path, dict[str, Any]]] = {}
    taken: set[str] = set()
    with atomic_folder(path) as partial:
        for item in refuse_two_splits(items):
            for number, exchange in enumerate(item.exchanges, 1):
                reason = _unfit(item, exchange)
                if reason is not None:
                    left_out[reason] += 1
                    continue
                targets = [target for target in exchange.targets if target.present]
                index = pictures.best_slice(item, targets)
                key = (item.split, item.image, item.plane, index, tuple(target.mask for target in targets))
                if key not in files:
                    place = partial / _SPLITS[item.split]
                    place.mkdir(exist_ok=True)
                    name = _name(item, number, taken)
                    taken.add(name)
                    shapes = _shapes(pictures, item, targets, index, name)
                    Image.fromarray(pictures.picture(item, index)).save(place / name, quality=_QUALITY)
                    content = {
                        "text": [],
                        "is_sentence": _is_sentence(exchange),
                        "patient": item.patient,
                        "shapes": shapes,
                    }
                    files[key] = (place / name, content)
                files[key][1]["text"].append(exchange.question)
        for file, content in files.values():
            text = json.dumps(content, ensure_ascii=False, indent=1)
            file.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return ReasonSegExport(len(files), sum(len(c["text"]) for _, c in files.values()), dict(left_out))


def _unfit(item: Item, exchange: ItemExchange) -> str | None:
    if item.review.value == "rejected":
        return "rejected by a reviewer"
    if exchange.question_type is QuestionType.FOLLOW_UP:
        return "leans on an earlier question"
    if not any(target.present for target in exchange.targets):
        return "nothing to show"
    return None


def _name(item: Item, number: int, taken: set[str]) -> str:
    stem = re.sub(r"[^\w.-]", "_", item.id if number == 1 else f"{item.id}-{number}")
    names = (f"{stem}_{again}.jpg" if again else f"{stem}.jpg" for again in count())
    return next(name for name in names if name not in taken)


def _is_sentence(exchange: ItemExchange) -> bool:
    """False for a text that only names the target, as `the left kidney`."""
    said, named = (
        {word for word in re.findall(r"\w+", text.lower()) if word not in _ARTICLES}
        for text in (exchange.question, " ".join(target.phrase for target in exchange.targets))
    )
    return said != named


def _shapes(
    pictures: ItemPictures, item: Item, targets: list[ItemTarget], index: int, name: str
) -> list[dict[str, Any]]:
    shapes = []
    ignored: Mask | None = None
    for target in targets:
        if target.mask is None:
            continue
        mask = pictures.mask(item, target.mask)[index]
        shapes += [_shape("target", target.phrase, points, name) for points in polygons_of(mask)]
        if target.mask.ignored:
            more = pictures.mask(item, target.mask, ignored=True)[index]
            ignored = more if ignored is None else ignored | more
    if ignored is not None and np.any(ignored):
        shapes += [_shape("ignore", "", points, name) for points in polygons_of(ignored)]
    return shapes


def _shape(label: str, description: str, points: list[tuple[int, int]], name: str) -> dict[str, Any]:
    return {
        "label": label,
        "description": description,
        "shape_type": "polygon",
        "image_name": name,
        "points": [list(point) for point in points],
        "group_id": None,
        "flags": {},
    }
