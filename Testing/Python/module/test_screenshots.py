"""The pictures of the README: the panel in a real conversation about a real brain, looked at in two themes.

    MEDSEGR_SCREENSHOTS=Resources/Screenshots pytest Testing/Python/module/test_screenshots.py

writes panel.png, panel-dark.png and set-up.png there; without it they go to pytest's own folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import qt
import workplace
from PIL import Image
from workplace import answered, exchanges_of, pump, type_question

QUESTIONS = (
    # One side at a time: this brain was made symmetric, so its sides are not compared.
    "Which structure is the first to shrink in Alzheimer's disease, left side only?",
    "And the one on the other side?",
    "Is there a tumour?",
)
DARK = {
    "Window": "#2b2b2b", "WindowText": "#f0f0f0", "Base": "#1f1f1f", "AlternateBase": "#303030",
    "Text": "#f0f0f0", "Button": "#3a3a3a", "ButtonText": "#f0f0f0", "Link": "#8ab4f8",
    "Highlight": "#2a82da", "HighlightedText": "#ffffff", "PlaceholderText": "#9a9a9a",
    "ToolTipBase": "#303030", "ToolTipText": "#f0f0f0",
}  # fmt: skip
LARGEST_BYTES = 150_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go."""
    chosen = Path(os.environ.get("MEDSEGR_SCREENSHOTS", tmp_path))
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


@pytest.fixture
def dark_theme() -> Iterator[None]:
    before = qt.QPalette(qt.QApplication.palette())
    palette = qt.QPalette()
    for role, colour in DARK.items():
        palette.setColor(getattr(qt.QPalette, role), qt.QColor(colour))
    for role in (qt.QPalette.Text, qt.QPalette.WindowText, qt.QPalette.ButtonText):
        palette.setColor(qt.QPalette.Disabled, role, qt.QColor("#8a8a8a"))
    yield lambda: qt.QApplication.setPalette(palette)
    qt.QApplication.setPalette(before)


def take(widget, path: Path) -> np.ndarray:
    """A picture of the column, in few colours as PNG; what was written, uint8 [row, column, 3]."""
    pump(lambda: False, 0.2)
    assert widget.column.grab().save(str(path))
    with Image.open(path) as whole:
        # The rarest colours are those of the findings, and are kept.
        small = whole.convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    assert path.stat().st_size < LARGEST_BYTES
    with Image.open(path) as written:
        return np.array(written.convert("RGB"))


def has_colour(picture: np.ndarray, colour: tuple[float, float, float]) -> bool:
    """Whether a swatch of that colour is in the picture; quantising may shift it a little."""
    wanted = np.array([round(255 * part) for part in colour])
    return int((np.abs(picture.astype(int) - wanted).max(axis=2) <= 8).sum()) >= 20


def test_a_conversation_about_a_brain_is_pictured_in_both_themes(
    widget, scene, folder: Path, dark_theme
) -> None:
    brain = workplace.put_brain()
    widget.selector.setCurrentNodeID(brain.GetID())
    for number, question in enumerate(QUESTIONS, start=1):
        type_question(widget, question)
        assert pump(lambda number=number: answered(widget, number), 300), widget.view.message.text
    found, other, absent = exchanges_of(widget)
    assert [row.name for row in found.rows], found.text
    assert [row.name for row in other.rows] == ["right hippocampus"], other.text
    assert absent.rows == [], absent.text

    light = take(widget, folder / "panel.png")
    dark_theme()
    dark = take(widget, folder / "panel-dark.png")
    for picture in (light, dark):
        assert picture.shape == (workplace.HEIGHT, workplace.WIDTH, 3)
        assert all(has_colour(picture, row.colour) for row in found.rows)
    assert np.median(light) > 200 and np.median(dark) < 70
    # What was written is there to be read: many pixels stand out from the base.
    for picture in (light, dark):
        base = np.median(picture)
        assert 0.02 < (np.abs(picture.mean(axis=2) - base) > 60).mean() < 0.5


def test_the_set_up_is_pictured_with_what_is_missing(
    scene, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Python itself says that a package is not there.
    for name in ("torch", "transformers", "segment_anything"):
        monkeypatch.setitem(sys.modules, name, None)
    workplace.own_settings(tmp_path / "settings", consent=False)
    widget = workplace.open_module()
    try:
        pump(lambda: False, 0.2)
        widget.column.resize(workplace.WIDTH, 740)
        widget.selector.setCurrentNodeID(workplace.put_brain(step=6).GetID())
        type_question(widget, QUESTIONS[0])
        picture = take(widget, folder / "set-up.png")
        assert not widget.view.set_up.body.isHidden()
        missing = qt.QColor("#8a5300")
        assert has_colour(picture, (missing.redF(), missing.greenF(), missing.blueF()))
        widget.view.set_up.header.setChecked(False)
        pump(lambda: False, 0.2)
        folded = take(widget, tmp_path / "folded.png")
        assert (picture != folded).any(axis=2).mean() > 0.02
    finally:
        workplace.close_module(widget)
