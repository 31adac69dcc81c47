"""Scripted modules: what 3D Slicer's Python layer adds for a module's file, as far as ours needs it.

`slicer-core` has no `slicer.ScriptedLoadableModule` and no `slicer.i18n`; `install()` puts small ones in
their places, for the glue's `slicer` (`slicer_glue.start()` first). Nothing is translated, there is no
developer section; `startup_completed()` says to the modules what Slicer says when it is up, and `opened()`
that a module's widget is there, which `slicer.util` finds from then on.
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
        setattr(slicer.modules, f"{self.moduleName}Widget", self)

    def setup(self) -> None:
        pass

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)

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


class _LoadedModule:
    """A module that was loaded, for `slicer.util.getModuleWidget` and its like."""

    def __init__(self, name: str, widget: Any) -> None:
        self.name = name
        self._representation = _Representation(widget)

    def widgetRepresentation(self) -> Any:
        return self._representation


class _Representation:
    def __init__(self, widget: Any) -> None:
        self._widget = widget

    def self(self) -> Any:
        return self._widget


def opened(name: str, widget: Any) -> None:
    slicer.qSlicerScriptedLoadableModule = _LoadedModule
    slicer.qSlicerScriptedLoadableModuleWidget = _Representation
    setattr(slicer.modules, name.lower(), _LoadedModule(name, widget))


def _put(name: str, members: list[Any]) -> None:
    module = ModuleType(f"slicer.{name}")
    vars(module).update({member.__name__: member for member in members})
    sys.modules[module.__name__] = module
    setattr(slicer, name, module)
