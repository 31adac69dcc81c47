"""Figures: the numbers that a model is judged by, each with its interval over patients.

Every figure is a ratio of sums (a mean is a sum over a count), so that its interval comes from drawing whole
patients (`intervals`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .intervals import bootstrap, patient_sums, ratio
from .metrics import SURFACE_TOLERANCE_MM
from .results import MATCH_IOU, RIGHT_DICE, PatientPart, QuestionScore, Results

__all__ = [
    "Figure", "answer_figures", "count_of", "fall_figure", "figures_of", "mask_figures", "patients_of",
    "share_figure",
]  # fmt: skip

Statistic = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
_BINS = 10
_TURN = 4  # how far into a conversation the fall is looked for


@dataclass(frozen=True)
class Figure:
    """One number: its 95 % interval over patients, what it was counted on, and how many patients."""

    name: str
    value: float
    low: float
    high: float
    of: str
    patients: int

    @classmethod
    def made(
        cls,
        name: str,
        entries: Sequence[tuple[tuple[str, str], Sequence[float]]],
        what: str,
        statistic: Statistic = ratio,
    ) -> Figure:
        """Make a figure of each entry's patient and sums; one patient gives no interval."""
        if not entries:
            nan = float("nan")
            return cls(name, nan, nan, nan, count_of(0, what), 0)
        sums = patient_sums(entries)
        value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
        low, high = bootstrap(sums, statistic) if len(sums) > 1 else (float("nan"),) * 2
        return cls(name, value, low, high, count_of(len(entries), what), len(sums))


def figures_of(results: Results) -> tuple[Figure, ...]:
    """Every figure that the results hold, for whole data sets; those of nothing are left out."""
    found: list[Figure] = []
    for group in dict.fromkeys(part.group for part in results.parts):
        mine = [part for part in results.parts if part.group == group]
        found += [
            replace(figure, name=f"{group}: {figure.name}")
            for figure in (*mask_figures(mine), fall_figure(mine))
        ]
    found += answer_figures([q for q in results.questions if q.suite == "medsegqa"])
    for suite, name in _SHARES.items():
        found.append(share_figure(name, [q for q in results.questions if q.suite == suite]))
    found.append(_calibration(results))
    return tuple(figure for figure in found if figure.patients)


_SHARES = {
    "absent": "N-Acc: nothing is there, no mask and refused in words",
    "present": "T-Acc: the parts asked for are among the masks",
    "implicit": "right target, sides included, of implicit questions",
    "development": "right target of development questions, in words alone",
}


def mask_figures(parts: Sequence[PatientPart]) -> tuple[Figure, ...]:
    """Dice, HD95 and surface Dice, means over masks; one that was missed counts as such."""
    return (
        _mean("Dice", parts, lambda part: part.score.dice),
        _mean("HD95 mm", parts, lambda part: part.score.hd95_mm),
        _mean(
            f"surface Dice ({SURFACE_TOLERANCE_MM:g} mm)", parts, lambda part: part.score.surface_dice
        ),
    )  # fmt: skip


def answer_figures(questions: Sequence[QuestionScore]) -> tuple[Figure, ...]:
    """What whole answers are worth: right targets, number of findings, overlap, and phrases to masks."""
    there = [q for q in questions if q.expected]
    known = [(_patient(q), q.masks) for q in questions if q.masks is not None]
    return (
        share_figure("right target, sides included", there),
        Figure.made(
            "number of findings right", [(p, (m.shown == m.expected, 1)) for p, m in known], "answer"
        ),
        Figure.made("gIoU", [(p, (m.iou, 1)) for p, m in known], "answer"),
        Figure.made("cIoU", [(p, (m.intersection, m.union)) for p, m in known], "answer"),
        Figure.made(
            f"phrase-to-mask match, F1 at IoU {MATCH_IOU:g}",
            [(p, (2 * m.matched, m.shown + m.expected)) for p, m in known],
            "answer",
        ),
        Figure.made(
            "good masks under a wrong phrase",
            [(p, (m.misnamed, m.matched + m.misnamed)) for p, m in known],
            "answer",
        ),
    )


def share_figure(name: str, questions: Sequence[QuestionScore]) -> Figure:
    """Share of right ones."""
    return Figure.made(name, [(_patient(q), (q.right, 1)) for q in questions], "question")


def fall_figure(parts: Sequence[PatientPart]) -> Figure:
    """Mean Dice at turn 1 less that at turn 4, of conversations with masks at both."""
    turns: dict[str, set[int]] = {}
    for part in parts:
        turns.setdefault(part.conversation, set()).add(part.turn)
    both = [p for p in parts if p.conversation and {1, _TURN} <= turns[p.conversation]]
    entries = [
        (_patient(p), (p.score.dice, 1, 0, 0) if p.turn == 1 else (0, 0, p.score.dice, 1))
        for p in both
        if p.turn in (1, _TURN)
    ]
    return Figure.made(
        f"fall of Dice from turn 1 to turn {_TURN}",
        entries,
        "mask",
        lambda sums: ratio(sums[:, :2]) - ratio(sums[:, 2:]),
    )


def _calibration(results: Results) -> Figure:
    """ECE: in each bin the sums of confidence and of right ones should be the same."""
    entries = []
    for patient, confidence, right in results.told:
        gaps = [0.0] * _BINS
        gaps[min(int(confidence * _BINS), _BINS - 1)] = confidence - right
        entries.append((patient, (*gaps, 1.0)))
    return Figure.made(
        f"ECE of the confidence against a Dice above {RIGHT_DICE:g}, {_BINS} bins",
        entries,
        "mask",
        lambda sums: np.abs(sums[:, :-1]).sum(axis=1) / sums[:, -1],
    )


def _mean(name: str, parts: Sequence[PatientPart], value: Callable[[PatientPart], float]) -> Figure:
    known = [(_patient(part), (value(part), 1)) for part in parts if value(part) == value(part)]
    return Figure.made(name, known, "mask")


def patients_of(scores: Iterable[PatientPart | QuestionScore]) -> set[tuple[str, str]]:
    """Group and pseudonym of every patient."""
    return {_patient(score) for score in scores}


def _patient(score: PatientPart | QuestionScore) -> tuple[str, str]:
    return score.group, score.patient


def count_of(number: int, what: str) -> str:
    """In words: "1 mask", "2 masks"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
