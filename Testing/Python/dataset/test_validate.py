"""The validator: silent about a good data set, and each fault is told on its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.dataset.source import Source
from MedSegRLib.dataset.validate import validate
from MedSegRLib.errors import DatasetError

Lines = list[dict[str, Any]]


@pytest.fixture
def good(phantom: Source, build: Callable[..., Path]) -> Path:
    return build(phantom, scans=30, seed=1)


def test_a_built_data_set_is_good(good: Path) -> None:
    assert validate(good) == []


def target_of(lines: Lines, present: bool = True) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Number of the line, exchange and target of the first target that is there (or not)."""
    for number, line in enumerate(lines, 1):
        for exchange in line["exchanges"]:
            for target in exchange["targets"]:
                if target["present"] is present:
                    return number, exchange, target
    raise AssertionError("no such target")


def drop_target(lines: Lines) -> int:
    number, exchange, target = target_of(lines)
    exchange["targets"].remove(target)
    return number


def rename_in_the_answer(lines: Lines) -> int:
    number, exchange, target = target_of(lines)
    exchange["answer"] = exchange["answer"].replace(f"<p>{target['phrase']}</p>", "<p>that thing</p>")
    return number


def reject_in_the_answer(lines: Lines) -> int:
    number, exchange, _ = target_of(lines)
    exchange["answer"] = exchange["answer"].replace("[SEG]", "[REJ]", 1)
    return number


def mean_something_else(lines: Lines) -> int:
    number, _, target = target_of(lines)
    target["structure"] = "spleen"
    return number


def mean_the_other_side(lines: Lines) -> int:
    for number, line in enumerate(lines, 1):
        for target in (t for e in line["exchanges"] for t in e["targets"]):
            if target["side"] != "none":
                target["side"] = {"left": "right", "right": "left"}[target["side"]]
                return number
    raise AssertionError("no sided target")


def mean_an_unknown_structure(lines: Lines) -> int:
    number, _, target = target_of(lines)
    target["structure"] = "philtrum_of_mars"
    return number


def change_the_split(lines: Lines) -> int:
    lines[4]["split"] = "train"
    return 5


def repeat_an_id(lines: Lines) -> int:
    lines[7]["id"] = lines[2]["id"]
    return 8


def lose_the_image(lines: Lines) -> int:
    lines[1]["image"] = "gone.nii.gz"
    return 2


def lose_the_mask(lines: Lines) -> int:
    number, _, target = target_of(lines)
    target["mask"]["file"] = "gone.nii.gz"
    return number


def name_no_mask(lines: Lines) -> int:
    number, _, target = target_of(lines)
    target["mask"] = None
    return number


def mask_what_is_absent(lines: Lines) -> int:
    number, _, target = target_of(lines, present=False)
    target["mask"] = {"file": "../labels.nii.gz", "labels": [17]}
    return number


def empty_the_mask(lines: Lines) -> int:
    number, _, target = target_of(lines)
    target["mask"]["labels"] = [1999]
    return number


def add_a_label(lines: Lines) -> int:
    number, _, target = target_of(lines)
    target["mask"]["labels"].append(1999)
    return number


def add_a_key(lines: Lines) -> int:
    lines[3]["colour"] = "red"
    return 4


FAULTS = [
    (drop_target, "one to one"), (rename_in_the_answer, "same words"),
    (reject_in_the_answer, r"needs \[SEG\]"),
    (mean_something_else, "not spleen"), (mean_the_other_side, "say what is meant"),
    (mean_an_unknown_structure, "does not hold"), (change_the_split, "one split"), (repeat_an_id, "its own"),
    (lose_the_image, "image gone.nii.gz is missing"), (lose_the_mask, "mask file gone.nii.gz is missing"),
    (name_no_mask, "has no mask"), (mask_what_is_absent, "is not there and has a mask"),
    (empty_the_mask, "is empty"), (add_a_label, "no voxel with label 1999"),
    (add_a_key, "unknown key 'colour'"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), FAULTS, ids=[spoil.__name__ for spoil, _ in FAULTS])
