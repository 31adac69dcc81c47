"""Interpreter: which Python the worker runs in, and in which environment.

3D Slicer's own executable is no Python: there the worker runs in `PythonSlicer`, which Slicer puts on the
path. A chosen interpreter is somebody else's, so Slicer's settings for its own are taken out of the
environment; where Slicer's libraries must go too, hand `slicer.util.startupEnvironment()` to the client.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from MedSegRLib.errors import UserInputError

_WORKER = Path(__file__).resolve().with_name("worker_main.py")
_OF_ANOTHER_PYTHON = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP")


def default_command(python: str | None = None) -> list[str]:
    """The command that starts a worker.

    Parameters
    ----------
    python
        Path or name of an interpreter; None for `PythonSlicer` where it is on the path, else for the one
        that runs this.

    Raises
    ------
    UserInputError
        If there is no such interpreter, or none is given and this program is none.
    """
    # The log is written at once, and in UTF-8 as file names are, on Windows too.
    return [_found(python), "-u", "-X", "utf8", str(_WORKER)]


def default_environment(command: Sequence[str]) -> dict[str, str]:
    """This process's environment, as the interpreter of a command should see it."""
    environment = dict(os.environ)
    if not _is_our_own(command[0]):
        for name in _OF_ANOTHER_PYTHON:
            environment.pop(name, None)
    return environment


def _found(python: str | None) -> str:
    if python is not None:
        found = shutil.which(os.path.expanduser(python))
        if found is None:
            raise UserInputError(f"There is no Python at {python}; choose the program file of a Python.")
        return os.path.abspath(found)
    found = shutil.which("PythonSlicer")
    if found is not None:
        return found
    if sys.executable and _is_python(sys.executable):
        return sys.executable
    raise UserInputError(
        "No Python was found that the model could run in: PythonSlicer is not on the path, and "
        f"{sys.executable or 'this program'} is no Python; choose one in the settings."
    )


def _is_python(executable: str) -> bool:
    return Path(executable).stem.lower().startswith(("python", "pypy"))


def _is_our_own(executable: str) -> bool:
    return Path(executable).stem == "PythonSlicer" or executable == sys.executable
