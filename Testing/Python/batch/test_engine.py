"""A batch as a whole: what it asks, what it asks again, and what it leaves behind."""

from __future__ import annotations

import csv
import itertools
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from MedSegRLib.batch import Progress
from MedSegRLib.batch.asking import NoWorkerError, WorkerLostError
from MedSegRLib.errors import MedSegRError, OutputError, UserInputError
from MedSegRLib.imaging import read_segmentation

from .doubles import QUESTIONS, SCANS, contents, put_broken, put_scan

ROOT = Path(__file__).resolve().parents[3]
FIRST, OTHER, HEART = (
    "Where is the left hippocampus?", "And the one on the other side?", "Is the heart there?",
)  # fmt: skip


def rows(output: Path) -> list[dict[str, str]]:
    with open(output / "findings.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_study_is_asked_every_question_in_its_order(batch, answering) -> None:
    result = batch()
    assert result.exit_code == 0 and result.failures == ()
    for number in range(SCANS):
        heard = [question for name, question in answering.asked if name == f"scan{number}.nrrd"]
        assert heard == [FIRST, OTHER, HEART]


def test_a_follow_up_hears_what_it_follows_and_another_question_does_not(batch, work) -> None:
    batch()
    told = [row["answer"] for row in rows(work / "out")[:3]]
    assert told == [f"{FIRST} After []", f"{OTHER} After ['{FIRST}']", f"{HEART} After []"]


def test_a_study_leaves_masks_json_report_thumbnail_and_record(batch, work) -> None:
    batch(formats=["nifti"])
    folder = work / "out" / "studies" / "scan1"
    assert sorted(path.name for path in folder.iterdir()) == [
        "heart.answer.json",
        "hippocampus.answer.json",
        "hippocampus.nii.gz",
        "hippocampus.seg.nrrd",
        "other.answer.json",
        "other.nii.gz",
        "other.seg.nrrd",
        "report.html",
        "study.json",
        "thumbnail.png",
    ]
    (segment,) = read_segmentation(folder / "hippocampus.seg.nrrd")
    assert segment.name == "left hippocampus" and segment.mask.sum() == 2 * 3 * 3


def test_the_table_has_what_was_measured_in_the_units_of_its_columns(batch, work) -> None:
    batch()
    row = next(row for row in rows(work / "out") if (row["study"], row["question_id"]) == ("scan1", "other"))
    # 2 x 3 x 3 voxels of 2 x 2 x 5 mm.
    assert float(row["volume_ml"]) == pytest.approx(18 * 0.02) and row["voxels"] == "18"
    assert row["finding"] == "right hippocampus" and row["side"] == "right" and row["confidence"] == "0.75"
    assert (work / "out" / row["masks"]).is_file() and (work / "out" / row["report"]).is_file()


def test_what_was_not_found_has_a_row_too(batch, work) -> None:
    batch()
    (row,) = [row for row in rows(work / "out") if (row["study"], row["question_id"]) == ("scan0", "heart")]
    assert row["finding"] == row["volume_ml"] == "" and row["absent"] == "heart"


def test_a_second_run_asks_nothing_and_leaves_the_same(batch, work, answering) -> None:
    batch()
    before = contents(work / "out")
    answering.asked.clear()
    result = batch()
    assert answering.asked == [] and result.progress.kept == SCANS
    assert contents(work / "out") == before


def test_a_changed_question_and_what_follows_it_are_asked_again_and_nothing_else(
    batch, work, answering
) -> None:
    batch()
    answering.asked.clear()
    changed = "Where does the hippocampus of the left side lie?"
    (work / "questions.toml").write_text(QUESTIONS.replace(FIRST, changed), encoding="utf-8")
    batch()
    assert sorted(set(answering.asked)) == sorted(
        (f"scan{number}.nrrd", text) for number in range(SCANS) for text in (changed, OTHER)
    )
    batch("fresh")
    assert contents(work / "out") == contents(work / "fresh"), "as if nothing had been there before"


def test_a_changed_scan_is_asked_about_again_and_no_other(batch, work, answering) -> None:
    batch()
    answering.asked.clear()
    put_scan(work / "studies" / "scan1.nrrd", seed=99)
    batch()
    assert {name for name, _ in answering.asked} == {"scan1.nrrd"} and len(answering.asked) == 3


def test_another_model_answers_everything_again(batch, work, answering) -> None:
    model = work / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    batch(model=str(model))
    answering.asked.clear()
    (model / "README.md").write_text("A card changes no answer.")
    batch(model=str(model))
    assert answering.asked == []
    (model / "config.json").write_text('{"more": 1}')
    batch(model=str(model))
    assert len(answering.asked) == 3 * SCANS


def test_another_format_is_written_without_asking(batch, work, answering) -> None:
    batch()
    answering.asked.clear()
    result = batch(formats=["nifti"])
    assert answering.asked == [] and result.exit_code == 0
    assert (work / "out" / "studies" / "scan0" / "hippocampus.nii.gz").is_file()


def test_a_file_that_was_damaged_since_is_made_again(batch, work, answering) -> None:
    batch()
    before = contents(work / "out")
    answering.asked.clear()
    (work / "out" / "studies" / "scan2" / "other.seg.nrrd").write_bytes(b"cut")
    batch()
    assert {name for name, _ in answering.asked} == {"scan2.nrrd"}
    assert contents(work / "out") == before


def test_a_bad_study_is_listed_with_its_sentence_and_the_rest_is_answered(batch, work) -> None:
    put_broken(work / "studies" / "scan3.nrrd")
    result = batch()
    assert result.exit_code == 1 and result.progress.answered == SCANS - 1
    (failure,) = result.failures
    assert failure.study == "scan3" and "voxels that are not finite numbers" in failure.why
    assert str(work) not in failure.why, "paths may hold names"
    listed = json.loads((work / "out" / "failures.json").read_text(encoding="utf-8"))
    assert listed["failures"] == [{"study": "scan3", "why": failure.why}]
    assert failure.why in (work / "out" / "index.html").read_text(encoding="utf-8")
    assert any(failure.why in line for line in result.in_words())


def test_a_file_whose_header_is_broken_has_failed_too_and_what_is_no_scan_has_not(batch, work) -> None:
    (work / "studies" / "report.pdf").write_bytes(b"%PDF")
    assert batch().exit_code == 0
    (work / "studies" / "cut.nrrd").write_bytes(b"NRRD0004 but no more")
    result = batch()
    (failure,) = result.failures
    assert result.exit_code == 1 and failure.study.endswith("cut.nrrd") and result.progress.kept == SCANS


def test_a_study_that_was_repaired_is_answered_by_the_next_run(batch, work) -> None:
    good = (work / "studies" / "scan3.nrrd").read_bytes()
    put_broken(work / "studies" / "scan3.nrrd")
    batch()
    (work / "studies" / "scan3.nrrd").write_bytes(good)
    assert batch().exit_code == 0
    batch("fresh")
    assert contents(work / "out") == contents(work / "fresh")


def test_a_study_whose_worker_died_is_asked_once_more(batch, answering) -> None:
    def dies_once(number: int) -> None:
        if number == 2:
            raise WorkerLostError("The model's process was killed from outside.")

    answering.before = dies_once
    assert batch().exit_code == 0
    # One study was asked from its beginning again.
    assert len(answering.asked) == 3 * SCANS + 2


def test_a_study_that_kills_every_worker_fails_and_the_rest_goes_on(batch, answering) -> None:
    def dies(number: int) -> None:
        if answering.asked[-1][0] == "scan2.nrrd":
            raise WorkerLostError("The model's process was killed from outside.")

    answering.before = dies
    result = batch()
    (failure,) = result.failures
    assert failure.study == "scan2" and failure.why.startswith("Tried twice: The model's process was killed")
    assert result.progress.answered == SCANS - 1


def test_where_no_worker_starts_the_batch_ends_at_once_with_its_sentence(batch, answering) -> None:
    def refuses(number: int) -> None:
        raise NoWorkerError("torch is not installed.")

    answering.before = refuses
    with pytest.raises(MedSegRError, match="torch is not installed"):
        batch()
    # One worker has two studies under way, so that the second may have begun before the first one told.
    assert len(answering.asked) <= 2 < SCANS


def test_a_stop_leaves_whole_studies_and_the_next_run_goes_on(batch, work, answering) -> None:
    shown: list[Progress] = []
    result = batch(show=shown.append, wants_stop=lambda: len(shown) >= 2)
    assert result.exit_code == 1 and "goes on where it stopped" in result.why_stopped
    assert not any(path.name.startswith(".") for path in (work / "out" / "studies").iterdir())
    done = len(list((work / "out" / "studies").iterdir()))
    assert 2 <= done < SCANS
    answering.asked.clear()
    assert batch().exit_code == 0 and len({name for name, _ in answering.asked}) == SCANS - done
    batch("fresh")
    assert contents(work / "out") == contents(work / "fresh")


KILLED = """
import itertools, os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from MedSegRLib.answers import outlines
from MedSegRLib.batch import run, writing
from Testing.Python.batch.doubles import Answering

outlines._SHORTER_SIDE_PIXELS = 24

def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

answering = Answering(lambda number: die() if number == {question} else None)
report = writing.write_report
numbers = itertools.count(1)
def write(answers, path):
    report(answers, path)
    if next(numbers) == {report}:
        die()
writing.write_report = write
run("studies", "questions.toml", "out", make_pool=answering)
"""


@pytest.mark.parametrize(("question", "report"), [(5, 0), (0, 3)], ids=["while asking", "while writing"])
def test_a_killed_batch_goes_on_and_ends_with_the_same_contents(
    batch, work, answering, question: int, report: int
) -> None:
    program = KILLED.format(root=str(ROOT), question=question, report=report)
    done = subprocess.run([sys.executable, "-c", program], cwd=work, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    finished = [path for path in (work / "out" / "studies").iterdir() if not path.name.startswith(".")]
    assert len(finished) < SCANS
    # Its lock is gone with it.
    assert batch().exit_code == 0
    assert len({name for name, _ in answering.asked}) == SCANS - len(finished)
    batch("fresh")
    assert contents(work / "out") == contents(work / "fresh")


def test_no_more_than_two_scans_are_held_for_one_model(batch, work, answering) -> None:
    for number in range(SCANS, 9):
        put_scan(work / "studies" / f"scan{number}.nrrd", number)
    batch()
    assert answering.most_held <= 2


def test_results_are_readable_by_their_owner_only(batch, work) -> None:
    batch()
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (work / "out").rglob("*")}
    assert modes == {0} and stat.S_IMODE((work / "out").stat().st_mode) & 0o077 == 0
    # The process's own mask is as it was.
    mask = os.umask(0o022)
    os.umask(mask)
    assert mask != 0o077


def test_without_names_no_result_but_the_private_list_says_whose_scan_it_is(batch, work) -> None:
    put_broken(work / "studies" / "scan3.nrrd")
    batch(deidentify=True)
    found = contents(work / "out")
    identities = found.pop("private/identities.csv").decode()
    assert all(f"scan{number}.nrrd" in identities for number in range(SCANS))
    for name, content in found.items():
        assert "scan0" not in name and b"scan0" not in content and str(work).encode() not in content, name
        assert "scan3" not in name and b"scan3" not in content, name


def test_a_disk_that_is_too_small_is_said_before_anything_is_asked(
    batch, work, answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("MedSegRLib.batch.space.shutil.disk_usage", lambda path: Usage(5_000_000))
    with pytest.raises(OutputError, match=r"results of 4 studies take about .* MB, but .* has 5 MB free"):
        batch()
    assert answering.asked == []


def test_a_disk_that_fills_midway_stops_the_batch_and_nothing_is_half_written(
    batch, work, answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MedSegRLib.batch import writing

    numbers = itertools.count(1)
    real = writing.write_thumbnail

    def write(answer: object, path: Path) -> None:
        if next(numbers) == 3:
            raise OSError(28, "No space left on device")
        real(answer, path)

    monkeypatch.setattr(writing, "write_thumbnail", write)
    result = batch()
    assert result.exit_code == 1 and "is full; make room and run the same command again" in result.why_stopped
    folders = list((work / "out" / "studies").iterdir())
    assert 2 <= len(folders) < SCANS and all((folder / "study.json").is_file() for folder in folders)
    assert batch().exit_code == 0
    batch("fresh")
    assert contents(work / "out") == contents(work / "fresh")


class Usage:
    def __init__(self, free: int) -> None:
        self.free = free


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"workers": 0}, "0 workers cannot answer; give 1 or more."),
        ({"formats": ["dicom"]}, "There is no format 'dicom'; use nifti, dicom-seg, dicom-sr."),
        ({"formats": ["dicom-seg"]}, "None of the studies is a DICOM series, so there can be no dicom-seg"),
        ({"names": True, "deidentify": True}, "leave one of the two out"),
        ({"deidentify": True, "formats": ["dicom-sr"]}, "carry the patient of their series"),
        ({"model": "maxi"}, "There is no model maxi; give one of mini"),
        ({"output": "studies/out"}, "lies in .*, where the next run would take results for scans"),
        ({"output": "studies"}, "lies in .*, where the next run would take results for scans"),
        ({"output": "questions.toml"}, "is a file; name a folder"),
        ({"output": "nowhere/out"}, "there is no folder .*; create it first"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence_and_nothing_is_written(
    batch, work, answering, options, sentence: str
) -> None:
    before = sorted(work.rglob("*"))
    with pytest.raises(UserInputError, match=sentence):
        batch(**options)
    assert answering.asked == [] and sorted(work.rglob("*")) == before
