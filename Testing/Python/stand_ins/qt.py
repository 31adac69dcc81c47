"""A `qt` for tests outside Slicer: PySide6 with the manners of PythonQt.

One flat namespace; Qt properties are attributes that can be read and set, with their setters kept;
signals are connected by their signature, and `connect` answers whether there is such a signal; an
attribute that Qt does not know is refused; children come as a tuple; a file dialog answers a path.

It changes PySide6 for the whole process and is never installed. What it cannot show (threads that
starve, keyword arguments that are refused, overrides that are ignored) is read off the sources in
Testing/Python/panel/test_pythonqt_manners.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets

_READERS = ("{plain}", "is{capital}", "has{capital}", "to{capital}")
_get_of_qt = QtCore.QObject.__getattribute__


class _Property:
    """A Qt property as PythonQt gives it: an attribute and no method."""

    def __init__(self, name: str, method: Any, read: Callable[[Any], Any] | None, write: str | None) -> None:
        self._name, self._method, self._read, self._write = name, method, read, write

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self._method  # such as the static QTimer.singleShot, which is a property too
        # C++ asks Python for sizeHint and its like, so they are read by their own method.
        return instance.property(self._name) if self._read is None else self._read(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        if self._write is not None:
            getattr(instance, self._write)(value)
        elif not instance.setProperty(self._name, value):
            raise AttributeError(f"{type(instance).__name__}.{self._name} does not take {value!r}")


def _signal(sender: Any, signature: str) -> tuple[Any, int] | None:
    """The signal of that signature and how many values it sends."""
    normal = QtCore.QMetaObject.normalizedSignature(signature)
    normal = normal if isinstance(normal, str) else normal.data().decode()
    meta = sender.metaObject()
    index = meta.indexOfSignal(normal)
    if index < 0:
        print(f"there is no signal {signature} of {type(sender).__name__}")
        return None
    name, _, types = normal.rstrip(")").partition("(")
    signal = getattr(sender, name)
    return (signal[types] if types == "bool" else signal), meta.method(index).parameterCount()


def _connect(sender: Any, signature: str, slot: Callable[..., Any]) -> bool:
    found = _signal(sender, signature)
    if found is None:
        return False
    signal, count = found

    def call(*values: Any) -> None:
        slot(*values[:count])

    vars(sender).setdefault("_calls", {})[signature, slot] = call
    signal.connect(call)
    return True


def _disconnect(sender: Any, signature: str, slot: Callable[..., Any]) -> bool:
    call = vars(sender).get("_calls", {}).pop((signature, slot), None)
    found = _signal(sender, signature)
    if call is None or found is None:
        return False
    found[0].disconnect(call)
    return True


def _getattribute(self: Any, name: str) -> Any:
    # PySide6 answers these two itself, whatever stands in the class.
    if name == "connect":
        return lambda signature, slot: _connect(self, signature, slot)
    if name == "disconnect":
        return lambda signature, slot: _disconnect(self, signature, slot)
    return _get_of_qt(self, name)


def _setattr(self: Any, name: str, value: Any) -> None:
    known = inspect.getattr_static(type(self), name, None)
    if hasattr(known, "__set__"):
        known.__set__(self, value)
    elif known is None and type(self).__module__.startswith("PySide6"):
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
    else:
        # Classes written in Python may have attributes of their own.
        vars(self)[name] = value


def _give_manners(one: Any) -> None:
    meta = one.staticMetaObject
    for index in range(meta.propertyCount()):
        name = str(meta.property(index).name())
        # Inherited ones are there already, unless this class answers by a method of its own.
        if isinstance(inspect.getattr_static(one, name, None), _Property):
            continue
        capital = name[0].upper() + name[1:]
        forms = [getattr(one, form.format(plain=name, capital=capital), None) for form in _READERS]
        static = isinstance(inspect.getattr_static(one, name, None), staticmethod)
        read = None if static else next((form for form in forms if callable(form)), None)
        write = f"set{capital}" if hasattr(one, f"set{capital}") else None
        setattr(one, name, _Property(name, getattr(one, name, None), read, write))
    one.__getattribute__, one.__setattr__ = _getattribute, _setattr


def _as_tuple(method: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: tuple(method(*values))


def _path_only(dialog: Callable[..., tuple[str, str]]) -> Callable[..., str]:
    return lambda *values: dialog(*values)[0]


# PySide6 makes its types when they are asked for, so `vars` would miss most of them.
_named = {name: getattr(module, name) for module in (QtCore, QtGui, QtWidgets) for name in dir(module)}
globals().update({name: value for name, value in _named.items() if name.startswith("Q")})
_classes = {one for one in _named.values() if isinstance(one, type) and issubclass(one, QtCore.QObject)}
for _one in sorted(_classes, key=lambda one: len(one.__mro__)):
    _give_manners(_one)

QtCore.QObject.children = _as_tuple(QtCore.QObject.children)
QtCore.QObject.className = lambda self: self.metaObject().className()
QtCore.QObject.delete = lambda self: shiboken6.delete(self)
QtCore.QObject.name = QtCore.QObject.objectName
for _dialog in ("getOpenFileName", "getSaveFileName"):
    setattr(QtWidgets.QFileDialog, _dialog, staticmethod(_path_only(getattr(QtWidgets.QFileDialog, _dialog))))
