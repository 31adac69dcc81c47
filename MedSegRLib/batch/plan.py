"""Plan: which studies there are, what each is asked, and why the rest is left out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from MedSegRLib.batch.found import LeftOut
from MedSegRLib.batch.listing import find_studies
from MedSegRLib.batch.names import unique_keys
from MedSegRLib.batch.patient_names import without_names
from MedSegRLib.batch.questions import BatchQuestion, QuestionFile
from MedSegRLib.batch.study import Study
from MedSegRLib.imaging.itk import printable

__all__ = ["Plan", "Task", "plan"]


@dataclass(frozen=True)
class Task:
    """A study and the questions that fit it, in the order that they are asked in."""

    study: Study
    questions: tuple[BatchQuestion, ...]


@dataclass(frozen=True)
class Plan:
    """All that a batch does, sorted by the studies' keys, and all that it does not.

    Attributes
    ----------
    left_out
        With paths as they are, which may tell patients' names; see `told`.
    name_words
        Words of patients' names that paths and descriptions tell.
    """

    tasks: tuple[Task, ...]
    left_out: tuple[LeftOut, ...]
    name_words: frozenset[str] = field(default=frozenset(), repr=False)

    def told(self, text: str, *, names: bool) -> str:
        """A text as it may be told: without patients' names, unless names were asked for."""
        return text if names else without_names(text, self.name_words)

    def lines(self, *, names: bool = False) -> Iterator[str]:
        """The plan as a person reads it, line by line.

        Parameters
        ----------
        names
            Whether patients' names are shown.
        """
        for task in self.tasks:
            study = task.study
            slices = _counted(study.slices, "slice") if study.slices else ""
            known = (study.modality, study.body_part, slices, study.patient if names else "")
            called = self.told(_called(study), names=names)
            yield ", ".join([f"{study.key}: {called}", *filter(None, known)])
            yield from (f"    {question.id}: {question.text}" for question in task.questions)
        if self.left_out:
            yield "Left out:"
        yield from (self.told(f"    {one.what}: {one.why}", names=names) for one in self.left_out)
        asked = sum(len(task.questions) for task in self.tasks)
        yield (
            f"{_counted(len(self.tasks), 'study', 'studies')}, {_counted(asked, 'question')}; "
            f"{len(self.left_out)} left out."
        )


def plan(inputs: Sequence[Path], questions: QuestionFile) -> Plan:
    """Find the studies of the inputs by their headers and choose what each is asked.

    Parameters
    ----------
    inputs
        Folders of any nesting, image files, DICOM files, scenes (.mrml, .mrb), lists (.csv, .jsonl). Their
        order does not matter.
    questions
        What is asked, and of which scans.

    Raises
    ------
    ImageReadError
        If an input is not there.
    BatchError
        If a list of studies makes no sense.
    """
    found = find_studies(inputs)
    left_out = list(found.left_out)
    chosen: list[Study] = []
    for study in found.studies:
        why = questions.series.why_not(study.modality, study.description, study.slices)
        if why is None:
            chosen.append(study)
        else:
            left_out.append(LeftOut(_called(study), why))
    tasks = []
    places = [os.path.realpath(study.paths[0]) + study.part for study in chosen]
    called = [without_names(study.key, found.name_words, "patient") for study in chosen]
    for key, study in zip(unique_keys(called, places), chosen, strict=True):
        asked, not_asked = questions.choose(study.modality, study.body_part)
        left_out += [LeftOut(f"{key}, question {name}", why) for name, why in not_asked]
        if asked:
            told = replace(study, key=key, name_words=found.name_words)
            tasks.append(Task(told, tuple(asked)))
        else:
            left_out.append(LeftOut(_called(study), "No question fits it."))
    tasks.sort(key=lambda task: task.study.key)
    # Inputs that lie in each other tell the same twice.
    once = sorted(set(left_out), key=lambda one: (one.what, one.why))
    return Plan(tuple(tasks), tuple(once), found.name_words)


def _counted(count: int, singular: str, plural: str = "") -> str:
    return f"{count} {singular if count == 1 else plural or f'{singular}s'}"


def _called(study: Study) -> str:
    if study.kind == "dicom":
        return printable(f"{study.paths[0].parent} ({study.description or 'no description'})")
    path = str(study.paths[0])
    return printable(f"{path} ({study.description})" if study.kind == "scene" else path)
