"""Written: an evaluation as Markdown, a page or JSON, chosen by the file's ending."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from MedSegRLib.imaging import atomic_path

from .figures import figures_of
from .markdown import to_markdown
from .page import to_html
from .results import Results, plain_values

__all__ = ["write_results"]


def write_results(results: Results, path: Path) -> None:
    """Write results whole or not at all.

    Parameters
    ----------
    results
        What was measured.
    path
        Ends in .md (tables), .html (page with plots and pictures) or .json (every score).

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    name = path.name.lower()
    if name.endswith(".json"):
        figures = plain_values([asdict(figure) for figure in figures_of(results)])
        content = {"figures": figures, **results.to_dict()}
        text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    elif name.endswith((".html", ".htm")):
        text = to_html(results)
    else:
        text = to_markdown(results)
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")
