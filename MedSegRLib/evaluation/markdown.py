"""Markdown: the tables of an evaluation, per structure and with the number of patients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from MedSegRLib.anatomy import load_table

from .metrics import bootstrap
from .results import RIGHT_DICE, PatientPart, QuestionScore, Results

__all__ = ["to_markdown"]


def to_markdown(results: Results) -> str:
    """Write all results as Markdown; suites that were not run have no table."""
    pieces = [f"# Evaluation of {results.model}", "All questions were asked in free text."]
    for group in dict.fromkeys(part.group for part in results.parts):
        pieces.append(_parts(group, [part for part in results.parts if part.group == group]))
    if results.parts:
        found = sum(part.score.found for part in results.parts)
        pieces.append(
            f"Calibration: ECE {_number(results.calibration_error)} of the confidence against "
            f"a Dice above {RIGHT_DICE:g}, 10 bins, {found} masks."
        )
    chosen = {suite: [q for q in results.questions if q.suite == suite] for suite in _TITLES}
    for suite, title in _TITLES.items():
        if chosen[suite]:
            pieces.append(_questions(title, chosen[suite]))
    if any(q.structures for q in chosen["implicit"]):
        pieces.append(_table_of("Structure", chosen["implicit"], lambda q: " and ".join(q.structures)))
    pieces += results.notes
    return "\n\n".join(pieces) + "\n"


_TITLES = {
    "implicit": "Right target, sides included, of implicit questions",
    "absent": "N-Acc: absent, not offered or unanswerable; refused in words and no mask",
    "present": "T-Acc: present, and the part asked for got a mask",
    "medsegqa": "Questions of the data set",
    "development": "Development questions, in words alone",
}


def _parts(group: str, parts: Sequence[PatientPart]) -> str:
    """Mean Dice and HD95 of each structure over patients and sides."""
    patients = sorted({part.patient for part in parts})
    by_patient = [float(np.mean([p.score.dice for p in parts if p.patient == name])) for name in patients]
    low, high = bootstrap(by_patient, lambda values: float(np.mean(values)))
    rows = []
    for name in dict.fromkeys(part.score.structure for part in parts):
        mine = [part for part in parts if part.score.structure == name]
        sides = []
        for side in ("left", "right", "none"):
            values = [p.score.dice for p in mine if p.score.side.value == side]
            sides.append(_number(float(np.mean(values))) if values else "")
        rows.append(
            [
                _name(name),
                _number(float(np.mean([p.score.dice for p in mine]))),
                sides[0],
                sides[1],
                f"{np.mean([p.score.hd95_mm for p in mine]):.1f}",
                str(sum(not p.score.found for p in mine)),
                str(len({p.patient for p in mine})),
            ]
        )
    title = (
        f"## {group}: mean 3-D Dice {_number(float(np.mean(by_patient)))}"
        f" ({_count(len(patients), 'patient')}"
        + (f", 95 % interval {_number(low)} to {_number(high)})" if len(patients) > 1 else ")")
    )
    header = ["Structure", "Dice", "left", "right", "HD95 mm", "parts missed", "patients"]
    return f"{title}\n\n{_table(header, rows)}"


def _questions(title: str, questions: Sequence[QuestionScore]) -> str:
    patients = len({(q.group, q.patient) for q in questions})
    right = sum(q.right for q in questions)
    low, high = bootstrap([q.right for q in questions], lambda values: float(np.mean(values)))
    head = (
        f"## {title}: {_number(right / len(questions))}\n\n"
        f"{right} of {_count(len(questions), 'question')} about {_count(patients, 'patient')}, "
        f"95 % interval {_number(low)} to {_number(high)}."
    )
    return f"{head}\n\n{_table_of('Kind', questions, lambda q: q.kind)}"


def _table_of(header: str, questions: Sequence[QuestionScore], key: Callable[[QuestionScore], str]) -> str:
    rows = []
    for value in sorted({key(q) for q in questions}):
        mine = [q for q in questions if key(q) == value]
        right = sum(q.right for q in mine)
        patients = len({(q.group, q.patient) for q in mine})
        rows.append([_name(value), _number(right / len(mine)), str(right), str(len(mine)), str(patients)])
    return _table([header, "share", "right", "questions", "patients"], rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _name(value: str) -> str:
    table = load_table()
    return " and ".join(table[v].name if v in table else v.replace("_", " ") for v in value.split(" and "))


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
