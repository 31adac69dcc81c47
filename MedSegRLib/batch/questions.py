"""Questions: what a batch asks, of which studies, in which order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from MedSegRLib.answers import Question
from MedSegRLib.batch.regions import regions_of
from MedSegRLib.imaging import Plane

__all__ = ["BatchQuestion", "QuestionFile", "SeriesRules"]


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
        Conditions; empty for none. Of each, one must fit.
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

    def why_not(self, modality: str, body_part: str) -> str | None:
        """Why it does not fit a study; None where it does.

        Parameters
        ----------
        modality, body_part
            What is known of the study. What nobody says ("", "unknown", a body part of no known region) is no
            reason to leave a question out: files rarely say it, and many DICOM headers do not either. A body
            part is compared by the regions that it shows, so that a question about the brain fits a head.
        """
        if self.modality and modality not in ("", "unknown") and modality not in self.modality:
            return f"It is asked of {_listed(self.modality)} only, and this is {modality}."
        shown = regions_of(body_part) if self.body_part else frozenset()
        if shown and not any(shown & regions_of(part) for part in self.body_part):
            return f"It is asked of {_listed(self.body_part)} only, and this shows {body_part}."
        return None


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

    def why_not(self, modality: str, description: str, slices: int) -> str | None:
        """Why a scan is not chosen; None where it is. "" and 0 stand for what is not known."""
        if self.modality and modality not in ("", "unknown") and modality not in self.modality:
            return f"The rules choose {_listed(self.modality)}, and this is {modality}."
        if self.include and description and not re.search(self.include, description, re.IGNORECASE):
            return f"Its description does not contain '{self.include}', which the rules want."
        if self.exclude and re.search(self.exclude, description, re.IGNORECASE):
            return f"Its description contains '{self.exclude}', which the rules leave out."
        if slices and slices < self.fewest_slices:
            return f"It has {_slices(slices)}, and the rules want {self.fewest_slices} or more."
        if self.most_slices is not None and slices > self.most_slices:
            return f"It has {_slices(slices)}, and the rules want {self.most_slices} or fewer."
        return None


@dataclass(frozen=True)
class QuestionFile:
    """What a question file says.

    Attributes
    ----------
    questions
        A conversation stands together: each question is followed by those that follow it up.
    series
        Which scans are asked about.
    """

    questions: tuple[BatchQuestion, ...]
    series: SeriesRules = field(default_factory=SeriesRules)

    def choose(self, modality: str, body_part: str) -> tuple[list[BatchQuestion], list[tuple[str, str]]]:
        """What is asked of a study, in order, and (id, sentence) of what is not.

        Parameters
        ----------
        modality, body_part
            As of `BatchQuestion.why_not`. A question that follows one that is not asked is not asked either.
        """
        asked: list[BatchQuestion] = []
        left_out: dict[str, str] = {}
        for question in self.questions:
            why = question.why_not(modality, body_part)
            if why is None and question.after in left_out:
                why = f"It follows '{question.after}', which is not asked."
            if why is None:
                asked.append(question)
            else:
                left_out[question.id] = why
        return asked, list(left_out.items())


def _listed(names: tuple[str, ...]) -> str:
    return " or ".join(names)


def _slices(count: int) -> str:
    return "1 slice" if count == 1 else f"{count} slices"
