"""The shipped model's record can be repeated: its recipe, from scratch, meets the losses it began with."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from MedSegRLib.resources import resource_path
from MedSegRLib.training.recipe import Recipe, run_stage


def repeat(stage: str, data: Path, work: Path) -> None:
    folder = resource_path("Recipes").parent / "Models" / "medsegr-mini"
    assert (folder / "training.json").is_file(), "the shipped model has no record of its training"
    recorded = json.loads((folder / "training.json").read_text(encoding="utf-8"))["first_losses"][stage]
    assert len(recorded) == 3
    # Learning the tokenizer anew takes minutes; the shipped one is what the recipe learnt.
    shutil.copy(folder / "understanding" / "tokenizer.json", work / "tokenizer.json")
    recipe = Recipe(resource_path("Recipes", "mini.toml"), data, work)
    model = recipe.model()
    made = recipe.grounding_stage(model) if stage == "grounding" else recipe.language_stage(model)
    # Three steps lie within the warm-up, whose rates do not depend on how many follow.
    run_stage(made, replace(recipe.loop(stage), steps=3), work)
    rows = [json.loads(line) for line in (work / f"{stage}.jsonl").read_text().splitlines()]
    for found, row in zip(rows, recorded, strict=True):
        terms = {name: found[name] for name in row}
        assert terms == pytest.approx(row, rel=2e-2, abs=5e-3)


def test_the_first_losses_of_the_language_stage(tmp_path: Path) -> None:
    repeat("language", tmp_path, tmp_path)


def test_the_first_losses_of_the_grounding_stage(shared_data: Path, tmp_path: Path) -> None:
    repeat("grounding", shared_data, tmp_path)
