"""Tables: what a page or a Markdown file shows, per structure and with numbers of patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from MedSegRLib.anatomy import load_table

from .figures import Figure, answer_figures, count_of, figures_of, mask_figures, patients_of, share_figure
from .intervals import bootstrap
from .item_scores import GROUP
from .metrics import MISS_MM, SURFACE_TOLERANCE_MM
from .results import MATCH_IOU, RIGHT_DICE, PatientPart, QuestionScore, Results

__all__ = ["CONVENTIONS", "Cell", "Table", "plain_name", "tables_of", "texts"]

Cell = str | int | float

CONVENTIONS = (
    "Masks are scored on the scan's own grid, on the slices that a conversation is about. Two empty masks "
    "agree: Dice, IoU and surface Dice 1, HD95 0. One empty mask is a miss: 0, 0, 0 and "
    f"{MISS_MM:g} mm. Surface Dice is the share of both surfaces within {SURFACE_TOLERANCE_MM:g} mm of the "
    "other. gIoU is the mean over answers of the IoU of all their masks together, 1 where rightly nothing is "
    "shown; cIoU the sum of intersections over the sum of unions. A phrase matches its mask where the part "
    f"that it names has an IoU of at least {MATCH_IOU:g} with it. A confidence is right where the Dice is "
    f"above {RIGHT_DICE:g}. Intervals hold 95 % of 1000 draws of whole patients; one patient gives none."
)

_TITLES = {
    "implicit": "Right target, sides included, of implicit questions",
    "absent": "N-Acc: absent, not offered or unanswerable; refused in words and no mask",
    "present": "T-Acc: present, and the part asked for got a mask",
    "medsegqa": "Questions of the data set",
    "development": "Development questions, in words alone",
}
_OFFERED_DICE, _OFFERED_PATIENTS = 0.5, 3


@dataclass(frozen=True)
class Table:
    """A title, what is said under it, and rows of as many cells as the header; there may be no row."""

    title: str
    says: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


def tables_of(results: Results) -> list[Table]:
    """Everything that was measured; suites that were not run have no table."""
    tables = [_figures(figures_of(results))]
    for group in dict.fromkeys(part.group for part in results.parts):
        tables.append(_parts(group, [part for part in results.parts if part.group == group]))
    for group in dict.fromkeys(part.group for part in results.parts if part.conversation):
        if group != GROUP:
            tables.append(_turns([part for part in results.parts if part.group == group]))
    if any(q.suite == "medsegqa" for q in results.questions):
        tables += [_answers(title, header, results, of) for title, header, of in _BREAKDOWNS]
    if results.told:
        tables.append(_reliability(results))
    for suite, title in _TITLES.items():
        tables += _questions(title, [q for q in results.questions if q.suite == suite])
    return [table for table in tables if table.rows]


def _figures(figures: Sequence[Figure]) -> Table:
    header = ("Figure", "value", "95 % low", "95 % high", "counted on", "patients")
    rows = tuple((f.name, f.value, f.low, f.high, f.of, f.patients) for f in figures)
    return Table(
        "Figures", "Means are over masks, questions or answers; intervals over patients.", header, rows
    )


def _parts(group: str, parts: Sequence[PatientPart]) -> Table:
    """Mean scores of each structure over patients and sides."""
    patients = sorted({part.patient for part in parts})
    by_patient = [float(np.mean([p.score.dice for p in parts if p.patient == name])) for name in patients]
    low, high = bootstrap(np.array([[value, 1.0] for value in by_patient]))
    rows: list[tuple[Cell, ...]] = []
    weak = []
    for name in dict.fromkeys(part.score.structure for part in parts):
        mine = [part for part in parts if part.score.structure == name]
        dice, distance, near = mask_figures(mine)
        sides: list[Cell] = []
        for side in ("left", "right"):
            values = [p.score.dice for p in mine if p.score.side.value == side]
            sides.append(float(np.mean(values)) if values else "")
        missed = sum(not p.score.found for p in mine)
        rows.append(
            (
                plain_name(name), dice.value, *sides, distance.value, near.value, missed, dice.patients,
                dice.low, dice.high,
            )
        )  # fmt: skip
        if dice.value < _OFFERED_DICE or dice.patients < _OFFERED_PATIENTS:
            weak.append(plain_name(name))
    interval = f", 95 % interval {low:.3f} to {high:.3f}" if len(patients) > 1 else ""
    return Table(
        f"{group}: mean 3-D Dice {np.mean(by_patient):.3f} ({count_of(len(patients), 'patient')}{interval})",
        f"Below {_OFFERED_DICE:g} or on fewer than {_OFFERED_PATIENTS} patients, so not to be offered: "
        f"{', '.join(weak)}."
        if weak
        else "",
        (
            "Structure", "Dice", "left", "right", "HD95 mm", f"surface Dice ({SURFACE_TOLERANCE_MM:g} mm)",
            "parts missed", "patients", "95 % low", "95 % high",
        ),
        tuple(rows),
    )  # fmt: skip


Key = Callable[[Any], Any]


def _turn(score: PatientPart | QuestionScore) -> int:
    return score.turn


_BREAKDOWNS: tuple[tuple[str, str, Key], ...] = (
    ("By question type", "Question type", lambda score: score.kind),
    ("By modality", "Modality", lambda score: score.modality),
    ("By turn", "Turn", _turn),
)


def _answers(title: str, header: str, results: Results, of: Key) -> Table:
    """All figures of a data set's questions, for each value of a key."""
    own = [part for part in results.parts if part.group == GROUP]
    rows: list[tuple[Cell, ...]] = []
    names: tuple[str, ...] = ()
    for value in sorted({of(q) for q in results.questions}):
        asked, absent, present = (
            [q for q in results.questions if q.suite == suite and of(q) == value]
            for suite in ("medsegqa", "absent", "present")
        )
        target, number, giou, ciou, match, _ = answer_figures(asked)
        masks = [part for part in own if of(part) == value]
        figures = (
            share_figure("N-Acc", absent),
            share_figure("T-Acc", present),
            replace(target, name="right target"),
            replace(number, name="number right"),
            replace(match, name="match F1"),
            giou,
            ciou,
            *mask_figures(masks),
        )
        names = tuple(figure.name for figure in figures)
        counts = len(asked), len(masks), len(patients_of(asked))
        rows.append((plain_name(str(value)), *(figure.value for figure in figures), *counts))
    return Table(title, "", (header, *names, "questions", "masks", "patients"), tuple(rows))


