"""Round trip: a model reads the questions alone; where its masks are others, a reviewer is told.

Disagreement may be the model's fault, so nothing is dropped for it. What the model does not offer is not
asked, and the report says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers import Question
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Modality, read_volume

from ..conversation import Exchange, QuestionType
from ..sides import as_drawn
from .examining import Examined
from .facts import Part

if TYPE_CHECKING:
    from MedSegRLib.answers import Answer
    from MedSegRLib.model import MedSegR
    from MedSegRLib.reasoning import Session

__all__ = ["RoundTrip", "RoundTripSettings", "Trip"]

Masks = dict[Part, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class RoundTripSettings:
    """Which model reads which share of the items, and the Dice from which masks agree."""

    model: str = "mini"
    share: float = 0.02
    least_dice: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 1.0 or not 0.0 < self.least_dice < 1.0:
            raise DatasetError(
                "share and least_dice of [round_trip] lie between 0 and 1; correct the recipe."
            )


@dataclass(frozen=True)
class Trip:
    """What came of an item's round trip.

    Attributes
    ----------
    tried
        Exchanges that the model was asked, counted from 1.
    not_tried
        Exchange -> why it was not asked.
    flags
        What the model drew otherwise than the labels, in sentences.
    """

    tried: tuple[int, ...]
    not_tried: Mapping[int, str]
    flags: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As the build's journal keeps it."""
        return {
            "tried": list(self.tried),
            "not_tried": [{"exchange": n, "why": why} for n, why in self.not_tried.items()],
            "flags": list(self.flags),
        }


class RoundTrip:
    """Asks a model what an item asks; one session for all items of a scan.

    Only what the model offers is asked: what it was not taught it cannot judge. A question that stands alone
    is asked alone; a follow-up hears the earlier exchanges as the item has them, so that one mistake of the
    model is not told twice.

    Parameters
    ----------
    model
        As `open_model` gives it.
    settings
        See there.
    """

    def __init__(self, model: MedSegR, settings: RoundTripSettings) -> None:
        self.model, self.settings = model, settings
        self._opened: tuple[Path, Session] | None = None

    def takes(self, item_id: str) -> bool:
        """Whether an item is among those drawn: by its id, so that a stop does not draw others."""
        return int(hashlib.sha256(item_id.encode()).hexdigest()[:8], 16) / 2**32 < self.settings.share

    def of(
        self, exchanges: Sequence[Exchange], examined: Examined, image: Path, slice_index: int | None
    ) -> Trip:
        """Ask the model; nothing is opened where it offers nothing of an item."""
        scan = self._scan_not_offered(examined, slice_index)
        why = {n: scan or self._not_offered(exchange) for n, exchange in enumerate(exchanges, 1)}
        tried = tuple(n for n, reason in why.items() if not reason)
        flags: list[str] = []
        for number in tried:
            session = self._session(image, examined.source.modality)
            exchange = exchanges[number - 1]
            leans = exchange.question_type is QuestionType.FOLLOW_UP
            session.take_over((e.question, e.answer, ()) for e in exchanges[: number - 1] if leans)
            flags += self._flags(session, number, exchange, examined, slice_index)
        return Trip(tried, {n: reason for n, reason in why.items() if reason}, tuple(flags))

    def _scan_not_offered(self, examined: Examined, slice_index: int | None) -> str:
        """Why nothing of a scan can be asked; "" where the model knows such scans."""
        config, source = self.model.config, examined.source
        if source.region not in config.regions:
            return f"the model was not taught the {source.region}"
        if source.modality not in config.modalities:
            return f"the model was not taught the modality {source.modality}"
        if slice_index is not None and examined.plane.value != config.plane:
            return f"the model was not taught {examined.plane.value} slices"
        return ""

    def _not_offered(self, exchange: Exchange) -> str:
        """Why an exchange cannot be asked; what is not there must be known to the model as well."""
        unknown = [t.structure for t in exchange.targets if t.structure not in self.model.config.offered]
        return f"the model does not offer {unknown[0]}" if unknown else ""

    def _flags(
        self, session: Session, number: int, exchange: Exchange, examined: Examined, slice_index: int | None
    ) -> list[str]:
        slices = None if slice_index is None else (slice_index, slice_index)
        plane = examined.plane if slices else None
        expected = [(t.structure, t.side) for t in exchange.targets if t.present]
        shown = _masks(session.ask(Question(exchange.question, plane=plane, slices=slices)), expected)
        told = []
        for part in expected:
            truth = examined.mask_kji(part, slice_index)
            dice = _dice(shown.get(part, np.zeros_like(truth)), truth)
            if dice < self.settings.least_dice:
                told.append(_told(number, part, f"Dice {dice:.2f}"))
        return told + [_told(number, part, "not asked for") for part in shown if part not in expected]

    def _session(self, image: Path, modality: str) -> Session:
        from MedSegRLib.reasoning import Session

        if self._opened is None or self._opened[0] != image:
            known = Modality(modality) if modality in ("MR", "CT") else None
            self._opened = (image, Session(read_volume(image, modality=known), self.model))
        return self._opened[1]


def _masks(answer: Answer, expected: Sequence[Part]) -> Masks:
    """Masks by part; either side counts where nobody told the sides apart."""
    masks: Masks = {}
    for finding in answer.findings:
        if finding.mask.any():
            part = as_drawn((finding.structure or finding.phrase, finding.side), expected)
            masks[part] = masks.get(part, np.zeros_like(finding.mask)) | finding.mask
    return masks


def _dice(found: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    total = int(found.sum()) + int(truth.sum())
    return 2.0 * int((found & truth).sum()) / total if total else 1.0


def _told(number: int, part: Part, what: str) -> str:
    side = "" if part[1].value == "none" else f"{part[1].value} "
    return f"Round trip, exchange {number}: {side}{part[0]}, {what}."
