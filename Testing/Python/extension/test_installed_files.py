"""What CMake installs: every file that is needed and nothing else, as Slicer's macros would."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# What the library reads at run time; Screenshots are for the README.
NEEDED = ("Anatomy", "Evaluation", "Models", "Prompts", "Recipes", "Schemas")


def wanted() -> dict[str, Path]:
    """Path in the folder of scripted modules -> file of the checkout."""
    files = {"MedSegR.py": ROOT / "MedSegR" / "MedSegR.py"}
    files |= {f"Scripts/{name}": path for name, path in there(ROOT / "MedSegR" / "Scripts").items()}
    files |= {f"Resources/{name}": path for name, path in there(ROOT / "MedSegR" / "Resources").items()}
    files |= {f"MedSegRLib/{n}": path for n, path in there(ROOT / "MedSegRLib").items() if n.endswith(".py")}
    for folder in NEEDED:
        files |= {f"Resources/{folder}/{n}": path for n, path in there(ROOT / "Resources" / folder).items()}
    return files


def there(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_every_file_on_disk_is_installed_and_no_other(modules: Path) -> None:
    installed = {name for name in there(modules) if "__pycache__" not in name}
    missing, superfluous = sorted(wanted().keys() - installed), sorted(installed - wanted().keys())
    assert not missing and not superfluous, (
        f"not installed: {missing}; installed, but not on disk: {superfluous}; for Python files of the "
        "library run `python .ci/list_files.py`"
    )


def test_every_folder_of_resources_is_installed_but_the_screenshots() -> None:
    folders = {path.name for path in (ROOT / "Resources").iterdir() if path.is_dir()}
    assert folders == {*NEEDED, "Screenshots"}


def test_files_are_installed_as_they_are(modules: Path) -> None:
    assert len(wanted()) > 150
    for name, source in wanted().items():
        assert (modules / name).read_bytes() == source.read_bytes(), name


def test_every_script_was_byte_compiled(modules: Path) -> None:
    for name, path in there(modules).items():
        if name.endswith(".py"):
            compiled = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
            assert compiled.is_file(), name


def test_slicers_own_tests_find_all_of_it_in_the_build_tree_too(build_tree: Path, modules: Path) -> None:
    in_build = build_tree / "lib" / "Slicer-5.12" / "qt-scripted-modules"
    assert there(in_build).keys() == there(modules).keys()


def test_the_module_is_tested_in_the_application_and_without_a_main_window(
    build_tree: Path, cmake_tool: Callable[..., str]
) -> None:
    listed = json.loads(cmake_tool("ctest", "--test-dir", build_tree, "--show-only=json-v1"))
    assert sorted(test["name"] for test in listed["tests"]) == [
        "py_MedSegR",
        "py_nomainwindow_qSlicerMedSegRModuleGenericTest",
    ]


def test_the_folder_of_scripted_modules_holds_one_module(modules: Path) -> None:
    # Slicer takes each loose .py file for a module, and a package would hide MedSegR.py.
    assert [path.name for path in modules.glob("*.py")] == ["MedSegR.py"]
    assert not (ROOT / "MedSegR" / "__init__.py").exists()
    assert not (modules / "MedSegR").exists()


def test_the_modules_file_defines_the_class_of_its_name(modules: Path) -> None:
    tree = ast.parse((modules / "MedSegR.py").read_text(encoding="utf-8"))
    assert "MedSegR" in [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def test_the_script_lists_each_file_under_its_room(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "list_files.py", tmp_path / ".ci")
    library = tmp_path / "MedSegRLib"
    for name in ("__init__.py", "second/b.py", "first/__init__.py", "first/a.py", "first/notes.txt"):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).touch()
    before = "# kept\n# the lists begin\nlist(APPEND\n  gone.py\n  )\n# the lists end\nkept()\n"
    (library / "CMakeLists.txt").write_text(before)
    subprocess.run([sys.executable, tmp_path / ".ci" / "list_files.py"], check=True)
    lines = (library / "CMakeLists.txt").read_text().splitlines()
    assert [line for line in lines if line.endswith(".py")] == [
        "  __init__.py",
        "  first/__init__.py",
        "  first/a.py",
        "  second/b.py",
    ]
    assert [line for line in lines if line.startswith("# ")] == [
        "# kept",
        "# the lists begin",
        "# the package itself",
        "# first",
        "# second",
        "# the lists end",
    ]
    assert lines[-1] == "kept()"
