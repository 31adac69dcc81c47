"""Overview: a batch as one page, with failures, how volumes are spread, and thumbnails, outliers first."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote

import numpy as np

from MedSegRLib.answers.answer import DISCLAIMER
from MedSegRLib.answers.html_page import html_page
from MedSegRLib.answers.measure import format_ml
from MedSegRLib.batch.failures import Failure
from MedSegRLib.batch.found import LeftOut
from MedSegRLib.batch.histogram import histogram_svg
from MedSegRLib.batch.outliers import FAR, robust_z
from MedSegRLib.batch.table import Row
from MedSegRLib.batch.writing import REPORT, THUMBNAIL

__all__ = ["Overview"]

# More pictures would make a page that no browser opens gladly; the table has every study.
_MOST_THUMBNAILS = 200
_MOST_LEFT_OUT = 500
_STYLE = """
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
.plots figure { flex: 0 1 auto; padding: 0.75rem; }
.studies figure { flex: 0 1 13rem; }
.studies img { height: 9rem; width: auto; }
.far { color: var(--warn-ink); background: var(--warn-paper); border-radius: 4px; padding: 0 0.3rem; }
"""


@dataclass
class Overview:
    """What the page shows; filled row by row, so that no study has to be held.

    Attributes
    ----------
    volumes_ml
        Name of a finding -> (study, millilitres), once for each study.
    found
        Study -> names of its findings, empty where nothing was found; in the order of the table.
    """

    volumes_ml: dict[str, dict[str, float]] = field(default_factory=dict)
    found: dict[str, list[str]] = field(default_factory=dict)

    def taking(self, rows: Iterable[Row]) -> Iterable[Row]:
        """The rows, noted on their way."""
        for row in rows:
            names = self.found.setdefault(row.study, [])
            if row.finding and row.finding not in names:
                names.append(row.finding)
                if row.volume_ml is not None:
                    self.volumes_ml.setdefault(row.finding, {})[row.study] = row.volume_ml
            yield row

    def html(
        self, studies: Path, total: int, failures: Sequence[Failure], left_out: Sequence[LeftOut]
    ) -> str:
        """The text of the page; the same results give the same text.

        Parameters
        ----------
        studies
            The folder of the studies' folders, which the page lies beside.
        total
            Studies that the batch is about.
        failures, left_out
            As they are listed.
        """
        far = self._far()
        order = sorted(self.found, key=lambda study: -max(far[study].values(), default=0.0))
        counts = f"{len(self.found)} of {total} studies answered, {len(failures)} failed"
        figures = "\n".join(self._study(studies, study, far[study]) for study in order[:_MOST_THUMBNAILS])
        more = len(order) - _MOST_THUMBNAILS
        rest = f"<p>And {more} more, in findings.csv.</p>" if more > 0 else ""
        return html_page(
            "MedSeg-R batch",
            f"""<h1>{counts}</h1>
<p class="under">Every finding is in <a href="findings.csv">findings.csv</a>, every failure in
<a href="failures.json">failures.json</a>.</p>
<p class="disclaimer">{escape(DISCLAIMER)}</p>
{_failures(failures)}
{self._distributions(far)}
<h2>Studies, outliers first</h2>
<div class="pictures studies">
{figures}
</div>
{rest}
{_left_out(left_out)}
<footer>Distance from the others: (volume − median) / MAD × 0.6745, told from {FAR:g} on; for structures found
in at least five studies. {escape(DISCLAIMER)}</footer>""",
            _STYLE,
        )

    def _far(self) -> dict[str, dict[str, float]]:
        """Study -> finding -> how far its volume lies from the others', where that is far."""
        far: dict[str, dict[str, float]] = {study: {} for study in self.found}
        for finding, volumes in self.volumes_ml.items():
            distances = np.abs(robust_z(list(volumes.values())))
            for study, distance in zip(volumes, distances.tolist(), strict=True):
                if distance > FAR:
                    far[study][finding] = distance
        return far

    def _distributions(self, far: dict[str, dict[str, float]]) -> str:
        figures = []
        for finding, volumes in sorted(self.volumes_ml.items()):
            values = list(volumes.values())
            outliers = sum(finding in distances for distances in far.values())
            told = f", {outliers} outlier{'s' * (outliers > 1)}" if outliers else ""
            studies = f"{len(values)} studies" if len(values) > 1 else "1 study"
            figures.append(
                f"<figure>{histogram_svg(finding, values, 'ml')}"
                f"<figcaption><strong>{escape(finding)}</strong> {studies}, "
                f"median {format_ml(float(np.median(values)))}{told}</figcaption></figure>"
            )
        if not figures:
            return ""
        return '<h2>Volumes, ml</h2>\n<div class="plots">\n' + "\n".join(figures) + "\n</div>"

    def _study(self, studies: Path, study: str, far: dict[str, float]) -> str:
        place = f"{studies.name}/{quote(study)}"
        try:
            picture = base64.b64encode((studies / study / THUMBNAIL).read_bytes()).decode("ascii")
        except OSError:
            picture = ""  # Removed since the table was built.
        told = []
        for name in self.found[study]:
            ml = self.volumes_ml.get(name, {}).get(study)
            text = escape(name) + ("" if ml is None else f" {format_ml(ml)}")
            z = f' <span class="far">outlier, {far[name]:.1f}</span>' if name in far else ""
            told.append(f"<br>{text}{z}")
        found = "".join(told) or "<br>nothing outlined"
        return (
            f'<figure><div class="frame"><img src="data:image/png;base64,{picture}" '
            f'alt="{escape(f"Key slice of {study}")}"></div><figcaption><a href="{place}/{REPORT}">'
            f"<strong>{escape(study)}</strong></a>{found}</figcaption></figure>"
        )


def _failures(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    rows = "\n".join(
        f'<tr><td class="name">{escape(one.study)}</td><td>{escape(one.why)}</td></tr>' for one in failures
    )
    return f"<h2>Failed</h2>\n<table><tbody>\n{rows}\n</tbody></table>"


def _left_out(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return ""
    rows = "\n".join(
        f'<tr><td class="name">{escape(one.what)}</td><td>{escape(one.why)}</td></tr>'
        for one in left_out[:_MOST_LEFT_OUT]
    )
    more = len(left_out) - _MOST_LEFT_OUT
    rest = f"<p>And {more} more, in failures.json.</p>" if more > 0 else ""
    return (
        f"<details><summary>Left out: {len(left_out)}</summary>\n"
        f"<table><tbody>\n{rows}\n</tbody></table>{rest}</details>"
    )
