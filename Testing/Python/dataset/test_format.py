"""The format on disk: what is written is read back, schema and reader agree, a wrong line is named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.format import (
    Item,
    ItemExchange,
    ItemProvenance,
    ItemTarget,
    MaskReference,
    Review,
    item_from_dict,
    item_to_dict,
    read_items,
    write_items,
)
from MedSegRLib.dataset.source import Source
from MedSegRLib.errors import DatasetError, OutputError
from MedSegRLib.imaging import Plane
from MedSegRLib.resources import resource_path

SCHEMA = json.loads(resource_path("Schemas", "medsegqa.schema.json").read_text(encoding="utf-8"))

ITEM = Item(
    "a-1", "a", "1", "scans/a.nii.gz", "MR", "brain", Plane.CORONAL, "train",
    (
        ItemExchange(
            "Wo ist der Hippocampus, β?", "Here is <p>left hippocampus</p>[SEG].", QuestionType.DIRECT,
            (ItemTarget("left hippocampus", "hippocampus", Side.LEFT, True, MaskReference("l.nii", (17,))),),
        ),
        ItemExchange(
            "And the spleen?", "No <p>spleen</p>[REJ] here.", QuestionType.ABSENT,
            (ItemTarget("spleen", "spleen", Side.NONE, False),),
        ),
    ),
    ItemProvenance("people", "0.1"), Review.EDITED, (3, 9),
)  # fmt: skip


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    assert write_items(path, [ITEM, ITEM]) == 2
    assert list(read_items(path)) == [ITEM, ITEM]
    assert "β" in path.read_text(encoding="utf-8")


def test_built_items_obey_the_schema_and_the_same_seed_builds_the_same(
    phantom: Source, build: Callable[..., Path]
) -> None:
    path = build(phantom, scans=15, seed=3)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 15
    for line, item in zip(lines, read_items(path), strict=True):
        jsonschema.validate(json.loads(line), SCHEMA)
        assert item_to_dict(item) == json.loads(line)
    assert build(phantom, scans=15, seed=3, folder="again").read_bytes() == path.read_bytes()


def test_labels_to_be_ignored_are_kept_by_both_and_may_be_missing(tmp_path: Path) -> None:
    mask = MaskReference("l.nii", (17,), (255, 254))
    exchange = replace(ITEM.exchanges[0], targets=(replace(ITEM.exchanges[0].targets[0], mask=mask),))
    item = replace(ITEM, exchanges=(exchange,))
    write_items(tmp_path / "set.jsonl", [item])
    written = json.loads((tmp_path / "set.jsonl").read_text(encoding="utf-8"))
    jsonschema.validate(written, SCHEMA)
    assert list(read_items(tmp_path / "set.jsonl")) == [item]
    written["exchanges"][0]["targets"][0]["mask"]["ignored"] = [0]
    with pytest.raises(DatasetError, match="ignored of mask of target 1 of exchange 1 must be whole numbers"):
        item_from_dict(written)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(written)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all keys in nested objects and lists."""
    found = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        if isinstance(value, dict):
            found.append((*path, key))
        found += places(inner, (*path, key))
    return found


GOOD = item_to_dict(ITEM)
WRONG = [None, True, 7, -1, "", " ", "other", [], [9, 3], [1, "x"], {}]


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(GOOD)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    if value is KeyError:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return data


@pytest.mark.parametrize("path", places(GOOD), ids=lambda path: ".".join(map(str, path)))
def test_reader_and_schema_agree_on_every_key(path: tuple[Any, ...]) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert validator.is_valid(GOOD) and item_from_dict(GOOD) == ITEM
    disagreed, refused = [], 0
    for value in [KeyError, *WRONG]:
        data = changed(path, value)
        try:
            item_from_dict(data)
            read = True
        except DatasetError:
            read, refused = False, refused + 1
        # The order of first and last slice is what a schema cannot say.
        if read != validator.is_valid(data) and value != [9, 3]:
            disagreed.append(value)
    assert disagreed == [] and refused >= 3


@pytest.mark.parametrize(
    "path", [p for p in places(GOOD) if p[-1] in ("id", "annotator", "question", "phrase", "file")]
)
def test_unknown_keys_are_refused_by_both(path: tuple[Any, ...]) -> None:
    data = changed((*path[:-1], "extra"), 1)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(data)
    with pytest.raises(DatasetError, match="unknown key 'extra'"):
        item_from_dict(data)


def test_flags_are_kept_and_may_be_missing() -> None:
    flagged = replace(ITEM, provenance=replace(ITEM.provenance, flags=("Round trip: look at it.",)))
    data = item_to_dict(flagged)
    assert item_from_dict(data) == flagged and jsonschema.Draft202012Validator(SCHEMA).is_valid(data)
    assert "flags" not in item_to_dict(ITEM)["provenance"]
    for wrong in ([1], [" "], "look", None):
        data["provenance"]["flags"] = wrong
        assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(data)
        with pytest.raises(DatasetError, match="flags of provenance"):
            item_from_dict(data)


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps(GOOD) + "\n{broken\n", encoding="utf-8")
    items = read_items(path)
    assert next(items) == ITEM
    with pytest.raises(DatasetError, match="Line 2"):
        next(items)


def test_a_missing_file_and_a_missing_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        next(read_items(tmp_path / "none.jsonl"))
    with pytest.raises(OutputError):
        write_items(tmp_path / "none" / "set.jsonl", [ITEM])
