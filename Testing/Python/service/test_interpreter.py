"""Which Python: found, refused in a sentence, and without what Slicer's process has not."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest

from MedSegRLib.errors import UserInputError
from MedSegRLib.service import Client, WorkerState, default_command
from MedSegRLib.service.interpreter import default_environment
from MedSegRLib.service.packages import NEEDED

from .conftest import wait

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]


def program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_python_of_slicer_goes_before_the_one_that_runs_this(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert default_command()[0] == sys.executable
    slicers = program(tmp_path, "PythonSlicer")
    assert default_command()[0] == str(slicers)
    assert default_command(sys.executable)[0] == sys.executable
    assert Path(default_command()[-1]).is_file()


def test_what_is_no_python_is_refused_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserInputError, match="no Python at /no/python; choose"):
        default_command("/no/python")
    monkeypatch.setattr(sys, "executable", "/opt/Slicer/bin/SlicerApp-real")
    with pytest.raises(UserInputError, match="SlicerApp-real is no Python; choose one"):
        default_command()


def test_a_chosen_python_does_not_get_the_settings_of_another_one(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/opt/Slicer/lib/Python")
    monkeypatch.setenv("MEDSEGR_TEST", "kept")
    chosen = default_environment(["/usr/bin/python3"])
    assert "PYTHONHOME" not in chosen and chosen["MEDSEGR_TEST"] == "kept"
    assert default_environment([sys.executable])["PYTHONHOME"] == "/opt/Slicer/lib/Python"
    assert default_environment(["/opt/Slicer/bin/PythonSlicer"])["PYTHONHOME"] == "/opt/Slicer/lib/Python"


def without(tmp_path: Path, *, torch: str | None) -> str:
    """A real Python that has numpy and SimpleITK, and of torch nothing or a broken half."""
    venv.create(tmp_path / "env", with_pip=False)
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    for name in ("numpy", "SimpleITK"):
        files = metadata.files(name)
        for top in {file.parts[0] for file in files if ".." not in file.parts}:
            (site / top).symlink_to(metadata.distribution(name).locate_file(top))
    if torch is not None:
        (site / "torch").mkdir()
    if torch:
        (site / "torch" / "__init__.py").write_text(torch)
        (site / "torch-2.9.0.dist-info").mkdir()
        (site / "torch-2.9.0.dist-info" / "METADATA").write_text("Name: torch\nVersion: 2.9.0+cu128\n")
    return str(tmp_path / "env" / "bin" / "python")


@pytest.mark.parametrize(
    ("torch", "sentence"),
    [
        (
            None,
            "{python} has no torch, so the model cannot run; install it from the set-up section",
        ),
        # As after an uninstallation that Windows did not let finish.
        ("", "{python} has no torch, so the model cannot run; install it from the set-up section"),
        (
            "import no_such_dll",
            "{python} has torch, but it cannot be imported (No module named 'no_such_dll')",
        ),
        (
            "raise OSError('[WinError 126] c10.dll')",
            "cannot be imported ([WinError 126] c10.dll); install it",
        ),
    ],
    ids=["none", "left over", "half", "no library"],
)
def test_a_python_without_torch_is_told_with_what_to_do(tmp_path, torch, sentence):
    python = without(tmp_path, torch=torch)
    client = Client(default_command(python))
    client.start()
    wait(client, lambda: client.state is not WorkerState.STARTING)
    assert client.state is WorkerState.LOST
    assert sentence.format(python=python) in client.problem
    client.close()


def test_a_python_without_anything_is_told_too(tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    client = Client(default_command(str(tmp_path / "bare" / "bin" / "python")))
    client.start()
    wait(client, lambda: client.state is not WorkerState.STARTING)
    assert "has no numpy, so the model cannot run" in client.problem
    client.close()


def test_an_old_and_a_too_new_package_are_told_with_the_range(monkeypatch):
    from MedSegRLib.service import packages

    versions = {"transformers": "6.0.1"}
    real = metadata.version
    monkeypatch.setattr(packages.metadata, "version", lambda name: versions.get(name) or real(name))
    assert "has transformers 6.0.1, but 5 or newer, below 6 is needed" in packages.what_is_wrong()
    versions["transformers"] = "4.57.0.dev0"
    assert "has transformers 4.57.0.dev0, but 5 or newer" in packages.what_is_wrong()
    versions["transformers"] = "5.0.0rc1"
    assert packages.what_is_wrong() == ""


def test_what_slicer_has_is_told_without_importing_it():
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from MedSegRLib.service.packages import NEEDED, state_of\n"
        "states = [state_of(module) for module in NEEDED]\n"
        "print(all(state.fits and state.version for state in states), state_of('torch').version)\n"
        "print(sorted(set(NEEDED) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"True {metadata.version('torch')}", "[]"]


def test_what_the_worker_asks_for_is_what_the_project_declares():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split("[<>=;]", line)[0]: line for line in project["dependencies"]}
    for need in NEEDED.values():
        assert declared[need.name] == f"{need.name}{need.specifier}"


def test_the_clients_side_loads_nothing_that_slicer_lacks():
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules)\n"
        "from MedSegRLib import service\n"
        "assert 'numpy' not in sys.modules\n"
        "for name in service.__all__: getattr(service, name)\n"
        "tops = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(tops - set(sys.stdlib_module_names)))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith(("_", "cython", "swig"))}
    assert loaded == {"MedSegRLib", "SimpleITK", "numpy"}
