"""Packages: whether this Python has what the model needs, in words that say what to do.

Runs in the worker before anything else is imported, and in Slicer's own process, which imports none of it:
on the standard library alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from importlib import metadata

OLDEST_PYTHON = (3, 10)


@dataclass(frozen=True)
class Need:
    """A package that the model needs: its name for pip, the oldest version, the first one too new if any."""

    name: str
    oldest: tuple[int, ...]
    too_new: tuple[int, ...] = ()

    @property
    def specifier(self) -> str:
        """For pip, such as ">=5,<6"."""
        return f">={_dotted(self.oldest)}" + (f",<{_dotted(self.too_new)}" if self.too_new else "")

    @property
    def words(self) -> str:
        """For people."""
        return f"{_dotted(self.oldest)} or newer" + (
            f", below {_dotted(self.too_new)}" if self.too_new else ""
        )

    def takes(self, version: str) -> bool:
        """Whether a version will do."""
        numbers = _numbers(version)
        return numbers >= self.oldest and not (self.too_new and numbers >= self.too_new)


@dataclass(frozen=True)
class State:
    """What there is of a package; nothing of it was imported.

    Attributes
    ----------
    version
        None if there is nothing; "" if nothing says which it is.
    fits
        Whether it will do, as far as can be seen from outside.
    words
        The same for people.
    """

    version: str | None
    fits: bool
    words: str


# By import name; as in pyproject.toml.
NEEDED: dict[str, Need] = {
    "numpy": Need("numpy", (1, 26)),
    "SimpleITK": Need("SimpleITK", (2, 3)),
    "torch": Need("torch", (2, 4)),
    "transformers": Need("transformers", (5,), (6,)),
    "segment_anything": Need("segment-anything", (1, 0)),
    "safetensors": Need("safetensors", (0, 4, 3)),
    "tokenizers": Need("tokenizers", (0, 22)),
    "PIL": Need("pillow", (10, 1)),
}

# Its door also imports torchvision, which the model does without; see `model.segment_anything`.
_NOT_IMPORTED = ("segment_anything",)
_CURE = "install it from the set-up section of the panel or with pip, or choose another Python."


def state_of(module: str) -> State:
    """What this Python has of one of `NEEDED`, without importing it."""
    need = NEEDED[module]
    version = _version(need.name)
    spec = importlib.util.find_spec(module)
    # Without an origin it is a folder that an uninstallation left behind.
    if spec is None or spec.origin is None:
        return State(None, False, f"no {need.name}")
    if version and not need.takes(version):
        return State(version, False, f"{need.name} {version}, but {need.words} is needed")
    return State(version, True, f"{need.name} {version}" if version else f"{need.name} of unknown version")


def what_is_wrong() -> str:
    """Why the model cannot run in this Python, in a sentence; "" if it can."""
    here = f"The Python at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        found, oldest = _dotted(sys.version_info[:3]), _dotted(OLDEST_PYTHON)
        return f"{here} is Python {found}, and MedSeg-R needs {oldest} or newer; choose another Python."
    for module, need in NEEDED.items():
        state = state_of(module)
        if not state.fits:
            return f"{here} has {state.words}, so the model cannot run; {_CURE}"
        if module in _NOT_IMPORTED:
            continue
        try:
            # Seen in the field: half-installed, with a version and no code, or with a missing DLL.
            importlib.import_module(module)
        except (ImportError, OSError, AttributeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            return (
                f"{here} has {need.name}, but it cannot be imported ({reason}); "
                "install it again, or choose another Python."
            )
    return ""


def _version(name: str) -> str:
    """Version of an installed package; "" if there is none, or nothing says which."""
    try:
        # None where files of the package's description are missing.
        return metadata.version(name) or ""
    except (metadata.PackageNotFoundError, KeyError):
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    """Leading numbers of a version: 2.9.1+cpu is (2, 9, 1)."""
    numbers = []
    for part in version.split("+")[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
