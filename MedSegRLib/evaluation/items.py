"""MedSeg-QA as a test: its questions are asked in their order, its masks are the truth.

The same judge scores what another system has said, when that is written down in the same format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from MedSegRLib.answers import Question, visible_text
from MedSegRLib.dataset.format import Item, ItemExchange, read_items
from MedSegRLib.dataset.masks import read_mask
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Modality, Volume, read_volume

from .asking import Conversation, Opener, Reply, Shown
from .gallery import Gallery
from .item_scores import GROUP, Asked, part_scores, scores_of
from .results import PatientPart, QuestionScore

__all__ = ["FORCED", "medsegqa", "predicted"]

FORCED = f"{GROUP}, teacher-forced (masks of the data set's own answers, not the model's)"

Progress = Callable[[str], None]


def medsegqa(
    path: Path,
    open_session: Opener,
    tell: Progress,
    *,
    forced: bool = False,
    gallery: Gallery | None = None,
    split: str | None = None,
) -> Iterator[PatientPart | QuestionScore]:
    """Ask what a data set asks; follow-ups lean on the model's own earlier answers.

    Rejected items are left out; see `item_scores.scores_of` for what counts as right.

    Parameters
    ----------
    path
        The .jsonl file.
    open_session, tell
        Opens a conversation about a scan; is told how far it is.
    forced
        Score besides, in a group of its own, the masks that the data set's answers get.
    gallery
        Keeps pictures of the worst masks.
    split
        Only what belongs to this one, such as "development".

    Raises
    ------
    DatasetError
        If a line, scan or mask cannot be read.
    """
    opened: tuple[Volume, Conversation] | None = None
    for item, volume in _scans(path, split):
        if opened is None or opened[0] is not volume:
            opened = (volume, open_session(volume))
        session = opened[1]
        session.forget()
        # Slices are those of a plane; a whole scan is asked about in the model's own.
        plane = item.plane if item.slices else None
        for turn, exchange in enumerate(item.exchanges, 1):
            asked = Asked(item, turn, volume, path.parent)
            question = Question(exchange.question, plane=plane, slices=item.slices)
            yield from scores_of(asked, Reply.of(session.ask(question)), gallery)
            if forced and asked.expected:
                yield from _forced(asked, Reply.of(session.ground(question, exchange.answer)))
        tell(f"{item.id}: {len(item.exchanges)} questions asked")


def predicted(
    path: Path, predictions: Path, tell: Progress, *, gallery: Gallery | None = None
) -> Iterator[PatientPart | QuestionScore]:
    """Score what a system has said to a data set's questions.

    Parameters
    ----------
    path
        The data set, which knows the truth.
    predictions
        The same items by id, with the same questions; answers and targets are the system's. The masks
        lie beside this file.
    tell, gallery
        As of `medsegqa`.

    Raises
    ------
    DatasetError
        If items, questions or masks of both do not fit together, or cannot be read.
    """
    said = _fitting(path, predictions)
    for item, volume in _scans(path):
        for turn in range(1, len(item.exchanges) + 1):
            reply = _reply(said[item.id].exchanges[turn - 1], item.id, predictions.parent, volume)
            yield from scores_of(Asked(item, turn, volume, path.parent), reply, gallery)
        tell(f"{item.id}: {len(item.exchanges)} answers scored")


def _scans(path: Path, split: str | None = None) -> Iterator[tuple[Item, Volume]]:
    """Every item but the rejected ones, of one split or all, with its scan."""
    opened: tuple[str, Volume] | None = None
    for item in read_items(path):
        if item.review.value == "rejected" or split not in (None, item.split):
            continue
        # Items about one scan follow each other, so it is read, and its embeddings are made, once.
        if opened is None or opened[0] != item.image:
            modality = Modality(item.modality)
            known = None if modality is Modality.UNKNOWN else modality
            opened = (item.image, read_volume(path.parent / item.image, modality=known))
        yield item, opened[1]


def _forced(asked: Asked, reply: Reply) -> Iterator[PatientPart]:
    # Without a confidence: nobody was told one, so it has no part in the calibration.
    judged = asked.judged(reply)
    shown = tuple(replace(one, confidence=None) for one in judged.shown)
    yield from part_scores(asked, replace(judged, shown=shown), asked.truth(), group=FORCED)


def _fitting(path: Path, predictions: Path) -> dict[str, Item]:
    """The predictions by id, once they are known to answer the data set, item by item."""
    said: dict[str, Item] = {}
    for item in read_items(predictions):
        if item.id in said:
            raise DatasetError(f"{predictions} has two items {item.id}; keep one of them.")
        said[item.id] = item
    known = set()
    for item in read_items(path):
        known.add(item.id)
        if item.review.value == "rejected":
            continue
        if item.id not in said:
            raise DatasetError(f"{predictions} lacks the item {item.id} of {path.name}; answer all of them.")
        answered = [exchange.question for exchange in said[item.id].exchanges]
        if answered != [exchange.question for exchange in item.exchanges]:
            raise DatasetError(
                f"The questions of {item.id} in {predictions} are not those of {path.name}; "
                "answer the same ones in the same order."
            )
    strangers = sorted(set(said) - known)
    if strangers:
        raise DatasetError(f"{predictions} has the item {strangers[0]}, which {path.name} lacks; remove it.")
    return said


def _reply(exchange: ItemExchange, name: str, folder: Path, volume: Volume) -> Reply:
    """What a system said; a target that is present has a mask, however empty."""
    shown = []
    for target in exchange.targets:
        if not target.present:
            continue
        if target.mask is None:
            raise DatasetError(
                f"'{target.phrase}' of {name} is said to be there and has no mask; give it one or say absent."
            )
        mask = read_mask(target.mask, folder, volume)
        if mask.any():
            shown.append(Shown((target.structure, target.side), mask, None))
    absent = any(not target.present for target in exchange.targets)
    return Reply(visible_text(exchange.answer), tuple(shown), absent)
