"""Development: what a model says to questions that it may be tuned on, in words alone.

The questions of `Resources/Evaluation/development_questions*.jsonl` were written apart from the training
text and from the held-out ones, and no scan of the validation split is opened: those about the brain are
asked of a made-up head, those about other regions of training scans that are held back
(`split.held_back`). Nothing is drawn: an answer is right if exactly the expected parts get a `[SEG]`, so that
a whole round takes a minute or two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.answers import Question
from MedSegRLib.dataset.scene import parts_of
from MedSegRLib.imaging import Volume
from MedSegRLib.model import MedSegR, PrefixCache
from MedSegRLib.reasoning.ground import Grounder
from MedSegRLib.reasoning.laying_out import lay_out
from MedSegRLib.reasoning.memory import Memory
from MedSegRLib.reasoning.plan import make_plan
from MedSegRLib.reasoning.talk import Talk
from MedSegRLib.reasoning.tell import phrases_of
from MedSegRLib.resources import resource_path

from .asking import Part
from .cases import brain_cases
from .drawn import developed_on
from .metrics import right_target
from .regional import dealt, is_offered
from .results import QuestionScore, part_names
from .suites import Progress, is_meant

__all__ = ["DEVELOPMENT_MAPS", "Speaker", "development", "development_questions", "score"]

# What the recipe of the shipped model calibrates on.
DEVELOPMENT_MAPS = ("training_seg_16",)


def development_questions(about: str = "") -> tuple[dict[str, Any], ...]:
    """Questions with the structures and sides that are meant; none for what is to be refused.

    `about` is "" for the brain and "_regions" for others.
    """
    path = resource_path("Evaluation", f"development_questions{about}.jsonl")
    return tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


class Speaks(Protocol):
    """Answers in raw markup."""

    def say(self, question: str) -> str:
        """The raw answer."""


class Speaker:
    """A model in front of a scan that only talks."""

    def __init__(self, model: MedSegR, volume: Volume) -> None:
        canvas = lay_out(volume, model.config).canvas
        self._model, self._grounder = model, Grounder(model, canvas, Memory())
        self._filled, self._count = canvas.filled(), canvas.count
        self._prefix = PrefixCache()

    def say(self, question: str) -> str:
        """The raw answer."""
        config = self._model.config
        plan = make_plan(Question(question), self._filled, self._count, config.key_slices)
        talk = Talk(
            self._model.understanding, (), question, self._grounder.pictures(plan.key_slices),
            max_new_tokens=config.max_answer_tokens, prefix=self._prefix,
        )  # fmt: skip
        for _ in talk.deltas():
            pass
        return talk.raw


def development(model: MedSegR, data: Path, tell: Progress) -> Iterator[QuestionScore]:
    """Ask the development questions of a whole head in a random contrast."""
    table = load_table()
    for case in brain_cases(data, held_out=DEVELOPMENT_MAPS, groups=("held-out label maps",)):
        speaker = Speaker(model, case.load()[0])
        scores = []
        for entry in development_questions():
            expected = [p for p in parts_of(entry["structures"], table) if is_meant(p[1], entry["sides"])]
            kind = {"d": "implicit", "n": "refused", "t": "direct"}[entry["id"][0]]
            scores.append(score(speaker, entry["question"], expected, kind, case.patient))
        for kind in dict.fromkeys(one.kind for one in scores):
            right = [one.right for one in scores if one.kind == kind]
            tell(f"development, {kind}: {sum(right)} of {len(right)} right in words")
        yield from scores
    yield from _elsewhere(model, data, tell)


def _elsewhere(model: MedSegR, data: Path, tell: Progress) -> Iterator[QuestionScore]:
    table, config = load_table(), model.config
    asked = [e for e in development_questions("_regions") if is_offered(e, config.offered, table)]
    sources = developed_on(data, config.regions) if asked else []
    for region in dict.fromkeys(entry["region"] for entry in asked):
        scans = [source for source in sources if source.region == region]
        entries = [entry for entry in asked if entry["region"] == region]
        right = count = 0
        for source, volume, _, mine in dealt(scans, entries, table):
            speaker = Speaker(model, volume)
            for entry in mine:
                expected = [p for p in parts_of(entry["structures"], table) if is_meant(p[1], entry["sides"])]
                one = score(speaker, entry["question"], expected, f"implicit, {region}", source.patient)
                right, count = right + one.right, count + 1
                yield one
        tell(f"development, {region}: {right} of {count} right in words")


def score(speaker: Speaks, question: str, expected: Sequence[Part], kind: str, patient: str) -> QuestionScore:
    """Ask one question; right if the answer gives a mask to exactly the expected parts, in its words."""
    raw = speaker.say(question)
    said = _parts(phrases_of(raw)[0])
    right = right_target(said, set(expected)) if expected else not said
    return QuestionScore(
        "development", kind, "development", patient, question, part_names(expected), part_names(said), right,
        raw, tuple(sorted({name for name, _ in expected})),
    )  # fmt: skip


def _parts(phrases: Sequence[str]) -> set[Part]:
    """Parts that phrases name; a phrase that the table does not know stands for itself."""
    table = load_table()
    found = {}
    for phrase in phrases:
        known = table.lookup(phrase)
        found[phrase] = (known[0].id, known[1]) if known else (phrase, Side.NONE)
    return set(found.values())
