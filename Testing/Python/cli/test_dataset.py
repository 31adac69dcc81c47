"""medsegr dataset: scans and masks in, data sets out, counts, splits and cards; bad input changes nothing."""

from __future__ import annotations

import errno
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from MedSegRLib.dataset.format import read_items, write_items
from MedSegRLib.dataset.source_file import read_sources

LABELS = np.zeros((10, 40, 40), np.uint8)
LABELS[4:6, 10:20, 10:20] = 1


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def refused(run, work):
    """Run a command that must be refused with a sentence, and must leave every file and folder as it was."""

    def check(sentence: str, *arguments) -> None:
        before, folders = files(work), sorted(work.rglob("*"))
        result = run("dataset", *arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert re.search(sentence, result.stderr), result.stderr
        assert result.stderr.count("\n") == 1 and result.stderr.endswith(".\n"), "one sentence in one line"
        assert files(work) == before and sorted(work.rglob("*")) == folders

    return check


@pytest.fixture
def labels(work, scan):
    def write(array: np.ndarray = LABELS) -> Path:
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((3.0, 3.0, 4.0))
        sitk.WriteImage(image, str(work / "labels.nii.gz"))
        (work / "labels.csv").write_text("value,name\n1,liver\n")
        return work / "labels.nii.gz"

    return write


@pytest.fixture
def asked(run, work):
    """Two pictures with questions in the format of ReasonSeg, of patients 1 and 2, brought in as `in`."""
    (work / "reason").mkdir()
    for n in (1, 2):
        sitk.WriteImage(
            sitk.GetImageFromArray(np.arange(80, dtype=np.uint8).reshape(8, 10)),
            str(work / f"reason/p{n}_x.png"),
        )
        shape = {"label": "target", "points": [[1, 1], [5, 1], [5, 4], [1, 4]], "description": "liver"}
        content = {"text": ["Where is bile made?", "Show the liver."], "is_sentence": True, "shapes": [shape]}
        (work / f"reason/p{n}_x.json").write_text(json.dumps(content))
    done = run(
        "dataset", "import", "reasonseg", "reason", "--region", "abdomen", "--modality", "CT", "--patient",
        r"(p\d)", "--origin", "made", "--licence", "CC0", "-o", "in",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "in/sources.jsonl, 2 scans of 2 patients" in done.stdout and "4 questions" in done.stdout
    return work / "in" / "dataset.jsonl"


PAIRS = ("import", "pairs", "scan.nii.gz", "labels.nii.gz", "--table", "labels.csv", "--region", "abdomen")


def test_a_pair_becomes_a_source_and_stays_where_it_is(run, work, labels):
    labels()
    done = run("dataset", *PAIRS, "-o", "out")
    assert done.exit_code == 0 and "out/sources.jsonl, 1 scans of 1 patients" in done.stdout
    (source,) = read_sources(work / "out" / "sources.jsonl")
    assert source.image == work / "scan.nii.gz" and source.labels[0].file == work / "labels.nii.gz"
    assert [p.name for p in (work / "out").iterdir()] == ["sources.jsonl"]


def test_names_that_mean_nothing_are_told(run, work, labels):
    labels()
    (work / "labels.csv").write_text("value,name\n1,my lesion\n")
    done = run("dataset", *PAIRS, "-o", "out")
    assert "nothing can be asked of what the anatomy table does not hold: my lesion" in done.stderr


def test_questions_that_came_along_are_a_good_data_set_at_once(run, asked):
    done = run("dataset", "validate", asked)
    assert done.exit_code == 0 and "is a good data set" in done.stdout


def test_reasonseg_goes_out_as_it_came_in(run, work, asked):
    done = run("dataset", "export", "reasonseg", asked, "-o", "out")
    assert done.exit_code == 0 and "2 pictures with 4 questions" in done.stdout
    assert json.loads((work / "out/train/p1_x.json").read_text())["text"][0] == "Where is bile made?"


def test_parquet_goes_out(run, work, asked):
    done = run("dataset", "export", "hugging-face", asked, "-o", "out", "--name", "Mine")
    assert done.exit_code == 0 and "4 rows" in done.stdout
    assert sorted(files(work / "out")) == ["README.md", "data/train.parquet"]


def test_counts_are_shown(run, asked):
    done = run("dataset", "statistics", asked)
    assert done.exit_code == 0 and "| all | 2 | 2 | 4 | 4 | 2 |" in done.stdout
    assert "| liver | 4 | 0 |" in done.stdout


def test_patients_are_divided(run, work, asked):
    done = run("dataset", "split", asked, "-o", "in/split.jsonl", "--development", "0.5")
    assert done.exit_code == 0 and "4 items; " in done.stdout
    splits = {(item.patient, item.split) for item in read_items(work / "in/split.jsonl")}
    assert sorted(split for _, split in splits) == ["development", "train"]
    assert run("dataset", "validate", "in/split.jsonl").exit_code == 0


def test_patients_go_where_a_list_says(run, work, asked):
    (work / "who.csv").write_text("patient,split\np1,validation\np2,train\n")
    done = run("dataset", "split", asked, "-o", "in/split.jsonl", "--patients", "who.csv")
    assert done.exit_code == 0
    assert {(i.patient, i.split) for i in read_items(work / "in/split.jsonl")} == {
        ("p1", "validation"),
        ("p2", "train"),
    }


def test_the_card_names_the_sources(run, work, asked):
    done = run(
        "dataset", "card", asked, "-o", "in/README.md", "--sources", "in/sources.jsonl", "--licence", "CC0"
    )
    assert done.exit_code == 0
    assert "| made | CC0 | 2 | 2 |" in (work / "in/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (LABELS[:9], "has 40 x 40 x 9 voxels and its scan scan.nii.gz 40 x 40 x 10"),
        (LABELS * 0, "is empty, no voxel has a label"),
        (LABELS * 7, r"has labels without a name \(7\); name them in the label table"),
    ],
)
def test_masks_that_cannot_be_used(refused, labels, array, sentence):
    labels(array)
    refused(sentence, *PAIRS, "-o", "out")


def test_a_second_scan_that_is_damaged_leaves_nothing_of_the_first(refused, work, labels):
    labels()
    for name in ("scans", "masks"):
        (work / name).mkdir()
    for n in "ab":
        (work / "scans" / f"{n}.nii.gz").write_bytes((work / "scan.nii.gz").read_bytes())
        (work / "masks" / f"{n}.nii.gz").write_bytes((work / "labels.nii.gz").read_bytes())
    (work / "masks" / "b.nii.gz").write_bytes((work / "labels.nii.gz").read_bytes()[:-30])
    refused(
        r"b\.nii\.gz is cut short or damaged; copy or export it again", "import", "pairs", "scans", "masks",
        "--table", "labels.csv", "--region", "abdomen", "-o", "out",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("import", "dicom", "a", "-o", "out"), "There is no import of 'dicom'; use one of pairs, seg-nrrd"),
        (("import", "pairs", "a", "-o", "out"), "pairs needs the label maps too; name them after the scans"),
        (("import", "index", "a", "b", "-o", "out"), "index takes one folder, which holds scans and masks"),
        (("import", "rtstruct", "a", "b", "-o", "out"), "rtstruct needs --region, what the scans show"),
        (
            ("import", "pairs", "a", "b", "--region", "abdomen", "-o", "out"),
            "pairs needs --table, the names of the labels; without it they mean nothing",
        ),
        (("import", "reasonseg", "a", "--region", "knee", "-o", "out"), "The region 'knee' is unknown"),
        (("import", "index", "a", "-o", "out"), "a has no readable index.json; give the folder of scans"),
        (
            ("export", "coco", "a.jsonl", "-o", "out"),
            "There is no export as 'coco'; use reasonseg or hugging-face",
        ),
        (("export", "reasonseg", "a.jsonl", "-o", "out"), "a.jsonl cannot be read as a data set"),
        (("statistics", "a.jsonl"), "a.jsonl cannot be read as a data set"),
        (("card", "a.jsonl", "-o", "card.txt"), "card.txt does not end as it must; use .md"),
    ],
)
def test_what_is_not_understood(refused, arguments, sentence):
    refused(sentence, *arguments)


