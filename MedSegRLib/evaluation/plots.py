"""Plots: the reliability curve and means with their intervals, drawn as SVG in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from MedSegRLib.answers.svg import ACCENT, GRID, SOFT, dot, line, svg, text

from .metrics import Bin

__all__ = ["Dots", "dots_svg", "reliability_svg"]

_SIDE, _EDGE = 280, 44  # of the square plot, and of the room for its numbers
_LABEL, _WIDTH, _ROW = 210, 380, 24


@dataclass(frozen=True)
class Dots:
    """A row of a plot: its label, each patient's value from 0 to 1, and the mean with its interval."""

    label: str
    values: tuple[float, ...]
    mean: float
    low: float
    high: float


def reliability_svg(curve: Sequence[Bin]) -> str:
    """Share of right masks over confidence, the area of a dot by the number of masks.

    On the diagonal a confidence is what it says; below it, too sure.
    """
    size = _SIDE + 2 * _EDGE

    def x(value: float) -> float:
        return _EDGE + value * _SIDE

    def y(value: float) -> float:
        return _EDGE + (1 - value) * _SIDE

    most = max((b.count for b in curve), default=1)
    marks = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        marks.append(line(x(tick), y(0), x(tick), y(1), GRID) + line(x(0), y(tick), x(1), y(tick), GRID))
        marks.append(text(x(tick), y(0) + 16, f"{tick:g}", "middle"))
        marks.append(text(x(0) - 6, y(tick) + 4, f"{tick:g}", "end"))
    marks.append(line(x(0), y(0), x(1), y(1), SOFT, dashed=True))
    points = " ".join(f"{x(b.confidence):.1f},{y(b.right):.1f}" for b in curve)
    marks.append(f'<polyline points="{points}" fill="none" stroke="{ACCENT}" stroke-width="2"/>')
    for b in curve:
        radius = 3 + 9 * (b.count / most) ** 0.5
        told = f"{b.low:.1f} to {b.high:.1f}: {b.right:.2f} right, {b.count} masks"
        marks.append(dot(x(b.confidence), y(b.right), radius, 0.55, told))
    marks.append(text(x(0.5), size - 8, "confidence that was shown", "middle"))
    marks.append(
        f'<text transform="translate(12 {y(0.5):.1f}) rotate(-90)" text-anchor="middle" fill="{SOFT}" '
        'font-size="12">share of right masks</text>'
    )
    return svg(size, size, "Reliability curve", marks)


def dots_svg(title: str, rows: Sequence[Dots]) -> str:
    """One row each: small dots for patients, a large one for the mean, a line for its interval."""
    height = _ROW * len(rows) + 40

    def x(value: float) -> float:
        return _LABEL + value * _WIDTH

    marks = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        marks.append(line(x(tick), 8, x(tick), height - 28, GRID))
        marks.append(text(x(tick), height - 10, f"{tick:g}", "middle"))
    for number, row in enumerate(rows):
        middle = 8 + _ROW * (number + 0.5)
        marks.append(text(_LABEL - 10, middle + 4, row.label, "end"))
        marks += [dot(x(value), middle, 2.5, 0.35, "") for value in row.values]
        if row.low == row.low:
            marks.append(line(x(row.low), middle, x(row.high), middle, ACCENT, width=2))
        if row.mean == row.mean:
            marks.append(dot(x(row.mean), middle, 5, 1.0, f"{row.label}: {row.mean:.3f}"))
    return svg(_LABEL + _WIDTH + 20, height, title, marks)
