"""medsegr train: from a recipe to a folder that opens and answers, and the same command again."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from MedSegRLib.resources import resource_path

sys.path.append(str(Path(__file__).resolve().parents[1] / "training"))

from tiny_set import write_recipe, write_set


def tiny_recipe(folder: Path) -> Path:
    """The shipped model's recipe, cut down to a few steps on one head."""
    text = resource_path("Recipes", "mini.toml").read_text(encoding="utf-8")
    for pattern, value in (
        (r"^steps = \d+", "steps = 2"), (r"^warmup = \d+", "warmup = 1"),
        (r"^conversations = \d+", "conversations = 300"), (r"^vocabulary = \d+", "vocabulary = 600"),
        (r"^train = .*", "train = [1]"), (r"^widths = .*", "widths = [8, 8, 16, 16]"),
        (r"(?s)^offered = \[.*?\]", 'offered = ["cerebral_cortex", "brainstem"]'),
        (r"^semantic_classes = \d+", "semantic_classes = 2"), (r"^text_layers = \d+", "text_layers = 1"),
        (r"(?s)^other_sources = \[.*?\]", 'other_sources = ["mr_spine_spider_png"]'),
    ):  # fmt: skip
        text, count = re.subn(pattern, value, text, flags=re.MULTILINE)
        assert count, pattern
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recipe_becomes_a_calibrated_model_and_a_second_run_only_reads(
    shared_data: Path, run: Callable[..., Result], work: Path, scan: Path
) -> None:
    command = ("train", tiny_recipe(work), "-o", "made", "--data", shared_data)
    first = run(*command)
    assert first.exit_code == 0, first.output
    folder = work / "made" / "checkpoint"
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert set(record["first_losses"]) == {"grounding", "language", "understanding", "joint", "masks"}
    assert all(len(rows) == 2 for rows in record["first_losses"].values())
    assert json.loads((folder / "calibration.json").read_text(encoding="utf-8"))["development"]["scans"] == 2
    weights = {path: path.read_bytes() for path in folder.rglob("*.safetensors")}
    assert weights
    again = run(*command, "--stage", "grounding")
    assert again.exit_code == 0, again.output
    assert {path: path.read_bytes() for path in folder.rglob("*.safetensors")} == weights
    report = (work / "made" / "report.html").read_text(encoding="utf-8")
    assert all(f"<h2>{stage}</h2>" in report for stage in record["first_losses"])
    assert "held-out label maps" in report and report.count("data:image/png") > 0
    asked = run("ask", scan, "Where is the brainstem?", "--model", folder, "-o", "answer.seg.nrrd")
    assert asked.exit_code == 0, asked.output


def test_a_fine_tuning_is_judged_by_its_free_answers_and_ends_with_a_report(
    run: Callable[..., Result], work: Path
) -> None:
    items = write_set(work / "set")
    recipe = write_recipe(work, steps="2", evaluate_every="2")
    made = run("train", recipe, "-o", "made", "--data", items.parent)
    assert made.exit_code == 0, made.output
    assert "joint: step 2 of 2, loss" in made.output and "joint: development score" in made.output
    folder = work / "made"
    scores = [json.loads(line) for line in (folder / "joint.scores.jsonl").read_text().splitlines()]
    assert [row["step"] for row in scores] == [2] and 0.0 <= scores[0]["score"] <= 1.0
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "Training of tuned" in report and "joint: development score" in report
    assert report.count("data:image/png") >= 1 and "phantom-abdomen" in report  # a mask of a development item
    weights = {path: path.read_bytes() for path in (folder / "checkpoint").rglob("*.safetensors")}
    again = run("train", recipe, "-o", "made", "--data", items)
    assert again.exit_code == 0, again.output
    assert {path: path.read_bytes() for path in (folder / "checkpoint").rglob("*.safetensors")} == weights
    other = run("train", write_recipe(work, rank="3"), "-o", "made", "--data", items)
    assert other.exit_code == 2 and "begun with lora.rank = 2, and now it is 3" in other.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--data", "nowhere"), "There is no data set nowhere; name a MedSeg-QA file (.jsonl) with --data."),
        (("--data", "."), "There is no data set items.jsonl"),
        (("--data", "tiny.toml", "--stage", "language"), "There is no stage 'language'; use joint, masks."),
        (("--data", "tiny.toml"), "Line 2 of tiny.toml is not JSON"),
    ],
)
def test_what_a_fine_tuning_cannot_use_is_told_in_a_sentence(
    run: Callable[..., Result], work: Path, arguments: tuple[str, ...], told: str
) -> None:
    write_recipe(work)
    refused = run("train", "tiny.toml", "-o", "made", *arguments)
    assert refused.exit_code == 2 and told in refused.output, refused.output
    assert not (work / "made").exists()
