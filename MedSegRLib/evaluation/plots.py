"""Plots: the reliability curve and means with their intervals, drawn as SVG in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .metrics import Bin

__all__ = ["Dots", "dots_svg", "reliability_svg"]

_SIDE, _EDGE = 280, 44  # of the square plot, and of the room for its numbers
_LABEL, _WIDTH, _ROW = 210, 380, 24
_GRID, _SOFT, _ACCENT = "var(--line)", "var(--soft)", "var(--accent)"


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
        marks.append(_line(x(tick), y(0), x(tick), y(1), _GRID) + _line(x(0), y(tick), x(1), y(tick), _GRID))
        marks.append(_text(x(tick), y(0) + 16, f"{tick:g}", "middle"))
        marks.append(_text(x(0) - 6, y(tick) + 4, f"{tick:g}", "end"))
    marks.append(_line(x(0), y(0), x(1), y(1), _SOFT, dashed=True))
    points = " ".join(f"{x(b.confidence):.1f},{y(b.right):.1f}" for b in curve)
    marks.append(f'<polyline points="{points}" fill="none" stroke="{_ACCENT}" stroke-width="2"/>')
    for b in curve:
        radius = 3 + 9 * (b.count / most) ** 0.5
        told = f"{b.low:.1f} to {b.high:.1f}: {b.right:.2f} right, {b.count} masks"
        marks.append(_dot(x(b.confidence), y(b.right), radius, 0.55, told))
    marks.append(_text(x(0.5), size - 8, "confidence that was shown", "middle"))
    marks.append(
        f'<text transform="translate(12 {y(0.5):.1f}) rotate(-90)" text-anchor="middle" fill="{_SOFT}" '
        'font-size="12">share of right masks</text>'
    )
    return _svg(size, size, "Reliability curve", marks)


def dots_svg(title: str, rows: Sequence[Dots]) -> str:
    """One row each: small dots for patients, a large one for the mean, a line for its interval."""
    height = _ROW * len(rows) + 40

    def x(value: float) -> float:
        return _LABEL + value * _WIDTH

    marks = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        marks.append(_line(x(tick), 8, x(tick), height - 28, _GRID))
        marks.append(_text(x(tick), height - 10, f"{tick:g}", "middle"))
    for number, row in enumerate(rows):
        middle = 8 + _ROW * (number + 0.5)
        marks.append(_text(_LABEL - 10, middle + 4, row.label, "end"))
        marks += [_dot(x(value), middle, 2.5, 0.35, "") for value in row.values]
        if row.low == row.low:
            marks.append(_line(x(row.low), middle, x(row.high), middle, _ACCENT, width=2))
        if row.mean == row.mean:
            marks.append(_dot(x(row.mean), middle, 5, 1.0, f"{row.label}: {row.mean:.3f}"))
    return _svg(_LABEL + _WIDTH + 20, height, title, marks)


def _svg(width: int, height: int, title: str, marks: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>\n' + "\n".join(marks) + "\n</svg>"
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, colour: str, *, width: int = 1, dashed: bool = False
) -> str:
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width}"{dashes}/>'
    )


def _dot(x: float, y: float, radius: float, opacity: float, told: str) -> str:
    inside = f"<title>{escape(told)}</title>" if told else ""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{_ACCENT}" '
        f'fill-opacity="{opacity}">{inside}</circle>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_SOFT}" '
        f'font-size="12">{escape(text)}</text>'
    )
