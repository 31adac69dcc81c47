"""Found: what the inputs of a batch hold, before the questions choose among it."""

from __future__ import annotations

from dataclasses import dataclass, field

from MedSegRLib.batch.study import Study
from MedSegRLib.errors import MedSegRError

__all__ = ["Found", "LeftOut", "Stated"]


@dataclass(frozen=True)
class LeftOut:
    """What is not asked about, or a question that is not asked of a study, and why in one sentence.

    Attributes
    ----------
    is_broken
        Whether it would be asked about if it could be read: then the batch has failed on it.
    """

    what: str
    why: str
    is_broken: bool = False


@dataclass(frozen=True)
class Stated:
    """What a list of studies says of a path; "" for what it leaves to the files.

    Attributes
    ----------
    id
        What the study is called in the output.
    modality, body_part
        These count more than what the files say.
    """

    id: str = ""
    modality: str = ""
    body_part: str = ""


@dataclass
class Found:
    """Studies and what is none, as they are come upon.

    Attributes
    ----------
    studies
        Their keys are names that two may have.
    """

    studies: list[Study] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, what: object, why: object) -> None:
        """Leave something out; `why` is a sentence, or an error that is one."""
        self.left_out.append(LeftOut(str(what), str(why), isinstance(why, MedSegRError)))
