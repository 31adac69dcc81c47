"""The locator of Resources/: in a checkout, in an installed package, in a Slicer module folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from MedSegRLib.answers.errors import MedSegRError
from MedSegRLib.resources import ResourceNotFoundError, resource_path

ROOT = Path(__file__).resolve().parents[2]
ASK = (
    "from MedSegRLib.resources import resource_path; from MedSegRLib.anatomy import load_table;"
    "print(resource_path('Anatomy', 'structures.json')); print(len(load_table()))"
)


def copy_library(to: Path) -> None:
    """Copy the rooms that the table needs; __init__ of the package stays as it is."""
    for part in ("anatomy", "answers"):
        shutil.copytree(ROOT / "MedSegRLib" / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (ROOT / "MedSegRLib").glob("*.py"):
        shutil.copy(file, to / file.name)


def ask(folder: Path) -> list[str]:
    """What a fresh interpreter finds that has nothing but the folder on its path."""
    # -I: neither the working directory nor PYTHONPATH may bring the checkout back in.
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); {ASK}"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_a_checkout_finds_its_own_folder() -> None:
    assert resource_path() == ROOT / "Resources"
    assert resource_path("Anatomy", "structures.json") == ROOT / "Resources" / "Anatomy" / "structures.json"


def test_an_installed_package_finds_the_folder_inside_it(tmp_path: Path) -> None:
    copy_library(tmp_path / "MedSegRLib")
    shutil.copytree(ROOT / "Resources" / "Anatomy", tmp_path / "MedSegRLib" / "Resources" / "Anatomy")
    (tmp_path / "Resources").mkdir()  # somebody else's, in the same site-packages
    path, count, *_ = ask(tmp_path)
    assert Path(path) == (tmp_path / "MedSegRLib" / "Resources" / "Anatomy" / "structures.json").resolve()
    assert int(count) >= 75


def test_a_slicer_module_folder_finds_the_folder_beside_the_package(tmp_path: Path) -> None:
    copy_library(tmp_path / "MedSegRLib")
    (tmp_path / "Resources" / "Icons").mkdir(parents=True)  # Slicer's own use of the folder
    shutil.copytree(ROOT / "Resources" / "Anatomy", tmp_path / "Resources" / "Anatomy")
    path, count, *_ = ask(tmp_path)
    assert Path(path) == (tmp_path / "Resources" / "Anatomy" / "structures.json").resolve()
    assert int(count) >= 75


def test_what_is_missing_is_said_in_one_sentence_with_the_places() -> None:
    with pytest.raises(ResourceNotFoundError) as caught:
        resource_path("Anatomy", "nothing.json")
    assert isinstance(caught.value, FileNotFoundError) and isinstance(caught.value, MedSegRError)
    sentence = str(caught.value)
    assert "Resources/Anatomy/nothing.json is missing" in sentence and "\n" not in sentence
    for folder in (ROOT, ROOT / "MedSegRLib"):
        assert str(folder / "Resources" / "Anatomy" / "nothing.json") in sentence
