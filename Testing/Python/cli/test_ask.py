"""medsegr ask, models and help, end to end on a tiny model: what goes to stdout, stderr and files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from MedSegRLib import __version__
from MedSegRLib.answers import Finding, Finished, SliceDone
from MedSegRLib.cli.progress import progress_text
from MedSegRLib.imaging import Plane, read_segmentation

ROOT = Path(__file__).resolve().parents[3]
QUESTION = "Where is the left hippocampus?"


def program(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The real program, in a process of its own."""
    command = [sys.executable, "-m", "MedSegRLib", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture
def found_left(monkeypatch):
    """A session whose real answers get a finding more, since random weights find nothing to rely on."""
    from MedSegRLib.reasoning import Session

    real = Session.stream

    def stream(self, *arguments, **options):
        for event in real(self, *arguments, **options):
            if isinstance(event, Finished):
                mask = np.zeros(self.volume.shape_kji, dtype=bool)
                mask[4:6, 15:20, 10:20] = True
                finding = Finding.of("left hippocampus", mask, self.volume, Plane.AXIAL, 0.8)
                event = Finished(_with(event.answer, (finding,)))
            yield event

    monkeypatch.setattr(Session, "stream", stream)


@pytest.fixture
def found_nothing(monkeypatch):
    """A session whose real answers lose their findings."""
    from MedSegRLib.reasoning import Session

    real = Session.stream

    def stream(self, *arguments, **options):
        for event in real(self, *arguments, **options):
            yield Finished(_with(event.answer, ())) if isinstance(event, Finished) else event

    monkeypatch.setattr(Session, "stream", stream)


def _with(answer, findings):
    from dataclasses import replace

    return replace(answer, findings=findings)


def test_the_real_program_answers_in_words_on_stdout_and_writes_its_files(scan, tiny, work):
    done = program("ask", scan, QUESTION, "--model", tiny, "-o", "a.json", "--report", "r.html", cwd=work)
    assert done.returncode == 0, done.stderr
    answer = json.loads((work / "a.json").read_text(encoding="utf-8"))
    assert answer["question"]["text"] == QUESTION and answer["complete"]
    shown = "".join(sign for sign in answer["text"] if sign.isprintable() or sign in "\n\t")
    assert done.stdout.startswith(shown)
    assert done.stdout.rstrip().endswith("No finding: nothing was outlined.") == (not answer["findings"])
    # Nobody watches a pipe, so there is no progress in it.
    told = [line for line in done.stderr.splitlines() if not line.startswith("Note: ")]
    assert told[-2:] == ["Written: a.json", "Written: r.html"] and "slices" not in "".join(told)
    assert "<h1>scan.nii.gz</h1>" in (work / "r.html").read_text(encoding="utf-8")


def test_the_real_program_refuses_in_one_sentence_with_exit_code_2(work):
    done = program("ask", "none.nii", QUESTION, "-o", "answer.seg.nrrd", cwd=work)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no file or folder none.nii; check the path.\n"
    assert list(work.iterdir()) == []


def test_help_imports_nothing_that_takes_time():
    program = (
        "import sys\nfrom MedSegRLib.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert not end.code\n"
        "slow = {'numpy', 'SimpleITK', 'torch', 'transformers', 'nilearn', 'scipy'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    for command in (
        "ask",
        "batch",
        "benchmark",
        "chat",
        "convert",
        "dataset",
        "demo",
        "evaluate",
        "models",
        "train",
    ):
        assert f"\n  {command} " in done.stdout


def test_the_version(run):
    assert run("--version").stdout == f"medsegr {__version__}\n"


def test_masks_are_written_on_the_scans_own_grid(run, scan, tiny, work, found_left):
    files = ["a.seg.nrrd", "a.nii.gz", "a.json"]
    result = run("ask", scan, QUESTION, "--model", tiny, *[part for file in files for part in ("-o", file)])
    assert result.exit_code == 0, result.output
    assert "- left hippocampus: 3.6 ml, confidence 0.80\n" in result.stdout
    assert "No finding" not in result.stdout
    (segment,) = read_segmentation(work / "a.seg.nrrd")
    assert segment.name == "left hippocampus" and segment.mask.sum() == 100
    labels = sitk.ReadImage(str(work / "a.nii.gz"))
    assert labels.GetSpacing() == sitk.ReadImage(str(scan)).GetSpacing()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels) > 0, segment.mask)
    assert [line for line in result.stderr.splitlines() if line.startswith("Written")] == [
        f"Written: {file}" for file in files
    ]
    (told,) = json.loads((work / "a.json").read_text(encoding="utf-8"))["findings"]
    assert told["mask"] == {"file": "a.seg.nrrd", "segment": "left_hippocampus"}


