"""medsegr evaluate: one data set, and predictions of it, in all the forms that are written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk


@pytest.fixture
def dataset(work, scan):
    """One question about the scan's left hippocampus, and where nothing is there."""
    labels = np.zeros((10, 40, 40), np.uint8)
    labels[4:7, 10:20, 10:20] = 17
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(sitk.ReadImage(str(scan)))
    sitk.WriteImage(image, str(work / "seg.nii.gz"))
    there = {
        "phrase": "left hippocampus", "structure": "hippocampus", "side": "left", "present": True,
        "mask": {"file": "seg.nii.gz", "labels": [17]},
    }  # fmt: skip
    exchanges = [
        {
            "question": "Where is the left hippocampus?", "answer": "The <p>left hippocampus</p>[SEG].",
            "question_type": "direct", "targets": [there],
        },
        {
            "question": "Any tumour?", "answer": "I cannot tell.", "question_type": "unanswerable",
            "targets": [],
        },
    ]  # fmt: skip
    item = {
        "id": "a", "patient": "p", "study": "1", "image": "scan.nii.gz", "modality": "MR", "region": "brain",
        "plane": "axial", "slices": None, "split": "validation", "exchanges": exchanges, "review": "accepted",
        "provenance": {"annotator": "hand", "seed": None, "software_version": "0"},
    }  # fmt: skip
    path = work / "set.jsonl"
    path.write_text(json.dumps(item) + "\n", encoding="utf-8")
    return path


def test_a_data_set_is_asked_once_and_written_in_every_form(run, dataset, tiny, work):
    forms = ("r.md", "r.html", "r.json")
    outputs = [part for name in forms for part in ("-o", name)]
    result = run("evaluate", dataset, "--model", tiny, "--forced", *outputs)
    assert result.exit_code == 0 and result.stdout == ""
    assert "a: 2 questions asked" in result.stderr and "Written: r.html" in result.stderr
    assert all("teacher-forced" in (work / name).read_text(encoding="utf-8") for name in forms)


def test_predictions_are_scored_without_a_model(run, dataset):
    # There is no such model, and nobody notices.
    result = run("evaluate", dataset, "--predictions", dataset, "--model", "none")
    assert result.exit_code == 0, result.stderr
    assert "| MedSeg-QA: Dice | 1.000 |" in result.stdout and "nothing was asked" in result.stdout


def test_a_folder_has_no_answers_to_be_forced(run, work, tiny):
    result = run("evaluate", ".", "--model", tiny, "--forced")
    assert result.exit_code == 2
    assert result.stderr == "Only a data set (.jsonl) has answers to be forced, which . is not.\n"
