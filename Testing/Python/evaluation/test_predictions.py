"""Other systems' predictions: scored as our own answers are, and refused where they do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from MedSegRLib.errors import DatasetError, UserInputError
from MedSegRLib.evaluation.figures import figures_of
from MedSegRLib.evaluation.markdown import to_markdown
from MedSegRLib.evaluation.runner import evaluate_predictions

from .sets import BOXES, LABELS, SHAPE, exchange, item, mask_of, target, write, write_scan, write_set

LEFT, RIGHT, AMYGDALA = "left hippocampus", "right hippocampus", "left amygdala"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scan(tmp_path)
    asked = [
        exchange("q", "direct", [target(LEFT)]),
        exchange("r", "absent", [target(AMYGDALA, False)]),
    ]
    write_set(tmp_path / "set.jsonl", [item("a", "p", asked), item("b", "o", asked[:1])])
    (tmp_path / "theirs").mkdir()
    return tmp_path


def predict(folder: Path, items: list[dict[str, Any]]) -> Path:
    return write_set(folder / "theirs" / "them.jsonl", items)


def exactly(folder: Path) -> list[dict[str, Any]]:
    """Predictions that are the truth, with masks of their own beside them."""
    labels = np.zeros(SHAPE, np.int16)
    for name, box in BOXES.items():
        labels[box] = LABELS[name]
    write(folder / "theirs" / "seg.nii.gz", labels)
    return [json.loads(line) for line in (folder / "set.jsonl").read_text(encoding="utf-8").splitlines()]


def values(folder: Path, items: list[dict[str, Any]]) -> dict[str, float]:
    results = evaluate_predictions(folder / "set.jsonl", predict(folder, items))
    return {figure.name.removeprefix("MedSeg-QA: "): figure.value for figure in figures_of(results)}


def test_the_truth_scores_one_and_tells_no_confidence(folder: Path) -> None:
    results = evaluate_predictions(folder / "set.jsonl", predict(folder, exactly(folder)))
    found = {figure.name.removeprefix("MedSeg-QA: "): figure for figure in figures_of(results)}
    for name in ("Dice", "surface Dice (2 mm)", "gIoU", "cIoU", "number of findings right"):
        assert found[name].value == 1.0 and found[name].patients == 2
    assert found["N-Acc: nothing is there, no mask and refused in words"].value == 1.0
    assert found["T-Acc: the parts asked for are among the masks"].of == "2 questions"
    assert not any(name.startswith("ECE") for name in found) and results.told == ()
    text = to_markdown(results)
    assert "# Evaluation of them" in text and "were read from them.jsonl; nothing was asked" in text


def test_their_masks_count_and_not_those_of_the_data_set(folder: Path) -> None:
    items = exactly(folder)
    half = np.where(mask_of((slice(2, 4), *BOXES[LEFT][1:])), 1, 0).astype(np.int16)
    write(folder / "theirs" / "half.nii.gz", half)
    for one in items:
        one["exchanges"][0]["targets"] = [target(LEFT, file="half.nii.gz", label=1)]
    found = values(folder, items)
    assert found["Dice"] == pytest.approx(2 * 32 / (32 + 64)) and found["cIoU"] == pytest.approx(
        2 * 32 / (2 * 64)
    )


def test_a_mask_without_a_voxel_is_none_and_another_side_is_wrong(folder: Path) -> None:
    items = exactly(folder)
    items[0]["exchanges"][0]["targets"] = [target(LEFT, label=99)]
    items[1]["exchanges"][0]["targets"] = [target(RIGHT)]
    found = values(folder, items)
    assert found["Dice"] == found["right target, sides included"] == found["gIoU"] - 1 / 3 == 0.0
    assert found["number of findings right"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("answer", "targets", "right"),
    [
        ("No <p>left amygdala</p>[REJ].", [target(AMYGDALA, False)], 1.0),
        ("I cannot tell.", [], 1.0),
        ("Sure.", [], 0.0),
        ("No, I mean <p>left amygdala</p>[SEG].", [target(AMYGDALA)], 0.0),
    ],
    ids=["by target", "in words", "not at all", "with a mask"],
)
def test_a_refusal_is_told_in_each_way(
    folder: Path, answer: str, targets: list[dict[str, Any]], right: float
) -> None:
    items = exactly(folder)
    items[0]["exchanges"][1] = exchange("r", "absent", targets, answer)
    assert values(folder, items)["N-Acc: nothing is there, no mask and refused in words"] == right


def refused(folder: Path, items: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        evaluate_predictions(folder / "set.jsonl", predict(folder, items))


def test_items_that_do_not_fit_are_refused(folder: Path) -> None:
    items = exactly(folder)
    refused(folder, items[:1], r"them\.jsonl lacks the item b of set\.jsonl; answer all of them")
    refused(folder, [*items, items[0]], r"them\.jsonl has two items a; keep one of them")
    refused(folder, [*items, {**items[0], "id": "c"}], r"has the item c, which set\.jsonl lacks; remove it")
    other = json.loads(json.dumps(items))
    other[0]["exchanges"][0]["question"] = "another"
    sentence = r"The questions of a in .*them\.jsonl are not those of set\.jsonl; answer the same ones"
    refused(folder, other, sentence)
    other[0]["exchanges"] = items[0]["exchanges"][:1]
    refused(folder, other, sentence)


def test_masks_that_do_not_fit_are_refused(folder: Path) -> None:
    items = exactly(folder)
    write(folder / "theirs" / "other.nii.gz", np.ones((10, 12, 13), np.int16))
    for file, sentence in (
        ("none.nii.gz", "There is no mask none.nii.gz beside"),
        ("other.nii.gz", r"other\.nii\.gz has .* voxels and its scan vol"),
    ):
        items[0]["exchanges"][0]["targets"] = [target(LEFT, file=file)]
        refused(folder, items, sentence)
    items[0]["exchanges"][0]["targets"][0]["mask"] = None
    refused(folder, items, "'left hippocampus' of a is said to be there and has no mask; give it one")


def test_a_broken_line_and_a_folder_are_refused(folder: Path) -> None:
    path = predict(folder, exactly(folder))
    path.write_text(path.read_text(encoding="utf-8") + "{\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"Line 3 of .*them\.jsonl is not JSON"):
        evaluate_predictions(folder / "set.jsonl", path)
    with pytest.raises(DatasetError, match=r"none\.jsonl cannot be read as a data set"):
        evaluate_predictions(folder / "set.jsonl", folder / "none.jsonl")
    with pytest.raises(UserInputError, match="Predictions answer a data set"):
        evaluate_predictions(folder, path)


def test_rejected_items_need_no_prediction_and_may_have_one(folder: Path) -> None:
    items = exactly(folder)
    items[1]["review"] = "rejected"
    write_set(folder / "set.jsonl", items)
    assert values(folder, items[:1]) == pytest.approx(values(folder, items), nan_ok=True)