def test_without_a_finding_that_is_said_and_no_mask_is_written(run, scan, tiny, work, found_nothing):
    result = run("ask", scan, QUESTION, "--model", tiny, "-o", "a.seg.nrrd", "--report", "r.html")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("No finding: nothing was outlined.\n")
    assert "No finding, so a.seg.nrrd was not written.\n" in result.stderr
    assert not (work / "a.seg.nrrd").exists() and (work / "r.html").exists()
    (work / "a.seg.nrrd").write_bytes(b"older")
    again = run("ask", scan, QUESTION, "--model", tiny, "-o", "a.seg.nrrd")
    assert "a.seg.nrrd was not written; the file there is of an earlier answer." in again.stderr
    assert (work / "a.seg.nrrd").read_bytes() == b"older"


def test_json_on_stdout_refers_to_the_masks(run, scan, tiny, found_left):
    result = run("ask", scan, QUESTION, "--model", tiny, "--json", "-o", "a.seg.nrrd", "--seed", "5")
    content = json.loads(result.stdout)
    assert content["question"]["seed"] == 5
    assert content["findings"][0]["mask"] == {"file": "a.seg.nrrd", "segment": "left_hippocampus"}


def test_options_reach_the_question_and_the_same_seed_gives_the_same_answer(run, scan, tiny):
    ask = ("ask", scan, QUESTION, "--model", tiny, "--json", "--mode", "generate", "--slices", "4:6")
    first, again = (json.loads(run(*ask, "--plane", "axial", "--modality", "MR").stdout) for _ in range(2))
    question = first["question"]
    assert (question["mode"], question["slices"], question["plane"]) == ("generate", [4, 6], "axial")
    assert first["volume"]["modality"] == "MR"
    assert first["provenance"]["slices_looked_at"] == [4, 5, 6]
    assert first["raw"] == again["raw"] and first["text"] == again["text"]


def test_series_chooses(run, dicom, tiny):
    folder = dicom(("1.2.3.4", "1.2.3.5"))
    result = run("ask", folder, QUESTION, "--model", tiny, "--series", "1.2.3.5", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["volume"]["name"] == "series 2"


def test_beside_a_dicom_series_a_dicom_segmentation_can_be_written(run, dicom, tiny, work, found_left):
    folder = dicom()
    result = run("ask", folder, QUESTION, "--model", tiny, "-o", "answer.dcm", "-o", "a.seg.nrrd")
    assert result.exit_code == 0, result.output
    assert "Written: answer.dcm\nWritten: a.seg.nrrd\n" in result.stderr
    written = pydicom.dcmread(work / "answer.dcm")
    assert (written.Modality, written.StudyInstanceUID, written.PatientID) == ("SEG", "1.2.3", "0")
    assert [one.SegmentLabel for one in written.SegmentSequence] == ["left hippocampus"]
    (segment,) = read_segmentation(work / "a.seg.nrrd")
    np.testing.assert_array_equal(written.pixel_array, segment.mask[4:6])


def test_without_a_finding_no_dicom_segmentation_is_written(run, dicom, tiny, work, found_nothing):
    result = run("ask", dicom(), QUESTION, "--model", tiny, "-o", "answer.dcm")
    assert result.exit_code == 0, result.output
    assert "No finding, so answer.dcm was not written.\n" in result.stderr
    assert not (work / "answer.dcm").exists()


def test_ctrl_c_leaves_with_130_and_nothing_written(run, scan, tiny, work, monkeypatch):
    from MedSegRLib.reasoning import Session

    real = Session.stream

    def stream(self, *arguments, **options):
        for event in real(self, *arguments, **options):
            yield event
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Session, "stream", stream)
    before = sorted(work.iterdir())
    result = run("ask", scan, QUESTION, "--model", tiny, "-o", "a.json", "--report", "r.html")
    assert result.exit_code == 130
    assert result.stderr.endswith("Stopped.\n")
    assert sorted(work.iterdir()) == before


def test_models_tells_what_a_folder_offers(run, tiny):
    result = run("models", tiny)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("tiny ") and "offers hippocampus, amygdala" in result.stdout
    assert run("models").stdout.startswith("mini: ")


def test_progress_in_words():
    assert progress_text(SliceDone(12, 180, 3, {})) == "12 of 180 slices"
    assert progress_text(SliceDone(12, 180, 3, {}, 8.4)) == "12 of 180 slices, about 8 s left"
    assert progress_text(SliceDone(12, 180, 3, {}, 130.0)) == "12 of 180 slices, about 2 min 10 s left"
