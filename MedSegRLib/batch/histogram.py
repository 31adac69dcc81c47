"""Histogram: how the volumes of one structure are spread over the studies, drawn as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

__all__ = ["histogram_svg"]

_WIDTH, _HEIGHT, _FOOT, _EDGE = 320, 120, 22, 24
_MOST_BINS = 30


def histogram_svg(title: str, values: Sequence[float], unit: str) -> str:
    """Bars of counts over values, with the median as a line; the page's own colours.

    Parameters
    ----------
    title
        Of what; read out where the picture cannot be seen.
    values
        At least one.
    unit
        Of the values.
    """
    found = np.asarray(values, dtype=np.float64)
    bins = int(np.clip(np.histogram_bin_edges(found, "auto").size - 1, 1, _MOST_BINS))
    counts, edges = np.histogram(found, bins)
    low, high, median = float(edges[0]), float(edges[-1]), float(np.median(found))
    top = _HEIGHT - _FOOT

    def x(value: float) -> float:
        return _EDGE + (_WIDTH - 2 * _EDGE) * (value - low) / (high - low)

    marks = []
    for count, start, end in zip(counts, edges[:-1], edges[1:], strict=True):
        tall = (top - 8) * count / counts.max()
        marks.append(
            f'<rect x="{x(start):.1f}" y="{top - tall:.1f}" width="{max(1.0, x(end) - x(start) - 1):.1f}" '
            f'height="{tall:.1f}" fill="var(--accent)">'
            f"<title>{start:.3g} to {end:.3g} {escape(unit)}: {count}</title></rect>"
        )
    marks.append(
        f'<line x1="{x(median):.1f}" y1="2" x2="{x(median):.1f}" y2="{top}" stroke="var(--ink)" '
        'stroke-dasharray="4 3"/>'
    )
    for value, anchor in ((low, "start"), (high, "end")):
        marks.append(
            f'<text x="{x(value):.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}" fill="var(--soft)" '
            f'font-size="12">{value:.3g}</text>'
        )
    said = f"{title}: {found.size} values from {low:.3g} to {high:.3g} {unit}, median {median:.3g}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{escape(said)}">\n' + "\n".join(marks) + "\n</svg>"
    )
