"""Found: what the inputs of a batch hold, before the questions choose among it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from MedSegRLib.batch.patient_names import name_words
from MedSegRLib.batch.study import Study
from MedSegRLib.errors import MedSegRError
from MedSegRLib.imaging.itk import printable

__all__ = ["Found", "LeftOut", "Stated"]


@dataclass(frozen=True)
class LeftOut:
    """What is not asked about, or a question that is not asked of a study, and why in one sentence.

    Attributes
    ----------
    is_broken
        Whether it would be asked about if it could be read: then the batch has failed on it.
    paths
        Of its files; they and the folders that they lie in may be told in `why`.
    description
        As the headers say; it may be told there too.
    """

    what: str
    why: str
    is_broken: bool = False
    paths: tuple[Path, ...] = field(default=(), repr=False)
    description: str = field(default="", repr=False)


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
    name_words
        Words of patients' names that are told by paths or descriptions.
    """

    studies: list[Study] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    name_words: frozenset[str] = field(default=frozenset(), repr=False)

    def leave_out(self, what: object, why: object, paths: Iterable[Path] = (), description: str = "") -> None:
        """Leave something out; `why` is a sentence, or an error that is one. A `what` may be the path."""
        places = (what,) if isinstance(what, Path) else tuple(paths)
        is_broken = isinstance(why, MedSegRError)
        self.left_out.append(
            LeftOut(printable(str(what)), printable(str(why)), is_broken, places, description)
        )

    def note_name(self, patient: str, texts: Iterable[str]) -> None:
        """Note a patient's name as far as the texts tell it: the patient's paths and descriptions."""
        if patient:
            self.name_words |= name_words(patient, texts)
