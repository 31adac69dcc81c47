"""Suggestions: questions to ask of a scan, from what the model was taught and the anatomy table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from MedSegRLib.anatomy import AnatomyTable, Side, Structure
from MedSegRLib.imaging import Modality
from MedSegRLib.panel.shown import Row
from MedSegRLib.service import ModelInfo

__all__ = ["hint", "suggest"]

_MOST = 3


def suggest(
    model: ModelInfo | None,
    modality: Modality,
    table: AnatomyTable,
    found: tuple[Row, ...] = (),
    asked: Collection[str] = (),
) -> tuple[str, ...]:
    """Up to three questions: about what was just found, then by name, by a clinical fact and by size.

    Only of what the scan's modality shows, and once something was found only of the same region.

    Parameters
    ----------
    model
        What the chosen model says of itself; None while it is not known.
    modality
        The scan's; none of a model that has not learnt it.
    table
        Names and facts.
    found
        The findings of the last answer.
    asked
        What was asked already, and is not suggested again.
    """
    if model is None or not _knows(model, modality):
        return ()
    known = {question.casefold() for question in asked}
    questions = [*_follow_ups(table, found), *_openings(_shown(model, modality, table, found))]
    new = dict.fromkeys(question for question in questions if question.casefold() not in known)
    return tuple(new)[:_MOST]


def hint(model: ModelInfo | None, modality: Modality, tr: Callable[[str], str]) -> str:
    """What is worth knowing before asking this model about this scan; empty if nothing is."""
    if model is None or _knows(model, modality):
        return ""
    told = tr("This scan is {modality}, but {model} learnt {known}; its answers may be wrong.")
    return told.format(modality=modality.value, model=model.name, known=", ".join(model.modalities))


def _knows(model: ModelInfo, modality: Modality) -> bool:
    return modality is Modality.UNKNOWN or not model.modalities or modality.value in model.modalities


def _follow_ups(table: AnatomyTable, found: tuple[Row, ...]) -> Iterator[str]:
    if len(found) != 1:
        return
    yield "How large is it?"
    named = table.lookup(found[0].name)
    if named is not None and named[1] is not Side.NONE:
        yield "And the one on the other side?"


def _shown(
    model: ModelInfo, modality: Modality, table: AnatomyTable, found: tuple[Row, ...]
) -> list[Structure]:
    """What the model offers and the scan may show."""
    named = (table.lookup(row.name) for row in found)
    regions = {structure.region for structure, _ in filter(None, named)}
    return [
        structure
        for structure in table
        if structure.id in model.offered
        and (modality is Modality.UNKNOWN or modality.value in structure.modalities)
        and (not regions or structure.region in regions)
    ]


def _openings(shown: list[Structure]) -> Iterator[str]:
    """By name, by fact, by size in turn, so that the first three differ in kind and in subject."""
    count = len(shown)
    for turn in range(count):
        first, second, third = (shown[(turn + step * count // 3) % count] for step in range(3))
        yield f"Where is the {_one_side(first)}?"
        clause = next((f.clauses[0] for f in second.facts if f.kind == "disease" and not f.sided), "")
        if clause:
            yield f"Which structure {clause}?"
        yield f"How large is the {_one_side(third)}?"


def _one_side(structure: Structure) -> str:
    return structure.side_name(Side.LEFT)