def _turns(parts: Sequence[PatientPart]) -> Table:
    """The mask figures of conversations that a suite held, turn by turn."""
    rows: list[tuple[Cell, ...]] = []
    for turn in sorted({part.turn for part in parts}):
        mine = [part for part in parts if part.turn == turn]
        figures = mask_figures(mine)
        rows.append((str(turn), *(figure.value for figure in figures), len(mine), len(patients_of(mine))))
    names = tuple(figure.name for figure in mask_figures(parts))
    return Table("Turn by turn", "", ("Turn", *names, "masks", "patients"), tuple(rows))


def _reliability(results: Results) -> Table:
    curve = results.reliability
    rows = tuple((f"{b.low:.1f} to {b.high:.1f}", b.confidence, b.right, b.count) for b in curve)
    return Table(
        "Reliability of the confidence",
        f"Calibration: ECE {results.calibration_error:.3f} of the confidence against a Dice above "
        f"{RIGHT_DICE:g}, 10 bins, {sum(b.count for b in curve)} masks.",
        ("Confidence", "mean confidence", "share right", "masks"),
        rows,
    )


def _questions(title: str, questions: Sequence[QuestionScore]) -> list[Table]:
    """Share of right ones, by kind and by structure."""
    if not questions:
        return []
    figure = share_figure("share", questions)
    right = sum(q.right for q in questions)
    interval = (
        f", 95 % interval over patients {figure.low:.3f} to {figure.high:.3f}" if figure.patients > 1 else ""
    )
    says = f"{right} of {figure.of} about {count_of(figure.patients, 'patient')}{interval}."
    tables = [_shares(f"{title}: {figure.value:.3f}", says, "Kind", questions, lambda q: q.kind)]
    named = [q for q in questions if q.structures]
    if named:
        by_structure = f"{title}, by structure"
        tables.append(_shares(by_structure, "", "Structure", named, lambda q: " and ".join(q.structures)))
    return tables


def _shares(
    title: str,
    says: str,
    header: str,
    questions: Sequence[QuestionScore],
    key: Callable[[QuestionScore], str],
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for value in sorted({key(q) for q in questions}):
        mine = [q for q in questions if key(q) == value]
        right = sum(q.right for q in mine)
        rows.append((plain_name(value), right / len(mine), right, len(mine), len(patients_of(mine))))
    return Table(title, says, (header, "share", "right", "questions", "patients"), tuple(rows))


def plain_name(value: str) -> str:
    """The table's name of a structure or of several; other values without underscores."""
    table = load_table()
    return " and ".join(table[v].name if v in table else v.replace("_", " ") for v in value.split(" and "))


def texts(table: Table) -> list[list[str]]:
    """The rows in words: millimetres with one digit, other fractions with three, "–" for no number."""
    return [
        [
            _text(cell, f"{row[0]}".endswith(" mm") or header.endswith(" mm"))
            for cell, header in zip(row, table.header, strict=True)
        ]
        for row in table.rows
    ]


def _text(cell: Cell, in_mm: bool) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return "–" if cell != cell else f"{cell:.1f}" if in_mm else f"{cell:.3f}"
