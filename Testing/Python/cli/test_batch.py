"""medsegr batch and medsegr benchmark batch: what the real program prints, writes and ends with."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from .test_ask import program

QUESTIONS = """
[[questions]]
id = "hippocampus"
text = "Where is the left hippocampus?"

[[questions]]
id = "other"
text = "And the one on the other side?"
after = "hippocampus"
"""


@pytest.fixture
def studies(scan: Path, work: Path) -> Path:
    """Three scans, the last one broken, and a letter; questions.toml beside their folder."""
    folder = work / "studies"
    folder.mkdir()
    for name in ("a.nii.gz", "b.nii.gz"):
        shutil.copy(scan, folder / name)
    (folder / "c.nii.gz").write_bytes(scan.read_bytes()[: scan.stat().st_size // 2])
    (folder / "letter.txt").write_text("Dear colleague")
    (work / "questions.toml").write_text(QUESTIONS, encoding="utf-8")
    return folder


def test_the_real_program_answers_lists_the_broken_study_and_goes_on_the_next_time(
    studies: Path, tiny: Path, work: Path
) -> None:
    arguments = ("batch", "studies", "--questions", "questions.toml", "--output", "out", "--model", tiny)
    done = program(*arguments, cwd=work)
    assert done.returncode == 1 and done.stdout == "", done.stderr
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("2 studies answered, 1 failed")
    assert any(line.startswith("Failed: c: ") and "cut short or damaged" in line for line in lines)
    answer = json.loads((work / "out/studies/a/other.answer.json").read_text(encoding="utf-8"))
    assert answer["question"]["text"] == "And the one on the other side?" and answer["complete"]
    (studies / "c.nii.gz").unlink()
    again = program(*arguments, cwd=work)
    assert again.returncode == 0 and "0 studies answered, 2 answered before" in again.stderr


def test_a_dry_run_tells_what_would_be_asked_and_writes_nothing(run, studies: Path, work: Path) -> None:
    before = sorted(work.rglob("*"))
    result = run("batch", studies, "--questions", "questions.toml", "--output", "out", "--dry-run")
    assert result.exit_code == 0 and result.stderr == ""
    assert "other: And the one on the other side?" in result.stdout
    assert "3 studies, 6 questions" in result.stdout
    assert sorted(work.rglob("*")) == before


@pytest.mark.parametrize(
    ("questions", "output", "sentence"),
    [
        ("none.toml", "out", r"none.toml cannot be opened"),
        ("broken.toml", "out", r"line 2, column \d+: this is not TOML"),
        ("questions.toml", "studies/out", r"lies in studies"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_exit_code_2(
    run, studies: Path, work: Path, questions: str, output: str, sentence: str
) -> None:
    (work / "broken.toml").write_text("[[questions]]\nid = \n", encoding="utf-8")
    result = run("batch", "studies", "--questions", questions, "--output", output)
    assert result.exit_code == 2 and result.stdout == "" and result.stderr.count("\n") == 1
    assert re.search(sentence, result.stderr), result.stderr


def test_an_empty_folder_is_one_sentence_and_exit_code_2(run, work: Path) -> None:
    (work / "empty").mkdir()
    (work / "questions.toml").write_text(QUESTIONS, encoding="utf-8")
    result = run("batch", "empty", "--questions", "questions.toml", "--output", "out")
    assert result.exit_code == 2 and result.stderr.startswith("There is nothing to ask about in empty;")
    assert not (work / "out").exists()
