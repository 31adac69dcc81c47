"""What the stand-in cannot show is read off the sources: habits that PythonQt refuses, ignores or starves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PANEL = Path(__file__).resolve().parents[3] / "MedSegRLib" / "panel"
SHELL = PANEL.parents[1] / "MedSegR"
FILES = sorted([*PANEL.glob("*.py"), *SHELL.glob("*.py")])
VIEWS = [path for path in FILES if path.name.startswith("view")]

# Names that PySide6 and PyQt have as methods, and Qt as properties: to be read without a call.
PROPERTIES = {
    "text", "plainText", "enabled", "visible", "checked", "currentIndex", "currentText", "currentData",
    "count", "value", "minimum", "maximum", "objectName", "width", "height", "size", "palette", "font",
    "toolTip", "accessibleName", "document", "sizeHint", "interval", "active",
}  # fmt: skip
# The same names as methods of what is no QObject, or no property of its class.
METHODS_TOO = {("layout", "count"), ("_grid", "count"), ("shades", "text"), ("self", "document")}
QT5_ONLY = {"QRegExp", "QDesktopWidget", "QTextCodec", "grabWidget"}


def problems(source: str) -> Iterator[str]:
    """Every habit in a source that PythonQt does not share."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            if names & {"threading", "PySide6", "concurrent.futures"}:
                yield f"line {node.lineno}: threads starve and PySide6 is not there"
        elif isinstance(node, ast.FunctionDef) and node.name in ("sizeHint", "minimumSizeHint", "__del__"):
            yield f"line {node.lineno}: {node.name} is not called"
        elif isinstance(node, ast.Attribute):
            place = ast.unparse(node)
            if place in ("sys.executable", "qt.Signal", "qt.QThread") or node.attr in QT5_ONLY:
                yield f"line {node.lineno}: {place}"
            if isinstance(node.ctx, ast.Store) and node.attr == "singleShot":
                yield f"line {node.lineno}: set by setSingleShot"
        elif isinstance(node, ast.Call):
            yield from problems_of_call(node)


def problems_of_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called.startswith("qt.") and node.keywords:
        yield f"line {node.lineno}: {called} takes no keyword"
    if called == "isinstance" and ast.unparse(node.args[1]) == "list":
        yield f"line {node.lineno}: Qt's lists come as tuples"
    if called.endswith(".processEvents"):
        yield f"line {node.lineno}: the user could click in between"
    if isinstance(node.func, ast.Attribute) and node.func.attr in PROPERTIES and not node.args:
        owner = node.func.value
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if (name, node.func.attr) not in METHODS_TOO:
            yield f"line {node.lineno}: {called} is an attribute"


def test_there_are_views_to_look_at() -> None:
    assert len(VIEWS) >= 5


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_has_no_habit_that_pythonqt_does_not_share(path: Path) -> None:
    assert list(problems(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import threading",
        "from PySide6 import QtCore",
        "class A:\n def sizeHint(self): ...",
        "timer.singleShot = True",
        "qt.QPushButton(text='x')",
        "isinstance(w.children(), list)",
        "qt.QApplication.processEvents()",
        "sys.executable",
        "edit.text()",
        "self.box.currentIndex()",
        "qt.QRegExp('a')",
    ],
)
def test_each_habit_is_seen(source: str) -> None:
    assert len(list(problems(source))) == 1


def imports(path: Path) -> set[str]:
    """Top names of everything that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", sorted(PANEL.glob("*.py")), ids=lambda path: path.name)
def test_only_views_import_qt_and_none_imports_slicer(path: Path) -> None:
    assert imports(path) & {"slicer", "vtk", "ctk", "torch"} == set()
    assert ("qt" in imports(path)) <= path.name.startswith("view")


def test_every_signal_is_connected_by_the_helper_that_checks_it() -> None:
    for path in VIEWS:
        connects = [
            node.lineno
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "connect"
        ]
        assert len(connects) == (path.name == "view_parts.py"), path.name
