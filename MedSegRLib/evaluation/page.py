"""Page: an evaluation as one HTML file that needs nothing else, with plots and the worst masks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from MedSegRLib.answers.html_page import figure_html, html_page

from .figures import Figure, mask_figures
from .gallery import SHOWN_COLOUR, TRUE_COLOUR, WorstCase
from .plots import Dots, dots_svg, reliability_svg
from .results import PatientPart, Results
from .tables import CONVENTIONS, Table, plain_name, tables_of, texts

__all__ = ["to_html", "worst_html"]

_STYLE = """
h3 { font-size: 1rem; margin: 1.8rem 0 0.4rem; }
svg { max-width: 100%; height: auto; }
.plots { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
.plots figure { flex: 0 1 auto; padding: 0.75rem; max-width: 100%; }
thead th { white-space: nowrap; }
"""


def to_html(results: Results) -> str:
    """The text of the file; the same results give the same text."""
    tables = "\n".join(_table(table) for table in tables_of(results))
    notes = "\n".join(f"<p>{escape(note)}</p>" for note in results.notes)
    plots = "\n".join(_plots(results))
    shown = f'<h2>Plots</h2>\n<div class="plots">\n{plots}\n</div>' if plots else ""
    return html_page(
        f"Evaluation of {results.model}",
        f"""<h1>Evaluation of {escape(results.model)}</h1>
<p class="under">{escape(results.source)}</p>
{notes}
{shown}
{worst_html(results.worst)}
<h2>Tables</h2>
{tables}
<footer>{escape(CONVENTIONS)}</footer>""",
        _STYLE,
    )


def _plots(results: Results) -> list[str]:
    found = []
    if results.told:
        found.append(_plot("Reliability of the confidence", reliability_svg(results.reliability)))
    for group in dict.fromkeys(part.group for part in results.parts):
        mine = [part for part in results.parts if part.group == group]
        names = dict.fromkeys(part.score.structure for part in mine)
        rows = [_dots(plain_name(n), [p for p in mine if p.score.structure == n]) for n in names]
        found.append(_plot(f"Dice by structure, {group}", dots_svg(f"Dice by structure, {group}", rows)))
        turns = sorted({part.turn for part in mine})
        if len(turns) > 1:
            rows = [_dots(f"turn {turn}", [p for p in mine if p.turn == turn]) for turn in turns]
            found.append(_plot(f"Dice by turn, {group}", dots_svg(f"Dice by turn, {group}", rows)))
    return found


def _dots(label: str, parts: Sequence[PatientPart]) -> Dots:
    dice: Figure = mask_figures(parts)[0]
    patients = dict.fromkeys(part.patient for part in parts)
    values = tuple(float(np.mean([p.score.dice for p in parts if p.patient == one])) for one in patients)
    return Dots(label, values, dice.value, dice.low, dice.high)


def _plot(title: str, svg: str) -> str:
    return f"<figure>{svg}<figcaption><strong>{escape(title)}</strong></figcaption></figure>"


def worst_html(cases: Sequence[WorstCase]) -> str:
    """A part of a page: pictures of the worst masks; empty without any."""
    if not cases:
        return ""
    figures = "\n".join(_case(case) for case in cases)
    keys = f"{_key(TRUE_COLOUR)}true outline &nbsp; {_key(SHOWN_COLOUR)}outline that was shown"
    return (
        f"<h2>Worst cases</h2>\n<p>The worst mask of each part, worst first. {keys}</p>\n"
        f'<div class="pictures">\n{figures}\n</div>'
    )


def _case(case: WorstCase) -> str:
    title = f"{case.name}, Dice {case.dice:.3f}"
    where = f"{case.group}, {case.patient}, {case.plane.value} slice {case.slice_index}"
    asked = f"<br>“{escape(case.question)}”" if case.question else ""
    told = f'<br><span class="small">{escape(case.text)}</span>' if case.text else ""
    names = f"true and shown outline; {where}"
    return figure_html(case.rgb, case.letters, title, names, f"{escape(where)}{asked}{told}")


def _table(table: Table) -> str:
    head = "".join(
        f'<th scope="col"{" class=number" if n else ""}>{escape(name)}</th>'
        for n, name in enumerate(table.header)
    )
    rows = "\n".join(
        "<tr>"
        + "".join(
            f'<td class="{"number" if n else "name"}">{escape(cell)}</td>' for n, cell in enumerate(row)
        )
        + "</tr>"
        for row in texts(table)
    )
    says = f"<p>{escape(table.says)}</p>" if table.says else ""
    return (
        f'<h3>{escape(table.title)}</h3>\n{says}<div class="scroll"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _key(colour: tuple[float, float, float]) -> str:
    shade = "#" + "".join(f"{round(part * 255):02x}" for part in colour)
    return f'<span class="key" style="background: {shade}"></span>'
