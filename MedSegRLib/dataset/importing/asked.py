"""Asked: conversations of one question each, from the questions that came with a source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from MedSegRLib import __version__
from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.errors import DatasetError

from ..conversation import QuestionType
from ..format import Item, ItemExchange, ItemProvenance, ItemTarget, MaskReference
from ..relative import relative
from ..source import Source, SourceLabel, SourceQuestion
from .reasonseg import IGNORED_NAME

__all__ = ["items_asked"]


def items_asked(source: Source, table: AnatomyTable, folder: Path, annotator: str) -> Iterator[Item]:
    """Write an item for each question of a source.

    Parameters
    ----------
    source
        With questions; without any, nothing is yielded.
    table
        The anatomy table.
    folder
        The folder of the data set's file.
    annotator
        Who asked, such as "ReasonSeg".

    Raises
    ------
    DatasetError
        If what answers a question is not in the anatomy table.
    """
    if source.image is None:
        raise DatasetError(f"The scan of patient '{source.patient}' has questions and no image; give one.")
    ignored = tuple(label.value for label in source.labels if label.name == IGNORED_NAME)
    for number, question in enumerate(source.questions, 1):
        labels = [one for one in source.labels if one.file == question.file and one.value in question.values]
        targets = tuple(_target(label, table, folder, ignored) for label in labels)
        yield Item(
            # With a sign that no name of an exported file has, so that they do not meet.
            id=source.study if number == 1 else f"{source.study}#{number}",
            patient=source.patient,
            study=source.study,
            image=relative(source.image, folder),
            modality=source.modality,
            region=source.region,
            plane=source.plane,
            split=source.split or "train",
            exchanges=(_exchange(question, targets, table),),
            provenance=ItemProvenance(annotator, __version__),
        )


def _target(label: SourceLabel, table: AnatomyTable, folder: Path, ignored: tuple[int, ...]) -> ItemTarget:
    if label.structure is None:
        raise DatasetError(
            f"The target '{label.name}' of {label.file.name} is not in the anatomy table; say what it is."
        )
    structure = table[label.structure]
    mask = MaskReference(relative(label.file, folder), (label.value,), ignored)
    return ItemTarget(structure.side_name(label.side), structure.id, label.side, True, mask)


def _exchange(question: SourceQuestion, targets: tuple[ItemTarget, ...], table: AnatomyTable) -> ItemExchange:
    named = table.lookup(question.text)
    kind = QuestionType.IMPLICIT
    if len(targets) > 1:
        kind = QuestionType.SEVERAL
    elif named is not None and named[0].id == targets[0].structure:
        kind = QuestionType.DIRECT
    said = " and ".join(f"the <p>{target.phrase}</p>[SEG]" for target in targets)
    return ItemExchange(
        question.text, f"It is {said}." if len(targets) == 1 else f"These are {said}.", kind, targets
    )
