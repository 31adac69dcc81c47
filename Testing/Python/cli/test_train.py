"""medsegr train: from a recipe to a folder that opens and answers, and the same command again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from MedSegRLib.resources import resource_path


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
    asked = run("ask", scan, "Where is the brainstem?", "--model", folder, "-o", "answer.seg.nrrd")
    assert asked.exit_code == 0, asked.output
