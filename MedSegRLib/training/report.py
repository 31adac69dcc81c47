"""Report of a training: one HTML file with the curves of its losses and scores, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from MedSegRLib.answers.html_page import html_page
from MedSegRLib.answers.svg import ACCENT, GRID, dot, line, svg, text
from MedSegRLib.imaging import atomic_path

from .record import read_rows

__all__ = ["curve_svg", "report_html", "write_training_report"]

_LEFT, _TOP, _BOTTOM, _RIGHT = 64, 12, 34, 24  # the room for numbers
_WIDTH, _HEIGHT = 320, 150
_OTHER = ("step", "threads", "seconds_per_step")
_STYLE = """
svg { max-width: 100%; height: auto; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.plots figure { flex: 0 1 auto; padding: 0.5rem; max-width: 100%; }
"""

Points = Sequence[tuple[float, float]]


def write_training_report(work: Path, stages: Sequence[str], *, title: str, pictures: str = "") -> Path:
    """Write `report.html` into the folder of a run.

    Parameters
    ----------
    work, stages
        The folder, and the names of the stages whose logs may lie there.
    title
        Plain text.
    pictures
        HTML that comes after the curves.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path = work / "report.html"
    with atomic_path(path) as partial:
        partial.write_text(report_html(work, stages, title=title, pictures=pictures), encoding="utf-8")
    return path


def report_html(work: Path, stages: Sequence[str], *, title: str, pictures: str = "") -> str:
    """The text of the file; the same logs give the same text."""
    parts = "\n".join(_stage(work, name) for name in stages)
    return html_page(
        title,
        f"""<h1>{escape(title)}</h1>
<p class="under">Losses are those of training batches; scores are of averaged weights, by free answers.</p>
{parts}
{pictures}
<footer>MedSeg-R. Research use, not for diagnosis.</footer>""",
        _STYLE,
    )


def curve_svg(title: str, points: Points) -> str:
    """A line through points (step, value), with a dot on the last one."""
    steps, values = [x for x, _ in points], [y for _, y in points]
    low, high = min(values), max(values)
    first, last = min(steps), max(steps)

    def x(step: float) -> float:
        return _LEFT + (step - first) / max(last - first, 1) * _WIDTH

    def y(value: float) -> float:
        return _TOP + (1 - (value - low) / (high - low if high > low else 1.0)) * _HEIGHT

    marks = []
    for share in (0.0, 0.5, 1.0) if high > low else (0.0,):
        value = low + share * (high - low)
        marks.append(line(_LEFT, y(value), _LEFT + _WIDTH, y(value), GRID))
        marks.append(text(_LEFT - 6, y(value) + 4, f"{value:.3g}", "end"))
    for step in (first, last) if last > first else (first,):
        marks.append(text(x(step), _TOP + _HEIGHT + 22, f"{step:g}", "middle"))
    drawn = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)
    marks.append(f'<polyline points="{drawn}" fill="none" stroke="{ACCENT}" stroke-width="1.5"/>')
    marks.append(dot(x(steps[-1]), y(values[-1]), 3.5, 1.0, f"step {steps[-1]:g}: {values[-1]:.4g}"))
    return svg(_LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM, title, marks)


def _stage(work: Path, name: str) -> str:
    rows, scores = read_rows(work / f"{name}.jsonl"), read_rows(work / f"{name}.scores.jsonl")
    if not rows:
        return ""
    terms = [key for key in rows[-1] if key not in _OTHER]
    total = [(row["step"], sum(row.get(term, 0.0) for term in terms)) for row in rows]
    curves = [("loss", total)]
    if len(terms) > 1:
        curves += [(t, [(row["step"], row[t]) for row in rows if t in row]) for t in terms]
    told = (
        f"{rows[-1]['step']:g} steps, {rows[-1]['seconds_per_step']:.3g} s each at the end; "
        f"loss {total[0][1]:.4g} at first, {total[-1][1]:.4g} at last."
    )
    if scores:
        curves.insert(0, ("development score", [(row["step"], row["score"]) for row in scores]))
        best = max(scores, key=lambda row: (row["score"], -row["step"]))
        told += f" Best development score {best['score']:.3f}, after step {best['step']:g}."
    figures = "\n".join(
        f"<figure>{curve_svg(f'{name}: {title}', points)}"
        f"<figcaption><strong>{escape(title.replace('_', ' '))}</strong></figcaption></figure>"
        for title, points in curves
    )
    return f'<h2>{escape(name)}</h2>\n<p>{escape(told)}</p>\n<div class="plots">\n{figures}\n</div>'
