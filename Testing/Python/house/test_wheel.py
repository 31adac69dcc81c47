"""A wheel, built from the checkout and installed elsewhere, carries the library and its Resources/."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import MedSegRLib

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ("Anatomy", "Evaluation", "Models", "Prompts", "Recipes", "Schemas")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the checkout: a build leaves folders behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("MedSegRLib", "Resources"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source / name)
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel is installed, alone."""
    site = tmp_path_factory.mktemp("site")
    install = [*PIP, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return site


def test_the_shipped_model_is_of_at_most_20_mb_and_holds_no_pickle() -> None:
    files = [path for path in (ROOT / "Resources" / "Models" / "medsegr-mini").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 20_000_000
    assert {path.suffix for path in files} <= {"", ".jinja", ".json", ".md", ".safetensors"}


def python(site: Path, program: str) -> list[str]:
    """Lines that a fresh interpreter prints which finds the library only in the folder."""
    program = f"import sys; sys.path.insert(0, {str(site)!r})\n{program}"
    done = subprocess.run([sys.executable, "-I", "-c", program], cwd=site, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_wheel_holds_every_file_of_library_and_resources_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}
    held = {name: size for name, size in sizes.items() if ".dist-info/" not in name}
    wanted = {path: path.relative_to(ROOT) for path in (ROOT / "MedSegRLib").rglob("*.py")}
    wanted[ROOT / "MedSegRLib" / "py.typed"] = Path("MedSegRLib/py.typed")
    for folder in SHIPPED:
        wanted |= {
            path: "MedSegRLib" / path.relative_to(ROOT)
            for path in (ROOT / "Resources" / folder).rglob("*")
            if path.is_file()
        }
    assert held == {name.as_posix(): path.stat().st_size for path, name in wanted.items()}
    assert wheel.name == f"medsegr-{MedSegRLib.__version__}-py3-none-any.whl"


def test_an_installed_wheel_finds_its_own_resources(site: Path) -> None:
    library, table, count = python(
        site,
        "import MedSegRLib; from MedSegRLib.anatomy import load_table\n"
        "from MedSegRLib.resources import resource_path\n"
        "print(MedSegRLib.__file__); print(resource_path('Anatomy', 'structures.json'))\n"
        "print(len(load_table()))",
    )
    assert Path(library) == site / "MedSegRLib" / "__init__.py"
    assert Path(table) == site / "MedSegRLib" / "Resources" / "Anatomy" / "structures.json"
    assert int(count) >= 40


def test_an_installed_wheel_says_what_it_is(site: Path) -> None:
    said = python(
        site,
        "from importlib.metadata import distributions\n"
        f"(ours,) = distributions(path=[{str(site)!r}])\n"
        "print(ours.name); print(ours.version); print(ours.metadata['Requires-Python'])\n"
        "print(*[f'{e.name} = {e.value}' for e in ours.entry_points])\n"
        "print('Apache License' in ours.read_text('licenses/LICENSE'))",
    )
    assert said == ["medsegr", MedSegRLib.__version__, ">=3.10", "medsegr = MedSegRLib.cli:main", "True"]
