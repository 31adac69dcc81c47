"""SVG: lines, dots and words of a plot, drawn in the colours of the page that it stands in."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

ACCENT, GRID, SOFT = "var(--accent)", "var(--line)", "var(--soft)"


def svg(width: int, height: int, title: str, marks: Sequence[str]) -> str:
    """A drawing of marks, width and height in pixels."""
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>\n' + "\n".join(marks) + "\n</svg>"
    )


def line(
    x1: float, y1: float, x2: float, y2: float, colour: str, *, width: int = 1, dashed: bool = False
) -> str:
    """A straight line."""
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width}"{dashes}/>'
    )


def dot(x: float, y: float, radius: float, opacity: float, told: str) -> str:
    """A dot, and what is told of it where the mouse rests."""
    inside = f"<title>{escape(told)}</title>" if told else ""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{ACCENT}" '
        f'fill-opacity="{opacity}">{inside}</circle>'
    )


def text(x: float, y: float, words: str, anchor: str) -> str:
    """A small text that begins ("start"), has its middle or ends at x."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{SOFT}" '
        f'font-size="12">{escape(words)}</text>'
    )
