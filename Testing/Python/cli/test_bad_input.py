"""What bad input gets: one sentence, exit code 2, nothing written; each by its own words."""

from __future__ import annotations

import json
import re
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.resources import resource_path

QUESTION = "Where is the left hippocampus?"


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def refused(run, work):
    """Run a command that must be refused with a sentence, and must leave every file as it was."""

    def check(sentence: str, *arguments, text: str | None = None) -> None:
        before = files(work)
        result = run(*arguments, text=text)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert re.search(sentence, result.stderr), result.stderr
        assert result.stderr.count("\n") == 1 and result.stderr.endswith(".\n"), "one sentence in one line"
        assert files(work) == before

    return check


@pytest.fixture
def ask(refused, tiny):
    """As `refused`, for ask with every output wanted."""

    def check(sentence: str, scan, *arguments, question: str = QUESTION) -> None:
        wanted = ("-o", "answer.seg.nrrd", "-o", "answer.json", "--report", "report.html")
        refused(sentence, "ask", scan, question, "--model", tiny, *wanted, *arguments)

    return check


def save(path: Path, voxels: np.ndarray, is_vector: bool = False) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=is_vector), str(path))
    return path


def test_no_file(ask, work):
    ask(r"There is no file or folder .*nothing\.nii; check the path\.", work / "nothing.nii")


def test_not_an_image(ask, work):
    (work / "notes.txt").write_text("no image, but words " * 50)
    ask(r"notes\.txt is not an image that can be read; give NRRD, NIfTI", work / "notes.txt")


def test_a_truncated_file(ask, scan):
    scan.write_bytes(scan.read_bytes()[:-2000])
    ask(r"scan\.nii\.gz is cut short or damaged; copy or export it again", scan)


def test_a_folder_with_several_series_lists_them(ask, dicom):
    ask(
        r"holds 2 DICOM series; choose one with --series: "
        r"1\.2\.3\.4 \(series 1, 6 images\); 1\.2\.3\.5 \(series 2, 6 images\)",
        dicom(("1.2.3.4", "1.2.3.5")),
    )


def test_a_series_that_is_not_there(ask, dicom):
    ask(r"holds no series '9'; choose one with --series: 1\.2\.3\.4", dicom(), "--series", "9")


def test_a_series_of_a_file(ask, scan):
    ask(r"is a single file, only a folder has series; leave --series out", scan, "--series", "1")


def test_missing_slices(ask, dicom):
    ask(r"has missing slices, 1 in all, the first between", dicom(slices=(0, 1, 2, 4, 5)))


def test_mixed_slices(ask, dicom):
    folder = dicom()
    shutil.copy(folder / "1.2.3.4-2.dcm", folder / "again.dcm")
    ask(r"at a place that another slice has", folder)


def test_a_4d_image(ask, work, voxels):
    image = sitk.GetImageFromArray(voxels)
    sitk.WriteImage(sitk.JoinSeries([image, image]), str(work / "series.nii.gz"))
    ask(r"series\.nii\.gz is 4-D with 2 volumes in it; give one", work / "series.nii.gz")


def test_an_rgb_image(ask, work):
    colour = np.random.default_rng(0).integers(0, 255, (20, 20, 3)).astype(np.uint8)
    ask(r"photo\.png is in colour \(RGB\); give a grey-value", save(work / "photo.png", colour, True))


def test_voxels_that_are_no_numbers(ask, work, voxels):
    holed = voxels.copy()
    holed[2, 3, 4] = np.nan
    ask(r"scan\.nrrd has 1 voxels that are not finite numbers", save(work / "scan.nrrd", holed))


def test_a_constant_image(ask, work):
    ask(r"scan\.nrrd is constant, every voxel is 1", save(work / "scan.nrrd", np.ones((4, 5, 6))))


def test_a_single_voxel(ask, work):
    ask(r"scan\.nrrd has a single voxel", save(work / "scan.nrrd", np.ones((1, 1, 1))))


def test_a_spacing_of_0(ask, work, voxels):
    path = save(work / "scan.nii", voxels)
    content = bytearray(path.read_bytes())
    struct.pack_into("<f", content, 84, 0.0)
    path.write_bytes(content)
    ask(r"scan\.nii has voxels of spacing 0.*write the true spacing", path)


