"""MedSeg-QA as a test: its questions are asked in their order, its masks are the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.dataset.format import Item, ItemExchange, MaskReference, read_items
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume, read_volume

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
    nothing is shown and the text refuses. Rejected items are left out.

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
            volume = read_volume(path.parent / item.image)
            opened = (item.image, volume, open_session(volume))
        _, volume, session = opened
        session.forget()
        for exchange in item.exchanges:
            yield from _exchange(item, exchange, volume, session, path.parent)
        tell(f"{item.id}: {len(item.exchanges)} questions asked")


def _exchange(
    item: Item, exchange: ItemExchange, volume: Volume, session: Conversation, folder: Path
) -> Iterator[PatientPart | QuestionScore]:
    answer = session.ask(exchange.question)
    shown = found_parts(answer)
    expected = {(t.structure, t.side) for t in exchange.targets if t.present}
    yield QuestionScore(
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
    for target in exchange.targets:
        if target.present and target.mask is not None:
            truth = _mask(target.mask, folder, volume)
            mask, confidence = shown.get((target.structure, target.side), (np.zeros_like(truth), None))
            distance = hd95_mm(mask, truth, volume.spacing_mm)
            score = PartScore(
                target.structure, target.side, dice(mask, truth), distance, bool(mask.any()), confidence
            )
            yield PatientPart(GROUP, item.patient, score)


def _mask(reference: MaskReference, folder: Path, volume: Volume) -> npt.NDArray[np.bool_]:
    try:
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / reference.file)))
    except RuntimeError as error:
        raise DatasetError(f"The mask {reference.file} cannot be read; validate the data set.") from error
    if labels.ndim == 2:
        labels = labels[np.newaxis]
    if labels.shape != volume.shape_kji:
        raise DatasetError(f"The mask {reference.file} is not on its image's grid; validate the data set.")
    return np.isin(labels, reference.labels) if reference.labels else labels != 0
