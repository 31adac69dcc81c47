"""Suites: what is asked of which scan, always in free text, and when an answer is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.scene import parts_of
from MedSegRLib.dataset.sides import as_drawn
from MedSegRLib.resources import resource_path

from .asking import Conversation, Opener, Part, found_parts
from .cases import Case
from .gallery import Gallery
from .metrics import right_target
from .results import PatientPart, QuestionScore, part_names
from .structures16 import load_protocol, score_parts

__all__ = [
    "Progress", "implicit", "implicit_questions", "is_meant", "score_implicit", "structures16",
    "written_questions",
]  # fmt: skip

Progress = Callable[[str], None]


@cache
def written_questions() -> dict[str, Any]:
    """Read `Resources/Evaluation/questions.json`."""
    questions: dict[str, Any] = json.loads(
        resource_path("Evaluation", "questions.json").read_text(encoding="utf-8")
    )
    return questions


@cache
def implicit_questions() -> dict[str, tuple[dict[str, Any], ...]]:
    """Read all held-out questions, by the region of the scans that they are to be asked about."""
    by_region: dict[str, list[dict[str, Any]]] = {}
    for name in ("implicit_questions.jsonl", "implicit_questions_regions.jsonl"):
        for line in resource_path("Evaluation", name).read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            by_region.setdefault(entry.get("region", "brain"), []).append(entry)
    return {region: tuple(entries) for region, entries in by_region.items()}


def structures16(
    cases: Sequence[Case],
    open_session: Opener,
    tell: Progress,
    gallery: Gallery | None = None,
    only: Collection[str] | None = None,
) -> Iterator[PatientPart]:
    """Ask every brain for each of the 16 structures, one question each, one conversation for each question.

    Only the parts that a question asks for are taken from its answer; `gallery` keeps the worst as pictures.
    `only` are the structures that are asked for, where not for all.
    """
    for case in cases:
        volume, labels = case.load()
        protocol = load_protocol(case.protocol or "")
        session = open_session(volume)
        found, said = {}, {}
        for structure, question in written_questions()["structures16"].items():
            if only is not None and structure not in only:
                continue
            session.forget()
            answer = session.ask(question)
            shown, said[structure] = found_parts(answer), (question, answer.text)
            found.update({part: value for part, value in shown.items() if part[0] == structure})
        asked = [part for part in protocol.parts if part[0] in said]
        scores = score_parts(found, labels, protocol, volume.spacing_mm, asked)
        mean = sum(score.dice for score in scores) / len(scores)
        tell(f"{case.group}, {case.patient}: mean Dice {mean:.3f} of {len(scores)} parts")
        for score in scores:
            part = (score.structure, score.side)
            name = part_names([part])[0].replace("_", " ")
            if gallery is not None and gallery.wants(name, score.dice):
                truth, scored = protocol.mask(labels, part), protocol.scored(labels)
                mask = found[part][0] if part in found else np.zeros_like(truth)
                question, text = said[score.structure]
                gallery.offer(
                    name, score.dice, volume, mask & scored, truth & scored, group=case.group,
                    patient=case.patient, region=case.region, question=question, text=text,
                )  # fmt: skip
            yield PatientPart(case.group, case.patient, score)


def implicit(
    cases: Sequence[Case],
    open_session: Opener,
    tell: Progress,
    questions: Sequence[dict[str, Any]] | None = None,
) -> Iterator[QuestionScore]:
    """Ask the held-out implicit questions about the brain, dealt out over the brains (`score_implicit`)."""
    asked = implicit_questions()["brain"] if questions is None else questions
    for number, case in enumerate(cases):
        mine = asked[number :: len(cases)]
        if not mine:
            continue
        session = open_session(case.load()[0])
        right = 0
        for entry in mine:
            score = score_implicit(session, entry, case.group, case.patient)
            right += score.right
            yield score
        tell(f"implicit questions, {case.patient}: {right} of {len(mine)} right")


def score_implicit(
    session: Conversation, entry: dict[str, Any], group: str, patient: str, drawn: Collection[Part] = ()
) -> QuestionScore:
    """Ask one held-out question in a conversation of its own.

    Right is an answer that shows exactly the expected parts, sides included. One of the `levels` of an entry
    (a single vertebra or disc) counts as the structure that it is one of, and either side as the part of
    `drawn`, the labels of the scan, that has none.
    """
    table = load_table()
    session.forget()
    answer = session.ask(entry["question"])
    parts = parts_of(entry["structures"], table)
    expected = {as_drawn(part, drawn) for part in parts if is_meant(part[1], entry["sides"])}
    shown = found_parts(answer)
    whole = {level: table[level].parent for level in entry.get("levels", ())}
    meant = {as_drawn((whole.get(name) or name, side), drawn) for name, side in shown}
    return QuestionScore(
        "implicit", entry["kind"], group, patient, entry["question"], part_names(expected),
        part_names(shown), right_target(meant, expected), answer.text, tuple(entry["structures"]),
    )  # fmt: skip


def is_meant(side: Side, sides: str) -> bool:
    """Whether a part's side is among the `sides` of a written question: left, right, both or none."""
    return side.value == sides or sides == "both" or side is Side.NONE
