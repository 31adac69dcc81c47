"""Report: answers as one HTML file that needs nothing else, with pictures, measurements and provenance."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from MedSegRLib.anatomy import terminology_codes
from MedSegRLib.answers.answer import DISCLAIMER, Answer, slice_ranges
from MedSegRLib.answers.errors import OutputError
from MedSegRLib.answers.finding import Finding
from MedSegRLib.answers.html_page import figure_html, html_page
from MedSegRLib.answers.measure import format_ml, format_mm
from MedSegRLib.answers.pictures import COUNTED, Picture, pictures_of
from MedSegRLib.imaging import Modality, Volume, atomic_path


def write_report(answers: Sequence[Answer], path: str | os.PathLike[str]) -> None:
    """Write answers as one self-contained HTML file; it appears whole or not at all.

    Parameters
    ----------
    answers
        At least one, in the order of the conversation; they may be about different scans.
    path
        Ends in .html or .htm.

    Raises
    ------
    OutputError
        If the ending is another or the file cannot be written.
    ValueError
        If there is no answer.
    """
    if not answers:
        raise ValueError("a report needs at least one answer")
    if not Path(path).name.lower().endswith((".html", ".htm")):
        raise OutputError(f"{path} does not end as reports do; use .html.")
    with atomic_path(path) as partial:
        partial.write_text(report_html(answers), encoding="utf-8")


def report_html(answers: Sequence[Answer]) -> str:
    """The text of the file; the same answers give the same text."""
    names = ", ".join(dict.fromkeys(answer.volume.name for answer in answers))
    software = ", ".join(dict.fromkeys(answer.provenance.software_version for answer in answers))
    disclaimer = escape(DISCLAIMER)
    articles = "\n".join(_article(answer, number) for number, answer in enumerate(answers, start=1))
    return html_page(
        f"MedSeg-R report: {names}",
        f"""<h1>{escape(names)}</h1>
<p class="under">Questions asked of a scan, answered in words and outlines by MedSeg-R</p>
<p class="disclaimer">{disclaimer}</p>
{articles}
<footer>MedSeg-R {escape(software)}. Every number comes from the outlines shown. {disclaimer}</footer>""",
    )


def _article(answer: Answer, number: int) -> str:
    stopped = "" if answer.complete else '<span class="stopped">Stopped before the end</span>'
    absent = ""
    if answer.absent:
        absent = f"<p>Looked for and not found: {escape(', '.join(answer.absent))}.</p>"
    pictures = "\n".join(_figure(picture, answer) for picture in pictures_of(answer))
    return f"""<article id="answer-{number}">
<div class="bubble ask"><span class="who">Question {number}</span>{escape(answer.question.text)}</div>
<div class="bubble tell"><span class="who">Answer</span>{_marked(answer)}</div>
{stopped}
<h2>Findings</h2>
{_findings_table(answer)}
{absent}
<h2>Key slices</h2>
<div class="pictures">
{pictures}
</div>
{_provenance(answer)}
</article>"""


def _marked(answer: Answer) -> str:
    """The answer's text, each finding underlined in its colour where it is first named."""
    text = escape(answer.text)
    waiting = {escape(word).lower(): f for f in reversed(answer.findings) for word in (f.name, f.phrase)}
    if not waiting:
        return text
    words = "|".join(re.escape(word) for word in sorted(waiting, key=len, reverse=True))
    marked: set[int] = set()

    def mark(match: re.Match[str]) -> str:
        finding = waiting[match[0].lower()]
        if id(finding) in marked:
            return match[0]
        marked.add(id(finding))
        return f'<b style="border-color: {_css(finding)}">{match[0]}</b>'

    return re.sub(rf"\b(?:{words})\b", mark, text, flags=re.IGNORECASE)


