"""Absence: as many questions about what is not there as about what is, and who refuses the right ones.

Half of the questions about absent things name structures that the model does offer: in a slab of a brain
that does not reach them, in a brain without that side, in a scan of another region. The other half name
structures that it does not offer, or ask what no scan can answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.scene import parts_of
from MedSegRLib.imaging import Volume

from .asking import Conversation, Opener, Part, found_parts, refused
from .cases import Case, Labels
from .parts_of_scans import halves, slabs
from .results import QuestionScore, part_names
from .structures16 import Protocol, load_protocol
from .suites import Progress, written_questions

__all__ = ["absent"]

Cut = Callable[[Volume, Labels, Protocol], Iterator[tuple[Volume, tuple[Part, ...]]]]


def absent(
    brains: Sequence[Case],
    others: Sequence[Case],
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
        Brains of known labels, and scans of other regions.
    offered
        The structures that the model offers.
    open_session, tell
        Opens a conversation about a scan; is told how far it is.
    per_kind
        Questions about slabs, halves and other regions each; there are half as many again about
        structures that are not offered and unanswerable ones each. Fewer where there are not enough.
    seed
        Chooses what is asked of which scan.

    Yields
    ------
    Scores of the suites "absent" (right: no mask has a voxel and the text refuses) and "present" (right:
    the part that was asked for got a mask).
    """
    rng = random.Random(seed)
    count = 0
    for kind, scores in (
        ("slabs", _pieces("slab", slabs, brains, offered, open_session, per_kind, rng)),
        ("halves", _pieces("half", halves, brains, offered, open_session, per_kind, rng)),
        ("other regions", _regions(others, offered, open_session, per_kind, rng)),
    ):
        right = []
        for score in scores:
            right.append(score.right)
            yield score
        count += len(right)
        tell(f"absent, {kind}: {sum(right)} of {len(right)} right")
    yield from _whole(brains, offered, open_session, count, per_kind * 3 // 2, rng, tell)


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
                session = open_session(piece)
                for part in chosen:
                    yield _ask_absent(session, kind, case, _question(part, rng), part[0])


def _regions(
    others: Sequence[Case], offered: Sequence[str], open_session: Opener, wanted: int, rng: random.Random
) -> Iterator[QuestionScore]:
    """Questions about parts of the brain, asked of scans of other regions."""
    for number, case in enumerate(others):
        table = load_table()
        here = parts_of([name for name in offered if table[name].region != case.region], table)
        chosen = _some(here, _share(wanted, len(others) - number), rng)
        wanted -= len(chosen)
        if chosen:
            session = open_session(case.load()[0])
            for part in chosen:
                yield _ask_absent(session, case.region, case, _question(part, rng), part[0])


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
    asked: list[tuple[str, str, str]] = []
    for structure in _some(strangers, wanted, rng):
        side = rng.choice((Side.LEFT, Side.RIGHT)) if structure.sided else Side.NONE
        asked.append(("not offered", _question((structure.id, side), rng), structure.id))
    for question in _some(written_questions()["unanswerable"], wanted, rng):
        asked.append(("unanswerable", question, ""))
    present = earlier + len(asked)
    for number, case in enumerate(brains):
        volume, labels = case.load()
        protocol = load_protocol(case.protocol or "")
        drawn = [p for p in protocol.parts if p[0] in offered and protocol.mask(labels, p).any()]
        session = open_session(volume)
        for kind, question, structure_id in asked[number :: len(brains)]:
            yield _ask_absent(session, kind, case, question, structure_id)
        share = _share(present, len(brains) - number)
        present -= share
        for part in rng.choices(drawn, k=share) if drawn else ():
            yield _ask_present(session, case, _question(part, rng), part)
        tell(f"absent, whole brains: {case.patient} done")


def _ask_absent(
    session: Conversation, kind: str, case: Case, question: str, structure_id: str
) -> QuestionScore:
    session.forget()
    answer = session.ask(question)
    return QuestionScore(
        suite="absent",
        kind=kind,
        group=case.group,
        patient=case.patient,
        question=question,
        expected=(),
        found=part_names(found_parts(answer)),
        right=refused(answer),
        text=answer.text,
        structures=(structure_id,) if structure_id else (),
    )


def _ask_present(session: Conversation, case: Case, question: str, part: Part) -> QuestionScore:
    session.forget()
    answer = session.ask(question)
    shown = found_parts(answer)
    return QuestionScore(
        suite="present",
        kind="whole brain",
        group=case.group,
        patient=case.patient,
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
