"""HTML page: what every page that the library writes is made of, so that one file needs nothing else."""

from __future__ import annotations

from html import escape

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers.png import data_uri
from MedSegRLib.answers.report_style import STYLE

# The page itself forbids any browser to fetch anything, whatever stands in the texts.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html_page(title: str, main: str, more_style: str = "") -> str:
    """A whole page: its title in plain text, and the HTML of its content."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
<style>{STYLE}{more_style}</style>
</head>
<body>
<main>
{main}
</main>
</body>
</html>
"""


def figure_html(
    rgb: npt.NDArray[np.uint8],
    letters: tuple[str, str, str, str] | None,
    title: str,
    names: str,
    below: str,
) -> str:
    """A picture with the letters of its edges and words below.

    Parameters
    ----------
    rgb
        uint8 [row, column, 3].
    letters
        At the left, right, top and bottom edge; None where the orientation is unknown.
    title, names
        Plain text: which slice it is, and what it shows.
    below
        HTML after the title.
    """
    rows, columns, _ = rgb.shape
    drawn, orientation = "", "orientation unknown"
    if letters is not None:
        edges = zip("lrtb", letters, strict=True)
        drawn = "".join(f'<span class="{edge}" aria-hidden="true">{letter}</span>' for edge, letter in edges)
        left, right, top, bottom = letters
        orientation = f"{left} at the left edge, {right} right, {top} top, {bottom} bottom"
    return (
        f'<figure><div class="frame"><img src="{data_uri(rgb)}" width="{columns}" height="{rows}" '
        f'alt="{escape(f"{title}: {names}; {orientation}")}">{drawn}</div>'
        f'<figcaption><strong>{escape(title)}</strong> <span class="small">{orientation}</span><br>{below}'
        "</figcaption></figure>"
    )