def _findings_table(answer: Answer) -> str:
    if not answer.findings:
        return "<p>Nothing was outlined.</p>"
    known = answer.volume.spacing_known
    unit = " (HU)" if answer.volume.modality is Modality.CT else ""
    heads = ["Finding", "Confidence", "Volume", "Longest in a slice", "Longest in space"] if known else [
        "Finding", "Confidence", "Size", "Longest in a slice",
    ]  # fmt: skip
    heads.append(f"Grey value, mean ± SD{unit}")
    head = "".join(
        f'<th scope="col"{" class=number" if n > 1 else ""}>{text}</th>' for n, text in enumerate(heads)
    )
    rows = "\n".join(_finding_row(finding) for finding in answer.findings)
    head += '<th scope="col">Slices</th>'
    return (
        f'<div class="scroll"><table class="findings"><thead><tr>{head}</tr></thead>'
        f"\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _finding_row(finding: Finding) -> str:
    size = finding.measurements
    if size.volume_ml is None:
        cells = [f"{size.voxels} pixels", f"{size.longest_in_plane_pixels or 0:.0f} pixels"]
    else:
        cells = [
            format_ml(size.volume_ml),
            format_mm(size.longest_in_plane_mm or 0.0),
            format_mm(size.longest_3d_mm or 0.0),
        ]
    cells.append(f"{size.mean_intensity:.4g} ± {size.sd_intensity:.3g}")
    numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
    percent = f"{100 * finding.confidence:.0f} %"
    code = _code(finding.terminology)
    said = "" if finding.phrase.lower() == finding.name.lower() else f"“{escape(finding.phrase)}” "
    below = f'<div class="small">{said}{escape(code)}</div>' if said or code else ""
    bar = f'<span class="bar"><i style="width: {percent.replace(" ", "")}"></i></span>'
    return (
        f'<tr><td class="name">{_key(finding)}{escape(finding.name)}{below}</td>'
        f'<td class="whole">{bar}{percent}</td>'
        f"{numbers}<td>{finding.plane.value} {slice_ranges(finding.slices)}</td></tr>"
    )


def _figure(picture: Picture, answer: Answer) -> str:
    title = f"{picture.plane.value.capitalize()} slice {picture.slice_index}"
    shown = [answer.findings[number] for number in picture.shown]
    names = ", ".join(finding.name for finding in shown) or "nothing outlined"
    keys = "".join(f"<em>{_key(finding)}{escape(finding.name)}</em> " for finding in shown)
    return figure_html(picture.rgb, picture.letters, title, names, keys)


def _provenance(answer: Answer) -> str:
    came, volume, question = answer.provenance, answer.volume, answer.question
    counted = COUNTED[came.plane]
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in came.seconds.items())
    facts = {
        "Model": f"{came.model} {came.model_version}",
        "Software": f"MedSeg-R {came.software_version}",
        "Mode and seed": f"{came.mode}, {came.seed}",
        "Asked of": "the whole volume"
        if question.slices is None
        else "slices {} to {}".format(*question.slices),
        "Looked at": f"{len(came.slices_looked_at)} {came.plane.value} slices: "
        f"{slice_ranges(came.slices_looked_at)} (counted from 0, {counted})",
        "Window": f"{came.window.low:g} to {came.window.high:g} ({came.window.name})",
        "Scan": f"{volume.name}, {volume.modality.value}, {_extent(volume)}",
        "Time": seconds,
        "Notes": " ".join((*volume.notes, *came.notes)),
    }
    rows = "\n".join(
        f'<tr><th scope="row">{name}</th><td>{escape(text)}</td></tr>' for name, text in facts.items() if text
    )
    return (
        "<details open><summary>How this answer came about</summary>\n"
        f'<table class="provenance"><tbody>\n{rows}\n'
        f'<tr><th scope="row">Scan, SHA-256</th><td><code>{volume.fingerprint()}</code></td></tr>\n'
        "</tbody></table></details>"
    )


def _extent(volume: Volume) -> str:
    k, j, i = volume.shape_kji
    if not volume.spacing_known:
        return f"{i} × {j} × {k} pixels of unknown size"
    listed = " × ".join(f"{step:.3g}" for step in volume.spacing_mm)
    return f"{i} × {j} × {k} voxels of {listed} mm"


def _code(terminology: str) -> str:
    """SNOMED CT code and meaning out of Slicer's string; empty where it says no more than "Tissue"."""
    category, kind, modifier = terminology_codes(terminology)
    if kind is None or kind == category:
        return ""
    side = "" if modifier is None else f", {modifier.meaning.lower()}"
    return f"SNOMED CT {kind.value} ({kind.meaning}{side})"


def _key(finding: Finding) -> str:
    return f'<span class="key" style="background: {_css(finding)}"></span>'


def _css(finding: Finding) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in finding.colour)
