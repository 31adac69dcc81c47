"""Turns: whether masks get worse as a conversation goes on.

Every brain is asked for the 16 structures in conversations of four questions, each of them once forwards and
once backwards: whatever is asked first in one is asked fourth in the other, so that turns are compared on the
same parts of the same scans.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .asking import Opener, found_parts
from .cases import Case
from .results import PatientPart
from .structures16 import load_protocol, score_parts
from .suites import Progress, written_questions

__all__ = ["turns"]

_LONG = 4


def turns(cases: Sequence[Case], open_session: Opener, tell: Progress) -> Iterator[PatientPart]:
    """Ask for the structures in conversations; groups are named apart from those asked one by one."""
    asked = written_questions()["structures16"]
    for number, case in enumerate(cases):
        volume, labels = case.load()
        protocol = load_protocol(case.protocol or "")
        session = open_session(volume)
        # From brain to brain other structures come first and last.
        names = [*asked][number % _LONG :] + [*asked][: number % _LONG]
        fours = [names[start : start + _LONG] for start in range(0, len(names), _LONG)]
        held = [order for four in fours for order in (four, four[::-1])]
        group, dice = f"{case.group}, asked in fours", []
        for count, order in enumerate(held):
            session.forget()
            for turn, structure in enumerate(order, 1):
                shown = found_parts(session.ask(asked[structure]))
                parts = [part for part in protocol.parts if part[0] == structure]
                found = {part: value for part, value in shown.items() if part in parts}
                scores = score_parts(found, labels, protocol, volume.spacing_mm, parts)
                for score in scores:
                    dice.append(score.dice)
                    yield PatientPart(
                        group, case.patient, score, conversation=f"{case.patient}, {count}", turn=turn
                    )
        tell(f"{group}, {case.patient}: mean Dice {sum(dice) / len(dice):.3f}")
