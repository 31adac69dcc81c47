"""Recipes: the shipped one is read, and what is wrong in one is told by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedSegRLib.dataset.building.held_out import held_out_questions
from MedSegRLib.dataset.building.recipe import BuildRecipe, read_recipe
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane
from MedSegRLib.resources import resource_path

SCANS = '[[scans]]\norigin = "a"\n'


def read(folder: Path, text: str) -> BuildRecipe:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


def test_the_shipped_recipe_trains_on_no_head_that_judges() -> None:
    recipe = read_recipe(resource_path("Recipes", "medsegqa.toml"))
    heads = next(s for s in recipe.shares if s.origin == "brain_labelmaps_synthseg")
    assert set(heads.leave_out) == {f"training_seg_{n}" for n in range(16, 21)}
    assert recipe.turns[0] >= 2 and recipe.round_trip is not None and recipe.round_trip.model == "mini"


def test_a_short_recipe_has_defaults(tmp_path: Path) -> None:
    recipe = read(tmp_path, '[[scans]]\nplanes = ["axial", "sagittal"]\n')
    assert (recipe.seed, recipe.turns, recipe.tries, recipe.round_trip) == (0, (2, 4), 3, None)
    assert recipe.shares[0].planes == (Plane.AXIAL, Plane.SAGITTAL) and recipe.shares[0].origin == ""
    assert recipe.digest != read(tmp_path, SCANS).digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = ", "cannot be read"),
        ("", r"names no scans; write at least one \[\[scans\]\]"),
        (f"speed = 1\n{SCANS}", "has the unknown key 'speed'; remove it"),
        (f"turns = [3, 2]\n{SCANS}", r"turns of .* is \[3, 2\]; write the fewest and the most"),
        (f"tries = 0\n{SCANS}", "must be whole numbers, tries above 0"),
        (f"{SCANS}every = -1\n", "write counts of which one is above 0"),
        (f"{SCANS}slices = 3\n", r"\[\[scans\]\] has the unknown key 'slices'; use origin, planes, every"),
        (f'{SCANS}planes = ["oblique"]\n', "planes are axial, coronal or sagittal"),
        (f"{SCANS}planes = 3\n", "wrong kind .* both planes and leave_out are lists"),
        (f"{SCANS}leave_out = 3\n", "wrong kind .* both planes and leave_out are lists"),
        ("scans = 3\n", r"'scans' of .*recipe\.toml is not of the kind it must be"),
        ("scans = [3]\n", r"\[\[scans\]\] has a value of the wrong kind"),
        (f"round_trip = 3\n{SCANS}", "'round_trip' of .* is not of the kind it must be"),
        (f"turns = 3\n{SCANS}", "'turns' of .* is not of the kind it must be"),
        (
            f'{SCANS}[round_trip]\nshare = "half"\n',
            r"\[round_trip\] lacks a key or has one of the wrong kind",
        ),
        (f"{SCANS}[round_trip]\nshare = 2.0\n", r"lie between 0 and 1; correct the recipe"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read(tmp_path, text)


def test_an_endpoint_needs_a_model_bounds_and_the_key_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://127.0.0.1:1/v1"
    with pytest.raises(DatasetError, match=r"\[endpoint\] lacks model, requests, tokens: name the model"):
        read(tmp_path, SCANS).endpoint(url)
    entry = '[endpoint]\nmodel = "m"\nrequests = 5\ntokens = 100\nkey_variable = "MEDSEGR_TEST_KEY"\n'
    monkeypatch.delenv("MEDSEGR_TEST_KEY", raising=False)
    with pytest.raises(DatasetError, match="The variable MEDSEGR_TEST_KEY holds no key"):
        read(tmp_path, SCANS + entry).endpoint(url)
    monkeypatch.setenv("MEDSEGR_TEST_KEY", "k")
    settings, bounds = read(tmp_path, f"{SCANS}{entry}timeout_s = 3\n").endpoint(url)
    assert (settings.key, settings.model, settings.timeout_s, bounds.requests) == ("k", "m", 3, 5)
    with pytest.raises(DatasetError, match=r"\[endpoint\] has the unknown key 'colour'"):
        read(tmp_path, f'{SCANS}{entry}colour = "red"\n').endpoint(url)
    with pytest.raises(DatasetError, match=r"\[endpoint\] lacks a key or has one of the wrong kind"):
        read(tmp_path, SCANS + entry.replace("requests = 5", 'requests = "many"')).endpoint(url)
    with pytest.raises(DatasetError, match="bound on requests and tokens must be above 0"):
        read(tmp_path, SCANS + entry.replace("requests = 5", "requests = 0")).endpoint(url)


def test_questions_that_judge_are_held_out() -> None:
    questions = held_out_questions()
    assert len(questions) >= 200 and all(question.strip() for question in questions)
