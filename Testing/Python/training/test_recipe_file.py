"""Recipes: what they lack is told by name, and a run is held to the one that it was begun with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from MedSegRLib.errors import UserInputError
from MedSegRLib.resources import resource_path
from MedSegRLib.training.loop import LoopConfig
from MedSegRLib.training.recipe_file import hold_to, loop_config, read_recipe

STAGE = {"steps": 10, "learning_rate": 1e-3}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed = ", r"r\.toml cannot be read"),
        ("seed = 1", "has no model; see Resources/Recipes/mini.toml"),
        ("seed = 1\n[lora]\nrank = 4", "has no start; see Resources/Recipes/lora.toml"),
        ("[lora]\nrank = 4", "has no seed"),
        ("seed = 'a'\n[lora]\n[start]\n[stage]", r"seed in the recipe \S* is not a whole number"),
        ("seed = 1\nstart = 'mini'\n[lora]\n[stage]", r"start in the recipe \S* is not a table \[start\]"),
    ],
)
def test_what_a_recipe_lacks_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserInputError, match=told):
        read_recipe(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserInputError, match="cannot be read"):
        read_recipe(tmp_path / "r.toml")


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ({}, "has no steps; add it"),
        ({"steps": 3}, "has no learning_rate; add it"),
        ({**STAGE, "pace": 1}, "has the unknown key pace; use steps, learning_rate"),
        ({**STAGE, "steps": 0}, r"steps of \[stage.joint\] is 0; use a whole number from 1"),
        ({**STAGE, "accumulate": 1.5}, r"accumulate of \[stage.joint\] is 1.5"),
        (None, r"has no table \[stage.joint\]"),
    ],
)
def test_what_a_stage_lacks_is_named(stage: dict[str, Any] | None, told: str) -> None:
    with pytest.raises(UserInputError, match=told):
        loop_config({"stage": {} if stage is None else {"joint": stage}}, "joint")


def test_the_recipes_that_ship_are_whole() -> None:
    for name, stages in (
        ("mini", ("grounding", "language", "understanding", "joint", "masks")),
        ("lora", ("joint", "masks")),
    ):
        values = read_recipe(resource_path("Recipes", f"{name}.toml"))
        assert all(isinstance(loop_config(values, stage), LoopConfig) for stage in stages)


def begun(folder: Path, *stages: str) -> Path:
    for stage in stages:
        (folder / f"{stage}.safetensors").touch()
    return folder


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"seed": 2},
            "begun with seed = 1, and now it is 2; change it back, or name another folder",
        ),
        ({"lora": {"rank": 8}}, "begun with lora.rank = 4, and now it is 8"),
        ({"lora": {}}, "begun with lora.rank = 4, and now it is nothing"),
        ({"more": True}, "begun with more = nothing, and now it is true"),
        ({"stage": {"joint": {**STAGE, "steps": 11}, "masks": STAGE}}, "stage.joint.steps = 10, .* 11"),
    ],
)
def test_a_run_whose_recipe_changed_is_refused_with_the_key(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    values = {"seed": 1, "lora": {"rank": 4}, "stage": {"joint": STAGE, "masks": STAGE}}
    hold_to(values, tmp_path, ("joint", "masks"))
    begun(tmp_path, "joint")
    record = (tmp_path / "recipe.json").read_text()
    hold_to(values, tmp_path, ("joint", "masks"))
    with pytest.raises(UserInputError, match=told):
        hold_to({**values, **change}, tmp_path, ("joint", "masks"))
    assert (tmp_path / "recipe.json").read_text() == record


def test_what_is_not_begun_or_changes_no_result_may_change(tmp_path: Path) -> None:
    values = {"seed": 1, "stage": {"joint": STAGE, "masks": STAGE}}
    hold_to(values, tmp_path, ("joint", "masks"))
    hold_to({**values, "seed": 2}, tmp_path, ("joint", "masks"))  # nothing was trained yet
    begun(tmp_path, "joint")
    later = {"seed": 2, "stage": {"joint": {**STAGE, "workers": 4, "save_every": 5}, "masks": {"steps": 1}}}
    hold_to(later, tmp_path, ("joint", "masks"))
    assert json.loads((tmp_path / "recipe.json").read_text()) == later


def test_a_run_from_before_recipes_were_kept_goes_on(tmp_path: Path) -> None:
    hold_to({"seed": 1, "stage": {}}, begun(tmp_path, "joint"), ("joint",))
    assert re.search('"seed": 1', (tmp_path / "recipe.json").read_text())
