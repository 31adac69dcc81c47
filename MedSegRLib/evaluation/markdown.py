"""Markdown: an evaluation as tables."""

from __future__ import annotations

from collections.abc import Sequence

from .results import Results
from .tables import CONVENTIONS, Table, tables_of, texts

__all__ = ["to_markdown"]


def to_markdown(results: Results) -> str:
    """Write all results as Markdown; suites that were not run have no table."""
    pieces = [f"# Evaluation of {results.model}", results.source]
    for table in tables_of(results):
        pieces += [f"## {table.title}", *([table.says] if table.says else []), _table(table)]
    return "\n\n".join([*pieces, *results.notes, CONVENTIONS]) + "\n"


def _table(table: Table) -> str:
    lines: list[Sequence[str]] = [table.header, ["---"] + ["---:"] * (len(table.header) - 1), *texts(table)]
    return "\n".join("| " + " | ".join(_safe(cell) for cell in line) + " |" for line in lines)


def _safe(cell: str) -> str:
    # A phrase of a data set may hold what ends a cell.
    return " ".join(cell.replace("|", "\\|").split())
