"""Training that goes on from a model begins with its weights and words, and meets other batches."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from MedSegRLib.errors import UserInputError
from MedSegRLib.model import open_model, save_checkpoint
from MedSegRLib.resources import resource_path
from MedSegRLib.training.recipe import Recipe, run_recipe

SHIPPED = resource_path("Models", "medsegr-mini")
RECIPE = resource_path("Recipes", "mini.toml")


def test_it_begins_with_the_weights_and_the_words_of_the_model(tmp_path: Path) -> None:
    recipe = Recipe(RECIPE, tmp_path, tmp_path / "work", start=SHIPPED)
    begun, shipped = recipe.model(), open_model("mini", "fp32")
    assert begun.config == recipe.config
    state = shipped.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in begun.state_dict().items())
    text = "Which structure shrinks first in Alzheimer's disease?"
    words = shipped.understanding.processor.tokenizer
    assert recipe.tokenizer().encode(text).ids == words.encode(text, add_special_tokens=False)


def test_its_batches_are_others_but_its_prompts_are_the_same(tmp_path: Path) -> None:
    further, fresh = (Recipe(RECIPE, tmp_path, tmp_path / "work", start=start) for start in (SHIPPED, None))
    assert further.draws != fresh.draws == fresh.seed == further.seed
    assert torch.equal(further.codes, fresh.codes)
    ours, theirs = (r.language_stage(r.model()).batches[0]["input_ids"] for r in (further, fresh))
    assert ours.shape != theirs.shape or not torch.equal(ours, theirs)


def test_who_goes_on_from_a_further_model_meets_further_batches(tmp_path: Path) -> None:
    model = open_model("mini", "fp32")
    with torch.no_grad():
        model.similarity_bias += 1
    save_checkpoint(model, tmp_path / "further")
    draws = [Recipe(RECIPE, tmp_path, tmp_path, start=m).draws for m in (SHIPPED, tmp_path / "further")]
    assert draws[0] != draws[1]


def test_a_model_of_other_sizes_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(RECIPE.read_text(encoding="utf-8").replace("detail_dim = 32", "detail_dim = 16"))
    with pytest.raises(UserInputError, match=r"the model to go on from, \S*detail\S* differs; take"):
        Recipe(other, tmp_path, tmp_path / "work", start=SHIPPED).model()


def test_a_run_goes_on_however_the_path_of_its_model_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.json").write_text("[]", encoding="utf-8")
    monkeypatch.chdir(SHIPPED.parent)
    begun = []
    for start in (Path(SHIPPED.name), SHIPPED, None):
        run_recipe(RECIPE, tmp_path / "work", data=tmp_path, only=(), start=start)
        begun.append((tmp_path / "work" / "recipe.json").read_text(encoding="utf-8"))
    assert begun[0] == begun[1] != begun[2], "what a run is held to"
