"""Explain: what something is that is drawn, from its name and the anatomy table; no model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from MedSegRLib.anatomy import AnatomyTable, Side, Structure
from MedSegRLib.answers.measure import format_ml
from MedSegRLib.panel.gateway import Drawn

__all__ = ["Explained", "explain"]

# What a radiologist asks first of a structure.
_TOLD = ("function", "deficit", "disease", "blood_supply")
_MOST_NEIGHBOURS = 4


@dataclass(frozen=True)
class Explained:
    """Sentences about a thing, and where they can be read."""

    text: str
    sources: tuple[str, ...] = ()


def explain(drawn: Drawn, table: AnatomyTable) -> Explained:
    """Say what something is that is drawn on a scan.

    Parameters
    ----------
    drawn
        Its name, as a finding or any other segment has it, and its size.
    table
        The anatomy table.

    Examples
    --------
    >>> from MedSegRLib.anatomy import empty_table
    >>> explain(Drawn("Segment_1", 2.0), empty_table()).text
    'This is drawn as "Segment_1" and measures 2.0 ml; the anatomy table does not know that name.'
    """
    size = "" if drawn.volume_ml is None else format_ml(drawn.volume_ml)
    found = table.lookup(drawn.name)
    if found is None:
        measured = f" and measures {size}" if size else ""
        return Explained(
            f'This is drawn as "{drawn.name}"{measured}; the anatomy table does not know that name.'
        )
    structure, side = found
    told = [f"This is the {structure.side_name(side)}{_latin(structure)}."]
    sources = []
    if size:
        told.append(f"It measures {size} as it is drawn{_normal(structure)}.")
        if structure.normal_size and structure.size_source:
            sources.append(structure.size_source)
    for kind in _TOLD:
        clause, source = _fact(structure, side, kind)
        if clause:
            told.append(f"It {clause}.")
            sources.append(source)
    beside = [table[other].name for other in structure.neighbours[:_MOST_NEIGHBOURS] if other in table]
    if beside:
        told.append(f"Beside it: {_listed(beside)}.")
    return Explained(" ".join(told), tuple(dict.fromkeys(sources)))


def _latin(structure: Structure) -> str:
    return "" if structure.latin in ("", structure.name) else f" ({structure.latin})"


def _normal(structure: Structure) -> str:
    return f"; its normal size is {structure.normal_size}" if structure.normal_size else ""


def _fact(structure: Structure, side: Side, kind: str) -> tuple[str, str]:
    """The first clause of a kind that can be said of this side, and its source; empty if there is none."""
    for fact in structure.facts:
        if fact.kind == kind and (side is not Side.NONE or not fact.sided):
            clause = fact.clauses[0]
            if fact.sided:
                clause = clause.format(side=side.value, other=side.other.value)
            return clause, fact.source
    return "", ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
