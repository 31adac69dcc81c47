"""The rooms: what they import, what they offer, how long their files are, and that they are packed."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import MedSegRLib

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "MedSegRLib"
ROOMS = sorted(folder.name for folder in LIBRARY.iterdir() if any(folder.glob("*.py")))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# What may be imported inside 3D Slicer beside the standard library and ourselves.
SLICER_HAS = ["MedSegRLib", "SimpleITK", "numpy"]
IN_SLICER = ["anatomy", "answers", "imaging"]
IMPORT_NAME = {"pillow": "PIL"}
ONLY_SLICER = """
import importlib, pkgutil, sys
sys.path.insert(0, {root!r})
ours, asked = set({allowed!r}), []

class NothingElse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in ours and top not in sys.stdlib_module_names:
            asked.append(name)
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NothingElse())
{body}
"""


def in_slicer(body: str) -> str:
    """Output of a fresh interpreter that has the standard library, numpy, SimpleITK and us."""
    program = ONLY_SLICER.format(root=str(ROOT), allowed=SLICER_HAS, body=body)
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def python_files() -> list[Path]:
    return sorted(path for top in (LIBRARY, ROOT / "Testing") for path in top.rglob("*.py"))


def test_the_blocked_interpreter_is_really_without_torch() -> None:
    found = in_slicer(
        "for name in ['torch', 'transformers', 'segment_anything', 'torchvision', 'pydicom']:\n"
        "    try:\n        importlib.import_module(name)\n        print('has', name)\n"
        "    except ModuleNotFoundError: pass"
    )
    assert found == ""


@pytest.mark.parametrize("room", IN_SLICER)
def test_rooms_inside_slicer_import_nothing_that_slicer_lacks(room: str) -> None:
    names = in_slicer(
        f"room = importlib.import_module('MedSegRLib.{room}')\n"
        "names = [info.name for info in pkgutil.walk_packages(room.__path__, room.__name__ + '.')]\n"
        "for name in names: importlib.import_module(name)\n"
        "for name in getattr(room, '__all__', ()): getattr(room, name)\n"
        "print(*names)"
    ).split()
    assert names == sorted(f"MedSegRLib.{room}.{file.stem}" for file in (LIBRARY / room).glob("[!_]*.py"))


def test_importing_the_package_imports_nothing_else() -> None:
    loaded = in_slicer(
        "before = set(sys.modules)\nimport MedSegRLib\n"
        "new = [n for n in set(sys.modules) - before if n.partition('.')[0] not in sys.stdlib_module_names]\n"
        "print(*sorted(new), asked)"
    )
    # None of its rooms, no numpy; and nothing was even tried.
    assert loaded == "MedSegRLib []"


@pytest.mark.parametrize("name", MedSegRLib.__all__)
def test_the_package_offers_what_it_says(name: str) -> None:
    assert getattr(MedSegRLib, name) is getattr(MedSegRLib, name)
    assert name in dir(MedSegRLib)


def test_the_package_has_no_other_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = MedSegRLib.nothing


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_says_what_it_offers(room: str) -> None:
    module = importlib.import_module(f"MedSegRLib.{room}")
    assert module.__doc__, "a room opens with one sentence"
    offered = getattr(module, "__all__", [])
    assert [name for name in offered if not hasattr(module, name)] == []
    assert len(set(offered)) == len(offered)
    # Names that the room's own __init__ brings in are offered, or begin with an underscore.
    brought = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and str(getattr(value, "__module__", "")).startswith("MedSegRLib")
    }
    assert sorted(brought - set(offered)) == []
    # Constants, then classes, then the rest: the order that the linter keeps.
    rank = [0 if re.fullmatch(r"[A-Z0-9_]+", name) else 1 if name[0].isupper() else 2 for name in offered]
    natural = [[int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)] for name in offered]
    assert list(zip(rank, natural, strict=True)) == sorted(zip(rank, natural, strict=True))


def test_every_folder_of_code_is_packed_and_has_a_door() -> None:
    packages = PROJECT["tool"]["setuptools"]["packages"]
    folders = {file.parent for file in LIBRARY.rglob("*.py")}
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert packages == sorted({"MedSegRLib.Resources", *names})
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_every_package_that_is_imported_is_a_dependency() -> None:
    wanted = [re.split(r"[<>=!~; \[]", line)[0] for line in PROJECT["project"]["dependencies"]]
    declared = {IMPORT_NAME.get(name.lower(), name.replace("-", "_")) for name in wanted}
    # The demo and DICOM out say what to install where nilearn and highdicom are not there; the last
    # ones are Slicer's own.
    declared |= {"highdicom", "nilearn", "MedSegRLib", "qt", "slicer", "vtk", "SampleData"}
    missing = set()
    for file in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            tops = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - declared
            missing |= {(top, file.relative_to(ROOT).as_posix()) for top in tops}
    assert missing - {("tomllib", file) for _, file in missing} == set()


def test_no_file_has_more_than_400_lines() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): path.read_bytes().count(b"\n") for path in python_files()}
    assert len(lengths) > 20
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_the_floors_hold() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "0 broken" in done.stdout, done.stdout + done.stderr
