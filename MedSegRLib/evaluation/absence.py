"""Absence: as many questions about what is not there as about what is, and who refuses the right ones.

Half of the questions about absent things name structures that the model does offer: in a slab of a brain
that does not reach them, in a brain without that side, in a scan of another region. The other half name
structures that it does not offer, or ask what no scan can answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.building.field_of_view import outside_of
from MedSegRLib.dataset.scene import parts_of
from MedSegRLib.dataset.source import Source
from MedSegRLib.imaging import Modality, Volume, read_volume

from .asking import Conversation, Opener, Part, found_parts, refused
from .cases import Case, Labels
from .drawn import drawn_parts
from .parts_of_scans import halves, slabs
from .results import QuestionScore, part_names
from .structures16 import Protocol, load_protocol
from .suites import Progress, written_questions

__all__ = ["absent"]

Cut = Callable[[Volume, Labels, Protocol], Iterator[tuple[Volume, tuple[Part, ...]]]]


def absent(
    brains: Sequence[Case],
    others: Sequence[Source],
    offered: Sequence[str],
    open_session: Opener,
    tell: Progress,
    *,
    per_kind: int = 16,
    seed: int = 0,
) -> Iterator[QuestionScore]:
    """Ask for what is not there and, as often, for what is.

    Parameters
    ----------
    brains, others
        Brains of known labels, and scans of other regions, all with an image.
    offered
        The structures that the model offers.
    open_session, tell
        Opens a conversation about a scan; is told how far it is.
    per_kind
        Questions about slabs, halves and other regions each; there are half as many again about
        structures that are not offered and unanswerable ones each. Fewer where there are not enough. What is
        there is asked for of the other regions as often as what is not, where the model offers any of it.
    seed
        Chooses what is asked of which scan.

    Yields
    ------
    Scores of the suites "absent" (right: no mask has a voxel and the text refuses) and "present" (right:
    the part that was asked for got a mask).
    """
    rng = random.Random(seed)
    count = present = 0
    for kind, scores in (
        ("slabs", _pieces("slab", slabs, brains, offered, open_session, per_kind, rng)),
        ("halves", _pieces("half", halves, brains, offered, open_session, per_kind, rng)),
        ("other regions", _regions(others, offered, open_session, per_kind, rng)),
    ):
        right = []
        for score in scores:
            if score.suite == "absent":
                right.append(score.right)
            else:
                present += 1
            yield score
        count += len(right)
        tell(f"absent, {kind}: {sum(right)} of {len(right)} right")
    yield from _whole(brains, offered, open_session, count - present, per_kind * 3 // 2, rng, tell)


def _pieces(
    kind: str,
    cut: Cut,
    brains: Sequence[Case],
    offered: Sequence[str],
    open_session: Opener,
    wanted: int,
    rng: random.Random,
) -> Iterator[QuestionScore]:
    """Questions about the parts that were cut away."""
    for number, case in enumerate(brains):
        volume, labels = case.load()
        share = _share(wanted, len(brains) - number)
        pieces = [
            (piece, [part for part in parts if part[0] in offered])
            for piece, parts in cut(volume, labels, load_protocol(case.protocol or ""))
        ]
        for n, (piece, parts) in enumerate(pieces):
            chosen = _some(parts, _share(share, len(pieces) - n), rng)
            share, wanted = share - len(chosen), wanted - len(chosen)
            if chosen:
                asked = _Asked(open_session(piece), kind, case.group, case.patient)
                for part in chosen:
                    yield asked.absent(_question(part, rng), part[0])


def _regions(
    others: Sequence[Source], offered: Sequence[str], open_session: Opener, wanted: int, rng: random.Random
) -> Iterator[QuestionScore]:
    """Questions about parts that scans of other regions cannot show, and about such as are drawn there."""
    table = load_table()
    for number, source in enumerate(others):
        assert source.image is not None
        drawn = drawn_parts(source, offered, table)
        far = set(outside_of(source.region, table, drawn))
        share = _share(wanted, len(others) - number)
        absent = _some(parts_of([name for name in offered if name in far], table), share, rng)
        wanted -= len(absent)
        if not absent:
            continue
        session = open_session(read_volume(source.image, modality=Modality(source.modality)))
        asked = _Asked(session, source.region, source.origin, source.patient)
        for part in absent:
            yield asked.absent(_question(part, rng), part[0])
        told = [part for part in drawn if part[1] is not Side.NONE or not table[part[0]].sided]
        for part in rng.choices(told, k=len(absent)) if told else ():
            yield asked.present(_question(part, rng), part)


def _whole(
    brains: Sequence[Case],
    offered: Sequence[str],
    open_session: Opener,
    earlier: int,
    wanted: int,
    rng: random.Random,
    tell: Progress,
) -> Iterator[QuestionScore]:
    """Whole brains: what is not offered or cannot be answered, and as many present parts as absent ones."""
    strangers = [s for s in load_table() if s.id not in offered and not s.is_group and not s.freesurfer]
    questions: list[tuple[str, str, str]] = []
    for structure in _some(strangers, wanted, rng):
        side = rng.choice((Side.LEFT, Side.RIGHT)) if structure.sided else Side.NONE
        questions.append(("not offered", _question((structure.id, side), rng), structure.id))
    for question in _some(written_questions()["unanswerable"], wanted, rng):
        questions.append(("unanswerable", question, ""))
    present = earlier + len(questions)
    for number, case in enumerate(brains):
        volume, labels = case.load()
        protocol = load_protocol(case.protocol or "")
        drawn = [p for p in protocol.parts if p[0] in offered and protocol.mask(labels, p).any()]
        asked = _Asked(open_session(volume), "whole brain", case.group, case.patient)
        for kind, question, structure_id in questions[number :: len(brains)]:
            yield asked.absent(question, structure_id, kind)
        share = _share(present, len(brains) - number)
        present -= share
        for part in rng.choices(drawn, k=share) if drawn else ():
            yield asked.present(_question(part, rng), part)
        tell(f"absent, whole brains: {case.patient} done")


@dataclass(frozen=True)
class _Asked:
    """A conversation about a scan, and what its scores are filed under."""

    session: Conversation
    kind: str
    group: str
    patient: str

    def absent(self, question: str, structure_id: str, kind: str = "") -> QuestionScore:
        self.session.forget()
        answer = self.session.ask(question)
        return QuestionScore(
            suite="absent",
            kind=kind or self.kind,
            group=self.group,
            patient=self.patient,
            question=question,
            expected=(),
            found=part_names(found_parts(answer)),
            right=refused(answer),
            text=answer.text,
            structures=(structure_id,) if structure_id else (),
        )

    def present(self, question: str, part: Part) -> QuestionScore:
        self.session.forget()
        answer = self.session.ask(question)
        shown = found_parts(answer)
        return QuestionScore(
            suite="present",
            kind=self.kind,
            group=self.group,
            patient=self.patient,
            question=question,
            expected=part_names([part]),
            found=part_names(shown),
            right=part in shown,
            text=answer.text,
            structures=(part[0],),
        )


def _share(count: int, among: int) -> int:
    """What the next of `among` gets of `count`, rounded up."""
    return max(0, -(-count // among))


def _some(values: Sequence[Any], count: int, rng: random.Random) -> list[Any]:
    return rng.sample(list(values), min(count, len(values)))


def _question(part: Part, rng: random.Random) -> str:
    name = load_table()[part[0]].side_name(part[1])
    return str(rng.choice(written_questions()["parts"])).format(name=name)
