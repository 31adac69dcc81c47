"""Parquet for Hugging Face, opened again by the library itself."""

from __future__ import annotations

from dataclasses import replace

import datasets
import numpy as np
import pytest

from MedSegRLib.dataset.exporting.hugging_face import write_hugging_face
from MedSegRLib.dataset.format import Review
from MedSegRLib.errors import DatasetError, UserInputError


@pytest.fixture
def written(item, picture, tmp_path):
    """The folder, opened as its card says."""
    rejected = replace(item, id="a-2", review=Review.REJECTED)
    count = write_hugging_face(
        tmp_path / "out", [item, rejected, picture], tmp_path, name="Mine", licence="CC0"
    )
    assert count == 2
    datasets.disable_progress_bars()
    return datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))


def test_a_row_has_the_picture_the_masks_and_the_conversation(written, labels):
    assert {split: len(rows) for split, rows in written.items()} == {"train": 1, "validation": 1}
    row = written["train"][0]
    assert (row["id"], row["patient"], row["region"], row["plane"], row["slice"]) == (
        "a-1",
        "a",
        "abdomen",
        "axial",
        2,
    )
    assert row["image"].size == (8, 6)
    masks = [np.asarray(mask) > 0 for mask in row["masks"]]
    assert (masks[0] == (labels[2] == 1)).all() and (masks[1] == (labels[2] == 2)).all()
    assert not masks[2].any()
    assert [(t["exchange"], t["phrase"], t["present"]) for t in row["targets"]] == [
        (0, "liver", True), (1, "spleen", True), (2, "left thalamus", False),
    ]  # fmt: skip
    assert row["conversations"][:2] == [
        {"role": "user", "content": "Where is the bile made?"},
        {"role": "assistant", "content": "In the <p>liver</p>[SEG]."},
    ]
    assert row["question_types"] == ["implicit", "follow_up", "absent"]


def test_a_picture_stays_as_it_is(written):
    assert (np.asarray(written["validation"][0]["image"]) == np.arange(48).reshape(6, 8) * 5).all()


def test_the_card_tells_what_was_written(written, tmp_path):
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "# Mine" in text and "**Licence**: CC0." in text and "| all | 2 | 2 | 2 | 4 |" in text
    assert "    path: data/validation.parquet" in text


def test_rows_are_written_in_batches(item, tmp_path, monkeypatch):
    monkeypatch.setattr("MedSegRLib.dataset.exporting.hugging_face._ROWS_AT_A_TIME", 2)
    items = [replace(item, id=str(n)) for n in range(5)]
    write_hugging_face(tmp_path / "out", items, tmp_path, name="x", licence="")
    rows = datasets.Dataset.from_parquet(
        str(tmp_path / "out/data/train.parquet"), cache_dir=str(tmp_path / "cache")
    )
    assert rows["id"][:] == ["0", "1", "2", "3", "4"]


def test_an_empty_data_set_and_a_patient_in_two_splits_are_refused(item, tmp_path):
    with pytest.raises(DatasetError, match="The data set holds no item that was not rejected"):
        write_hugging_face(tmp_path / "out", [], tmp_path, name="x", licence="")
    two = [item, replace(item, id="a-2", split="validation")]
    with pytest.raises(DatasetError, match="Patient a is in train and, with item a-2, in validation"):
        write_hugging_face(tmp_path / "out", two, tmp_path, name="x", licence="")
    assert not (tmp_path / "out").exists()


def test_without_the_library_one_is_told_what_to_install(item, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(
        UserInputError, match=r"Writing for Hugging Face needs the package datasets, .* 'medsegr\[dataset\]'"
    ):
        write_hugging_face(tmp_path / "out", [item], tmp_path, name="x", licence="")
