"""Questions: what a batch asks, of which studies, in which order; read from TOML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from MedSegRLib.answers import Question
from MedSegRLib.imaging import Plane

__all__ = ["BatchQuestion", "QuestionFile", "SeriesRules", "read_questions"]


@dataclass(frozen=True)
class BatchQuestion:
    """One question that is asked of every study that it fits.

    Attributes
    ----------
    id
        Its name in the batch; safe as the name of a file.
    text
        In the user's own words.
    after
        Id of the question that it follows up: asked in the same conversation, after it. None for a question
        that begins a conversation.
    modality, body_part
        Conditions; empty for none. A study fits if one of each fits.
    slices
        First and last canonical slice, both included, counted from 0; None for the whole scan.
    plane
        The plane to look at slices in; None leaves the choice to the model.
    """

    id: str
    text: str
    after: str | None = None
    modality: tuple[str, ...] = ()
    body_part: tuple[str, ...] = ()
    slices: tuple[int, int] | None = None
    plane: Plane | None = None

    def question(self) -> Question:
        """As the model is asked."""
        return Question(self.text, self.plane, self.slices)


@dataclass(frozen=True)
class SeriesRules:
    """Which of the scans found are asked about; what is not known is no reason to leave one out.

    Attributes
    ----------
    modality
        One of these; empty for any.
    include, exclude
        Regular expressions that a description must, and must not, contain; capitals do not matter.
    fewest_slices, most_slices
        Bounds, both included; None for no upper one.
    """

    modality: tuple[str, ...] = ()
    include: str | None = None
    exclude: str | None = None
    fewest_slices: int = 1
    most_slices: int | None = None


@dataclass(frozen=True)
class QuestionFile:
    """Questions in the order that they are asked in (what a follow-up follows stands before it), and rules."""

    questions: tuple[BatchQuestion, ...]
    series: SeriesRules = SeriesRules()


def read_questions(path: Path) -> QuestionFile:
    """Read a question file.

    Raises
    ------
    QuestionFileError
        If it cannot be read or says something that makes no sense; the sentence names line and column.
    """
    raise NotImplementedError
