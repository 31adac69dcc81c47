"""The extension, built and installed by the real CMake against the stand-in for Slicer's package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cmake
import ninja
import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "Testing" / "Python" / "stand_ins" / "slicer_package"
MODULES = Path("lib", "Slicer-5.12", "qt-scripted-modules")


CMakeTool = Callable[..., str]
Python = Callable[..., list[str]]


@pytest.fixture(scope="session")
def cmake_tool() -> CMakeTool:
    """Run `cmake` or `ctest` as pip installed it; its output."""

    def run(name: str, *arguments: str | Path) -> str:
        command = [str(Path(cmake.CMAKE_BIN_DIR) / name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def build_tree(tmp_path_factory: pytest.TempPathFactory, cmake_tool: CMakeTool) -> Path:
    """Where the extension was built."""
    build = tmp_path_factory.mktemp("extension") / "build"
    settings = {
        "Slicer_DIR": PACKAGE,
        "Slicer_PYTHON_EXECUTABLE": Path(sys.executable),
        "CMAKE_TOOLCHAIN_FILE": PACKAGE / "no_compiler.cmake",
        "CMAKE_MAKE_PROGRAM": Path(ninja.BIN_DIR) / "ninja",
    }
    values = [f"-D{name}={value.as_posix()}" for name, value in settings.items()]
    cmake_tool("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", *values)
    cmake_tool("cmake", "--build", build)
    return build


@pytest.fixture(scope="session")
def install_tree(build_tree: Path, cmake_tool: CMakeTool) -> Path:
    """Where it was installed: under a name with a space and letters that are not English."""
    prefix = build_tree.parent / "Slicer für Lékaře"
    cmake_tool("cmake", "--install", build_tree, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="session")
def modules(install_tree: Path) -> Path:
    """The folder of scripted modules in the install tree."""
    return install_tree / MODULES


@pytest.fixture
def python(modules: Path, tmp_path: Path) -> Python:
    """Run a program where only the installed folder (and what is named) is on the path; its lines."""

    def run(program: str, *folders: Path) -> list[str]:
        # -I: neither the working directory nor PYTHONPATH may bring the checkout in.
        paths = [str(path) for path in (modules, *folders)]
        program = f"import sys\nsys.path[:0] = {paths!r}\nassert {str(ROOT)!r} not in sys.path\n{program}"
        command = [sys.executable, "-X", "utf8", "-I", "-c", program]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run
