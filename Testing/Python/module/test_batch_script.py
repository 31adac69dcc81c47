"""The batch script as `--python-script` runs it: it always ends Slicer, with the right code."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from typer.testing import CliRunner

from MedSegRLib.batch import run as run_batch
from MedSegRLib.cli import main

from ..batch.doubles import Answering, contents, put_scan

SCRIPT = Path(__file__).resolve().parents[3] / "MedSegR" / "Scripts" / "batch.py"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Run the script with arguments in a folder with one scan; the exit codes that it has asked for."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    voxels = np.random.default_rng(0).normal(100, 10, (6, 24, 24)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(tmp_path / "studies" / "a.nrrd"))
    (tmp_path / "questions.toml").write_text("[[questions]]\nid = 'q'\ntext = 'Where is the brainstem?'\n")

    def run(*arguments: object) -> list[int]:
        codes: list[int] = []
        monkeypatch.setattr(slicer.util, "exit", codes.append)
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return codes

    return run


def test_studies_are_answered_in_a_worker_and_slicer_ends_with_0(script, tmp_path, capsys) -> None:
    from MedSegRLib.model import save_checkpoint, tiny_model

    save_checkpoint(tiny_model(0), tmp_path / "tiny")
    asked = ("--input", "studies", "--questions", "questions.toml", "--output", "out")
    assert script(*asked, "--model", tmp_path / "tiny") == [0], capsys.readouterr().out
    assert (tmp_path / "out" / "studies" / "a" / "q.answer.json").is_file()
    assert "1 study answered" in capsys.readouterr().out


def test_a_dry_run_answers_nothing_and_ends_with_0(script, tmp_path, capsys) -> None:
    asked = ("--input", "studies", "--questions", "questions.toml", "--output", "out", "--dry-run")
    assert script(*asked) == [0]
    assert "q: Where is the brainstem?" in capsys.readouterr().out and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--input", "none", "--questions", "questions.toml", "--output", "out"), "none"),
        (("--input", "studies", "--questions", "questions.toml"), "--output"),
        (("--input", "studies", "--questions", "none.toml", "--output", "out"), "none.toml"),
    ],
    ids=["no input", "an argument is missing", "no questions"],
)
def test_what_cannot_be_used_is_a_sentence_and_slicer_ends_with_2(
    script, capsys, arguments: tuple[str, ...], sentence: str
) -> None:
    assert script(*arguments) == [2]
    told = capsys.readouterr()
    assert sentence in told.out + told.err and "Traceback" not in told.out + told.err


def test_slicer_the_terminal_and_the_library_leave_the_same_files(script, tmp_path, monkeypatch) -> None:
    # Who answers is the same for all, so that only the ways in can differ; they are real.
    monkeypatch.setattr("MedSegRLib.batch.engine.Workers", lambda *arguments: Answering())
    for name in ("a", "b"):
        put_scan(tmp_path / "studies" / f"{name}.nrrd")
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    told = ("--questions", "questions.toml", "--format", "nifti", "--model", str(model))
    assert script("--input", "studies", "--output", "slicer", *told) == [0]
    done = CliRunner().invoke(main, ["batch", "studies", "--output", "terminal", *told])
    assert done.exit_code == 0, done.output
    run_batch("studies", "questions.toml", "library", formats=["nifti"], model=str(model))
    slicers, terminals, librarys = (contents(tmp_path / way) for way in ("slicer", "terminal", "library"))
    assert slicers == terminals == librarys
    assert {"findings.csv", "index.html", "studies/a/q.answer.json", "studies/b/q.nii.gz"} <= set(slicers)
