"""Hugging Face: a data set as Parquet files that `datasets.load_dataset` opens, one row for an item.

Of a volume the slice is taken that shows most targets. `masks` has one picture for each target, in the
order of the answers' [SEG] and [REJ]; it is black where the target is absent or on other slices.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import atomic_folder

from ..card import card_of
from ..extra import extra
from ..format import SPLITS, Item
from ..split import refuse_two_splits
from ..statistics import statistics_of
from .pictures import ItemPictures

__all__ = ["write_hugging_face"]

_ROWS_AT_A_TIME = 100


def write_hugging_face(path: Path, items: Iterable[Item], folder: Path, *, name: str, licence: str) -> int:
    """Write a folder with data/<split>.parquet and a card, whole or not at all; returns the rows.

    Items that a reviewer has rejected are left out.

    Parameters
    ----------
    path
        The folder to make.
    items, folder
        The data set, and the folder of its file.
    name, licence
        For the card.

    Raises
    ------
    DatasetError
        If there is no item, a patient is in two splits, or a mask cannot be read.
    ImageReadError, UnsupportedVolumeError
        If a scan cannot be read.
    OutputError
        If the folder is there already or cannot be written.
    UserInputError
        If the package datasets is not installed.
    """
    datasets = extra("datasets", "Writing for Hugging Face")
    kept = [item for item in refuse_two_splits(items) if item.review.value != "rejected"]
    if not kept:
        raise DatasetError("The data set holds no item that was not rejected; there is nothing to write.")
    pictures = ItemPictures(folder)
    features = _features(datasets)
    with atomic_folder(path) as partial:
        (partial / "data").mkdir()
        for split in SPLITS:
            mine = [item for item in kept if item.split == split]
            if mine:
                tables = (
                    datasets.Dataset.from_list(rows, features=features).data.table
                    for rows in _batches(mine, pictures)
                )
                _write_parquet(partial / "data" / f"{split}.parquet", tables, features.arrow_schema)
        text = card_of(statistics_of(kept), name=name, licence=licence, parquet=True)
        (partial / "README.md").write_text(text, encoding="utf-8")
    return len(kept)


def _batches(items: list[Item], pictures: ItemPictures) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(items), _ROWS_AT_A_TIME):
        yield [_row(item, pictures) for item in items[start : start + _ROWS_AT_A_TIME]]


def _write_parquet(path: Path, tables: Iterable[Any], schema: Any) -> None:
    parquet = extra("pyarrow.parquet", "Writing for Hugging Face")
    with parquet.ParquetWriter(str(path), schema) as writer:
        for table in tables:
            writer.write_table(table)


def _row(item: Item, pictures: ItemPictures) -> dict[str, Any]:
    targets = [target for exchange in item.exchanges for target in exchange.targets]
    index = pictures.best_slice(item, targets)
    picture = pictures.picture(item, index)
    empty = np.zeros(picture.shape, np.bool_)
    masks = [empty if t.mask is None else pictures.mask(item, t.mask)[index] for t in targets]
    return {
        "id": item.id,
        "patient": item.patient,
        "study": item.study,
        "modality": item.modality,
        "region": item.region,
        "plane": item.plane.value,
        "slice": index,
        "image": _png(picture),
        "masks": [_png(mask.astype(np.uint8) * 255) for mask in masks],
        "targets": [
            {
                "exchange": number,
                "phrase": target.phrase,
                "structure": target.structure,
                "side": target.side.value,
                "present": target.present,
            }
            for number, exchange in enumerate(item.exchanges)
            for target in exchange.targets
        ],
        "conversations": [
            {"role": role, "content": content}
            for exchange in item.exchanges
            for role, content in (("user", exchange.question), ("assistant", exchange.answer))
        ],
        "question_types": [exchange.question_type.value for exchange in item.exchanges],
        "annotator": item.provenance.annotator,
        "review": item.review.value,
    }


def _png(grey: npt.NDArray[np.uint8]) -> dict[str, Any]:
    file = io.BytesIO()
    Image.fromarray(grey).save(file, format="png")
    return {"bytes": file.getvalue(), "path": None}


def _features(datasets: Any) -> Any:
    text, number, truth = (datasets.Value(kind) for kind in ("string", "int32", "bool"))
    # In the order of `_row`, which the library keeps.
    words = ("id", "patient", "study", "modality", "region", "plane")
    named = {"phrase": text, "structure": text, "side": text}
    return datasets.Features(
        {
            **dict.fromkeys(words, text),
            "slice": number,
            "image": datasets.Image(),
            "masks": datasets.Sequence(datasets.Image()),
            "targets": [{"exchange": number, **named, "present": truth}],
            "conversations": [{"role": text, "content": text}],
            "question_types": [text],
            "annotator": text,
            "review": text,
        }
    )
