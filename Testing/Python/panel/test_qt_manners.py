"""The `qt` that the tests run on has the manners of PythonQt, whichever it is."""

from __future__ import annotations

import pytest
import qt


def test_properties_are_attributes_and_setters_stay(app) -> None:
    button = qt.QPushButton("old")
    button.text = "new"
    button.setEnabled(False)
    assert (button.text, button.enabled) == ("new", False) and not button.isEnabled()
    assert button.sizeHint.width() > 0


def test_a_property_that_is_called_is_refused(app) -> None:
    with pytest.raises(TypeError):
        qt.QLineEdit("x").text()


def test_a_misspelt_attribute_is_refused(app) -> None:
    with pytest.raises(AttributeError):
        qt.QLabel().txet = "x"
    with pytest.raises(AttributeError):
        _ = qt.QLabel().txet


def test_signals_are_connected_by_their_signature(app, capsys) -> None:
    came: list[object] = []
    button, box = qt.QPushButton(), qt.QCheckBox()
    assert button.connect("clicked()", lambda: came.append("clicked"))
    assert box.connect("toggled(bool)", came.append)
    button.click()
    box.setChecked(True)
    assert came == ["clicked", True]
    assert not button.connect("noSuchSignal()", lambda: None)


def test_a_slot_is_disconnected(app) -> None:
    came: list[int] = []

    def slot() -> None:
        came.append(1)

    button = qt.QPushButton()
    button.connect("clicked()", slot)
    button.disconnect("clicked()", slot)
    button.click()
    assert came == []


def test_children_come_as_a_tuple(app) -> None:
    parent = qt.QWidget()
    child = qt.QLabel(parent)
    assert isinstance(parent.children(), tuple) and len(parent.children()) == 1
    assert child.className() == "QLabel"


def test_a_class_of_ones_own_may_have_attributes_of_its_own(app) -> None:
    class Own(qt.QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.anything = 1

    assert Own().anything == 1


def test_an_exception_in_a_slot_is_seen(app, no_exception_in_a_slot) -> None:
    def fail() -> None:
        raise ValueError("seen")

    button = qt.QPushButton()
    button.connect("clicked()", fail)
    button.click()
    (error,) = no_exception_in_a_slot
    assert str(error) == "seen"
    no_exception_in_a_slot.clear()