@pytest.mark.parametrize("question", ["", "   ", "???", "...!"])
def test_a_question_in_which_nothing_is_asked(ask, scan, question):
    ask(r"Nothing is asked; write a question in words", scan, question=question)


@pytest.mark.parametrize("model", ["maxi", "no/such/folder"])
def test_an_unknown_model(refused, scan, model):
    sentence = f"There is no model {model}; give one of mini, or the folder"
    refused(sentence, "ask", scan, QUESTION, "--model", model)


@pytest.fixture
def broken(tiny, tmp_path_factory):
    """A copy of the tiny model whose own weights are changed, or its language model's."""

    def copy(change, file: str) -> tuple[Path, str | None]:
        from safetensors.numpy import load_file, save_file

        folder = tmp_path_factory.mktemp("broken") / "model"
        shutil.copytree(tiny, folder)
        weights = load_file(folder / file)
        name = change(weights)
        save_file(weights, folder / file, metadata={"format": "pt"})
        return folder, name

    return copy


FILES = ["medsegr.safetensors", "understanding/model.safetensors"]


@pytest.mark.parametrize("file", FILES)
def test_a_checkpoint_with_a_missing_key(refused, scan, broken, file):
    def drop(weights):
        name = sorted(weights)[0]
        del weights[name]
        # A language model's file may leave out the words before this.
        return ".".join(name.split(".")[-2:])

    folder, name = broken(drop, file)
    refused(rf"missing.*{re.escape(name)}", "ask", scan, QUESTION, "--model", folder)


@pytest.mark.parametrize("file", FILES)
def test_a_checkpoint_with_an_unknown_key(refused, scan, broken, file):
    def add(weights):
        weights["surprise.weight"] = np.zeros(3, dtype=np.float32)

    folder, _ = broken(add, file)
    refused(r"unexpected.*surprise\.weight", "ask", scan, QUESTION, "--model", folder)


def test_a_folder_that_is_no_model(refused, scan, work):
    (work / "empty").mkdir()
    sentence = r"empty is not a model folder: it holds no config\.json"
    refused(sentence, "ask", scan, QUESTION, "--model", "empty")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["-o", "there/is/none.seg.nrrd"], r"none\.seg\.nrrd cannot be written, there is no folder"),
        (["--report", "none/report.html"], r"report\.html cannot be written, there is no folder"),
        (["-o", "answer.doc"], r"answer\.doc does not end as it must; use \.seg\.nrrd"),
        (["--report", "report.pdf"], r"report\.pdf does not end as it must; use \.html"),
        (["-o", "folder.nii.gz"], r"folder\.nii\.gz is a folder; name a file"),
        (["-o", f"{'x' * 300}.json"], r"\.json cannot be written \(.+\); choose another place"),
        (["-o", "scan.nii.gz"], r"scan\.nii\.gz is the scan itself, which would be lost"),
        (["-o", "a.json", "-o", "./a.json"], r"a\.json is named for two outputs"),
    ],
)
def test_an_output_that_cannot_be_written_is_told_before_the_model_is_opened(
    refused, scan, work, options, sentence
):
    (work / "folder.nii.gz").mkdir()
    # A model that there is not would be told otherwise.
    refused(sentence, "ask", scan, QUESTION, "--model", "none", *options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--slices", "a:b"], r"Slices 'a:b' are no range"),
        (["--slices", "3:1"], r"Slices 3 to 1 are no range"),
        (["--slices", "5:90"], r"The scan has the slices 0 to 9, so 5 to 90 cannot be asked about"),
        (["--plane", "diagonal"], r"There is no plane 'diagonal'; use axial or coronal or sagittal"),
        (["--plane", "coronal"], r"trained on axial slices only"),
        (["--mode", "guess"], r"There is no mode 'guess'; use ground or generate"),
        (["--modality", "US"], r"There is no modality 'US'; use MR or CT"),
    ],
)
def test_an_option_that_makes_no_sense(ask, scan, options, sentence):
    ask(sentence, scan, *options)


