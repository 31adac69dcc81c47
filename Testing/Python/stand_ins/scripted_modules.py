"""Scripted modules: what 3D Slicer's Python layer adds for a module's file, as far as ours needs it.

`slicer-core` has no `slicer.ScriptedLoadableModule` and no `slicer.i18n`; `install()` puts small ones in
their places, for the glue's `slicer` (`slicer_glue.start()` first). Nothing is translated, there is no
developer section, and `startup_completed()` says to the modules what Slicer says when it is up.
"""

from __future__ import annotations

import sys
import unittest
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer

_at_startup: list[Callable[[], None]] = []


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__

    def resourcePath(self, name: str) -> str:
        return str(Path(self.parent.path).parent / "Resources" / name)


class ScriptedLoadableModuleWidget:
    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.layout = parent.layout()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False

    def setup(self) -> None:
        pass

    def cleanup(self) -> None:
        pass


class ScriptedLoadableModuleLogic:
    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")


class ScriptedLoadableModuleTest(unittest.TestCase):
    def delayDisplay(self, message: str) -> None:
        print(message)


def install() -> None:
    """Make the two modules importable, and let modules connect to the start of the application."""
    _put("ScriptedLoadableModule", [c for name, c in globals().items() if name.startswith("Scripted")])
    _put("i18n", [tr, translate])
    slicer.app.connect = connect


def tr(text: str) -> str:
    return text


def translate(context: str, text: str) -> str:
    return text


def connect(signal: str, slot: Callable[[], None]) -> bool:
    if signal != "startupCompleted()":
        return False
    _at_startup.append(slot)
    return True


def startup_completed() -> None:
    for slot in _at_startup:
        slot()


def _put(name: str, members: list[Any]) -> None:
    module = ModuleType(f"slicer.{name}")
    vars(module).update({member.__name__: member for member in members})
    sys.modules[module.__name__] = module
    setattr(slicer, name, module)