def test_each_fault_is_told_on_its_line(good: Path, spoil: Callable[[Lines], int], message: str) -> None:
    lines = [json.loads(line) for line in good.read_text(encoding="utf-8").splitlines()]
    number = spoil(lines)
    good.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    problems = validate(good)
    assert [p.line for p in problems] == [number] * len(problems)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError([p.message for p in problems])
    assert len(problems) <= 2


def test_a_mask_that_lies_in_other_slices_is_empty_in_its_own(good: Path) -> None:
    lines = [json.loads(line) for line in good.read_text(encoding="utf-8").splitlines()]
    number, _, _ = target_of(lines)
    # The phantom's parts lie in slices 1 and 2 of 4.
    for slices, count in (([1, 2], 0), ([2, 2], 0), ([3, 3], 1)):
        lines[number - 1]["slices"] = slices
        good.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
        problems = validate(good)
        assert bool(problems) == bool(count) and {problem.line for problem in problems} <= {number}
        assert all("is empty; call it absent or correct the labels" in p.message for p in problems)


def test_a_picture_saved_in_three_equal_channels_is_one_slice(good: Path) -> None:
    labels = np.zeros((6, 8), np.uint8)
    labels[2:4, 3:6] = 10
    for name, array in (("labels", labels), ("scan", labels + 1)):
        image = sitk.GetImageFromArray(np.stack([array] * 3, axis=-1), isVector=True)
        sitk.WriteImage(image, str(good.parent / f"{name}.png"))
    line = json.loads(good.read_text(encoding="utf-8").splitlines()[0])
    mask = {"file": "labels.png", "labels": [10]}
    one = {"phrase": "thalami", "structure": "thalamus", "side": "none", "present": True, "mask": mask}
    answer = "These are the <p>thalami</p>[SEG]."
    said = {"question": "Both?", "answer": answer, "question_type": "direct", "targets": [one]}
    line |= {"image": "scan.png", "slices": [0, 0], "exchanges": [said], "plane": "axial"}
    good.write_text(json.dumps(line), encoding="utf-8")
    assert validate(good) == []


def test_a_sided_structure_whose_sides_nobody_told_apart_is_good(good: Path) -> None:
    lines = [json.loads(line) for line in good.read_text(encoding="utf-8").splitlines()]
    one = {"phrase": "thalami", "structure": "thalamus", "side": "none", "present": True}
    one["mask"] = {"file": "../labels.nii.gz", "labels": [10, 49]}
    answer = "These are the <p>thalami</p>[SEG]."
    said = {"question": "Both?", "answer": answer, "question_type": "direct", "targets": [one]}
    lines[0]["exchanges"] = [said]
    good.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    assert validate(good) == []


def test_a_broken_line_is_told_and_the_rest_is_read(good: Path) -> None:
    lines = good.read_text(encoding="utf-8").splitlines()
    lines[2] = lines[2][:40]
    good.write_text("\n".join(lines), encoding="utf-8")
    (problem,) = validate(good)
    assert problem.line == 3 and "not JSON" in problem.message and str(problem).startswith("line 3: ")


@pytest.mark.parametrize("what", ["spacing", "origin", "size"])
def test_a_mask_on_another_grid_is_told(good: Path, what: str) -> None:
    path = str(good.parents[1] / "labels.nii.gz")
    labels = sitk.ReadImage(path)
    if what == "spacing":
        labels.SetSpacing((1.0, 1.0, 2.1))
    elif what == "origin":
        labels.SetOrigin((0.0, 5.0, 0.0))
    else:
        spacing = labels.GetSpacing()
        labels = sitk.GetImageFromArray(np.pad(sitk.GetArrayFromImage(labels), ((0, 0), (0, 0), (0, 1))))
        labels.SetSpacing(spacing)
    sitk.WriteImage(labels, path)
    problems = validate(good)
    assert problems and all("not on the grid" in p.message for p in problems)


def test_a_missing_data_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        validate(tmp_path / "none.jsonl")
