"""medsegr dataset build: from sources to a data set in one command, refused in one sentence."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from rich.console import Console

from MedSegRLib.cli.build_progress import BuildProgress, progress_text
from MedSegRLib.dataset.building.builder import Progress

EXAMPLE = Path(__file__).resolve().parents[3] / "Examples" / "medsegqa"
RECIPE = 'turns = [2, 2]\n[[scans]]\norigin = "phantoms"\nevery = 6\n'


@pytest.fixture
def sources(work: Path) -> Path:
    shutil.copytree(EXAMPLE / "labels", work / "labels")
    shutil.copy(EXAMPLE / "sources.jsonl", work)
    (work / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return work / "sources.jsonl"


def test_a_data_set_is_built_told_and_valid_and_a_second_run_adds_nothing(
    run: Callable[..., Result], work: Path, sources: Path
) -> None:
    command = ("dataset", "build", "recipe.toml", "-o", "made", "--data", sources)
    first = run(*command)
    assert first.exit_code == 0, first.output
    assert "image-mask pairs" in first.output and "conversations that were written" in first.output
    items = (work / "made" / "items.jsonl").read_bytes()
    assert run("dataset", "validate", "made/items.jsonl").exit_code == 0
    assert run(*command).exit_code == 0
    assert (work / "made" / "items.jsonl").read_bytes() == items


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-o", "made", "--data", "nowhere"), "There is no nowhere; name the scans with --data."),
        (("-o", "no/where"), "cannot be made, there is no folder no; create it first."),
        (("-o", "recipe.toml"), "recipe.toml is a file; name a folder."),
        (
            ("-o", "made", "--annotator", "someone"),
            "'someone' is no annotator; write offline, an http://",
        ),
        (("-o", "made", "--annotator", "http://127.0.0.1:9/v1"), "[endpoint] lacks model, requests, tokens"),
        (("-o", "made", "--annotator", "labels"), "labels holds no language model (no config.json)"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(
    run: Callable[..., Result], work: Path, sources: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    given = arguments if "--data" in arguments else (*arguments, "--data", "sources.jsonl")
    result = run("dataset", "build", "recipe.toml", *given)
    assert result.exit_code == 2 and sentence in result.output, result.output
    assert not (work / "made" / "items.jsonl").exists()


def test_a_watched_build_shows_how_far_and_how_fast_it_is() -> None:
    assert progress_text(Progress(1, 9, 200, 250), 10, 100) == "200 items (80 % accepted), 10 a second"
    assert progress_text(Progress(1, 9, 5, 5), 60, 3) == "5 items (100 % accepted), 3 a minute"
    assert progress_text(Progress(0, 9, 0, 0), 0, 0) == "0 items"
    shown = io.StringIO()
    with BuildProgress(Console(file=shown, force_terminal=True, width=100)) as progress:
        progress.show(Progress(2, 9, 40, 50))
        progress.tell("Left out: a scan.")
    assert (
        "40 items" in shown.getvalue()
        and "2/9" in shown.getvalue()
        and "Left out: a scan." in shown.getvalue()
    )
    quiet = io.StringIO()
    with BuildProgress(Console(file=quiet)) as progress:
        progress.show(Progress(2, 9, 40, 50))
    assert quiet.getvalue() == ""
