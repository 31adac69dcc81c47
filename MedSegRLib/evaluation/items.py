"""MedSeg-QA as a test: its questions are asked in their order, its masks are the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.answers import Question
from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.format import Item, ItemExchange, MaskReference, read_items
from MedSegRLib.dataset.validate import grid_of, same_grid
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Modality, Volume, read_volume

from .asking import Conversation, Opener, found_parts, refused
from .metrics import dice, hd95_mm, right_target
from .results import PatientPart, QuestionScore, part_names
from .structures16 import PartScore

__all__ = ["medsegqa"]

GROUP = "MedSeg-QA"


def medsegqa(
    path: Path, open_session: Opener, tell: Callable[[str], None]
) -> Iterator[PatientPart | QuestionScore]:
    """Ask what a data set asks; follow-ups lean on the model's own earlier answers.

    A question with present targets is right if exactly those parts are shown; one without is right if
    nothing is shown and the text refuses. Each question counts once more for N-Acc (nothing present) or
    T-Acc (the parts are among those shown), and an implicit one among the implicit ones. Rejected items
    are left out.

    Raises
    ------
    DatasetError
        If a line, scan or mask cannot be read.
    """
    opened: tuple[str, Volume, Conversation] | None = None
    for item in read_items(path):
        if item.review.value == "rejected":
            continue
        # Items about one scan follow each other, so its embeddings are made once.
        if opened is None or opened[0] != item.image:
            modality = Modality(item.modality)
            known = None if modality is Modality.UNKNOWN else modality
            volume = read_volume(path.parent / item.image, modality=known)
            opened = (item.image, volume, open_session(volume))
        _, volume, session = opened
        session.forget()
        for exchange in item.exchanges:
            yield from _exchange(item, exchange, volume, session, path.parent)
        tell(f"{item.id}: {len(item.exchanges)} questions asked")


def _exchange(
    item: Item, exchange: ItemExchange, volume: Volume, session: Conversation, folder: Path
) -> Iterator[PatientPart | QuestionScore]:
    # Slices are those of a plane; a whole scan is asked about in the model's own.
    plane = item.plane if item.slices else None
    answer = session.ask(Question(exchange.question, plane=plane, slices=item.slices))
    shown = found_parts(answer)
    expected = {(t.structure, t.side) for t in exchange.targets if t.present}
    score = QuestionScore(
        suite="medsegqa",
        kind=exchange.question_type.value,
        group=GROUP,
        patient=item.patient,
        question=exchange.question,
        expected=part_names(expected),
        found=part_names(shown),
        right=right_target(set(shown), expected) if expected else refused(answer),
        text=answer.text,
        structures=tuple(sorted({t.structure for t in exchange.targets})),
    )
    yield score
    if not expected:
        yield replace(score, suite="absent")
    else:
        yield replace(score, suite="present", right=expected <= set(shown))
    if exchange.question_type is QuestionType.IMPLICIT:
        yield replace(score, suite="implicit")
    for target in exchange.targets:
        if target.present and target.mask is not None:
            truth = _mask(target.mask, folder, volume)
            mask, confidence = shown.get((target.structure, target.side), (np.zeros_like(truth), None))
            distance = hd95_mm(mask, truth, volume.spacing_mm)
            part = PartScore(
                target.structure, target.side, dice(mask, truth), distance, bool(mask.any()), confidence
            )
            yield PatientPart(GROUP, item.patient, part)


def _mask(reference: MaskReference, folder: Path, volume: Volume) -> npt.NDArray[np.bool_]:
    try:
        image = sitk.ReadImage(str(folder / reference.file))
    except RuntimeError as error:
        raise DatasetError(f"The mask {reference.file} cannot be read; validate the data set.") from error
    labels = sitk.GetArrayFromImage(image)
    if labels.ndim == 2:
        labels = labels[np.newaxis]
    # A picture has no place in space that could differ.
    size, place = grid_of(image)
    own = volume.shape_kji[::-1]
    if not same_grid((size, place if volume.spacing_known else volume.ijk_to_ras), (own, volume.ijk_to_ras)):
        raise DatasetError(f"The mask {reference.file} is not on its image's grid; validate the data set.")
    return np.isin(labels, reference.labels) if reference.labels else labels != 0