def test_a_folder_that_is_there_is_not_replaced(refused, asked):
    refused("in is there already; name a new folder, or remove it first", "import", "reasonseg", "reason",
            "--region", "abdomen", "-o", "in")  # fmt: skip


def test_a_split_in_another_folder_would_lose_its_scans(refused, asked):
    refused("split.jsonl is in another folder than .*; write it beside", "split", asked, "-o", "split.jsonl")


def test_one_patient_in_two_splits(refused, work, asked):
    items = list(read_items(asked))
    twice = [items[0], *(replace(item, split="validation") for item in items[1:])]
    write_items(work / "in" / "twice.jsonl", twice)
    sentence = "Patient p1 is in train and, with item p1_x#2, in validation; keep a patient in one split"
    refused(sentence, "statistics", "in/twice.jsonl")
    refused(sentence, "split", "in/twice.jsonl", "-o", "in/out.jsonl")
    refused(sentence, "card", "in/twice.jsonl", "-o", "in/card.md")
    refused(sentence, "export", "reasonseg", "in/twice.jsonl", "-o", "out")
    refused(sentence, "export", "hugging-face", "in/twice.jsonl", "-o", "out")


def test_a_broken_json_line(refused, work, asked):
    text = asked.read_text(encoding="utf-8").splitlines()
    (work / "in" / "broken.jsonl").write_text("\n".join([text[0], text[1][:-20]]) + "\n")
    sentence = r"Line 2 of in/broken\.jsonl is not JSON \(.*\); write one object a line"
    refused(sentence, "statistics", "in/broken.jsonl")
    refused(sentence, "split", "in/broken.jsonl", "-o", "in/out.jsonl")
    refused(sentence, "export", "reasonseg", "in/broken.jsonl", "-o", "out")


def test_a_disk_that_fills_up_leaves_nothing_half_written(refused, asked, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fail(error):
        def failing(*_, **__):
            raise error

        return failing

    # What ITK says, and what the operating system says.
    with monkeypatch.context() as disk:
        disk.setattr(sitk, "WriteImage", fail(RuntimeError("ITK: cannot write")))
        refused(r"p1_x\.png cannot be written; choose another place or make room", "import", "reasonseg",
                "reason", "--region", "abdomen", "-o", "again")  # fmt: skip
    with monkeypatch.context() as disk:
        disk.setattr("MedSegRLib.dataset.source_file.json.dumps", fail(full))
        refused(r"cannot be written \(No space left on device\); choose another place or make room", "import",
                "reasonseg", "reason", "--region", "abdomen", "-o", "again")  # fmt: skip
    with monkeypatch.context() as disk:
        disk.setattr(Image.Image, "save", fail(full))
        refused(r"out cannot be written \(No space left on device\); choose another place or make room",
                "export", "reasonseg", asked, "-o", "out")  # fmt: skip


def test_real_scans_of_an_index_come_in(run, work, shared_data):
    done = run("dataset", "import", "index", shared_data, "--origin", "mr_abdomen_chaos_t2spir", "-o", "out")
    assert done.exit_code == 0 and "6 scans of 6 patients" in done.stdout