def test_chat_refuses_a_scan_as_ask_does(refused, work, tiny):
    refused(r"There is no file or folder", "chat", work / "nothing.nii", "--model", tiny)
    refused(r"There is no mode 'x'", "chat", work / "nothing.nii", "--mode", "x")


def test_demo_without_nilearn(refused, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "nilearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nilearn", None)
    sentence = r"comes with the package nilearn, which is not installed; run: pip install 'medsegr\[demo\]'"
    refused(sentence, "demo")


def test_demo_into_a_file(refused, work):
    (work / "taken").write_text("words")
    refused(r"taken is a file; name a folder", "demo", "--output", "taken")
    refused(r"there is no folder no", "demo", "--output", "no/demo")


def test_convert_of_what_is_no_checkpoint(refused, work):
    (work / "a.pth").write_bytes(b"words")
    refused(r"none\.pth is not there; give a \.pth file", "convert", "none.pth", "a.safetensors")
    refused(r"a\.pth", "convert", "a.pth", "a.safetensors")
    refused(r"does not end as it must; use \.safetensors", "convert", "a.pth", "a.bin")


def test_train_without_a_recipe_or_data(refused, work):
    refused(r"There is no recipe none\.toml; give a \.toml file", "train", "none.toml")
    (work / "a.toml").write_text("= nonsense")
    refused(r"The recipe a\.toml cannot be read", "train", "a.toml", "--data", ".")
    (work / "a.toml").write_text("seed = 1")
    refused(r"The recipe a\.toml has no model", "train", "a.toml", "--data", ".")
    # What the data must be is said by the recipe, which is therefore read first.
    mini = str(resource_path("Recipes", "mini.toml"))
    sentence = "There is no folder none; name that of the scans with --data"
    refused(sentence, "train", mini, "--data", "none")
    (work / "closed").write_text("a file")
    refused(r"closed is a file; name a folder", "train", "a.toml", "--data", ".", "-o", "closed")
    refused(r"There is no stage 'x'; use grounding", "train", mini, "--data", ".", "--stage", "x")


def test_evaluate_and_benchmark_of_what_is_not_there(refused):
    refused(r"There is no data set none; check the path", "evaluate", "none")
    refused(r"There is no suite 'x'; use structures16", "evaluate", ".", "--suite", "x")
    refused(r"There is no prompt 'x'; use sparse or dense", "evaluate", ".", "--without", "x")
    refused(r"there is no folder no", "evaluate", ".", "-o", "no/results.md")
    refused(r"a\.pdf does not end as it must; use \.md, \.html", "evaluate", ".", "-o", "a.pdf")
    refused(r"Predictions answer a data set", "evaluate", ".", "--predictions", "none.jsonl")
    for option in (("--forced",), ("--suite", "absent"), ("--patients", "1"), ("--without", "dense")):
        refused(r"Predictions are scored as they are; leave", "evaluate", ".", "--predictions", "a", *option)
    refused(r"There is no file or folder none\.nii", "benchmark", "none.nii")


def test_a_data_set_that_is_not_there(refused):
    refused(r"none\.jsonl cannot be read as a data set", "dataset", "validate", "none.jsonl")


def test_a_data_set_with_problems_is_told_line_by_line(run, work):
    (work / "set.jsonl").write_text("words\n" + json.dumps({"id": 1}) + "\n")
    result = run("dataset", "validate", "set.jsonl")
    assert result.exit_code == 2
    assert re.match(r"set\.jsonl, line 1: This is not JSON.*\nset\.jsonl, line 2: ", result.stdout)
    assert result.stderr == "set.jsonl has 2 problems; correct them and validate it again.\n"


def test_dicom_is_refused_about_another_scan_and_where_it_would_replace_a_slice(refused, scan, tiny, dicom):
    sentence = r"scan\.nii\.gz is no DICOM file; DICOM SEG and SR can only be written about a DICOM series\."
    refused(sentence, "ask", scan, QUESTION, "--model", tiny, "-o", "answer.dcm")
    folder = dicom()
    one = folder / "1.2.3.4-2.dcm"
    sentence = r"1\.2\.3\.4-2\.dcm is a slice of the scan itself, which would be lost; choose another name\."
    refused(sentence, "ask", folder, QUESTION, "--model", tiny, "-o", one)
