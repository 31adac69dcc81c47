"""Round trip: a model reads the questions alone; where its masks are others, a reviewer is told.

Disagreement may be the model's fault, so nothing is dropped for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers import Question
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Modality, read_volume

from ..conversation import Exchange
from .examining import Examined
from .facts import Part

if TYPE_CHECKING:
    from MedSegRLib.answers import Answer
    from MedSegRLib.model import MedSegR
    from MedSegRLib.reasoning import Session

__all__ = ["RoundTrip", "RoundTripSettings"]

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


class RoundTrip:
    """Asks a model what an item asks; one session for all items of a scan.

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

    def takes(
        self, item_id: str, exchanges: Sequence[Exchange], examined: Examined, slice_index: int | None
    ) -> bool:
        """Whether an item is among those drawn, and of what the model knows: structures, region, plane."""
        drawn = int(hashlib.sha256(item_id.encode()).hexdigest()[:8], 16) / 2**32 < self.settings.share
        config = self.model.config
        known = {t.structure for e in exchanges for t in e.targets if t.present} <= set(config.offered)
        return (
            drawn
            and known
            and (slice_index is None or examined.plane.value == config.plane)
            and examined.source.region in config.regions
            and examined.source.modality in (*config.modalities, Modality.UNKNOWN.value)
        )

    def flags(
        self, exchanges: Sequence[Exchange], examined: Examined, image: Path, slice_index: int | None
    ) -> list[str]:
        """What the model drew otherwise than the labels, in sentences; empty where it agrees."""
        session = self._session(image, examined.source.modality)
        session.forget()
        told = []
        slices = None if slice_index is None else (slice_index, slice_index)
        plane = examined.plane if slices else None
        for number, exchange in enumerate(exchanges, 1):
            shown = _masks(session.ask(Question(exchange.question, plane=plane, slices=slices)))
            expected = [(t.structure, t.side) for t in exchange.targets if t.present]
            for part in expected:
                truth = examined.mask_kji(part, slice_index)
                dice = _dice(shown.get(part, np.zeros_like(truth)), truth)
                if dice < self.settings.least_dice:
                    told.append(_told(number, part, f"Dice {dice:.2f}"))
            told += [_told(number, part, "not asked for") for part in shown if part not in expected]
        return told

    def _session(self, image: Path, modality: str) -> Session:
        from MedSegRLib.reasoning import Session

        if self._opened is None or self._opened[0] != image:
            known = Modality(modality) if modality in ("MR", "CT") else None
            self._opened = (image, Session(read_volume(image, modality=known), self.model))
        return self._opened[1]


def _masks(answer: Answer) -> Masks:
    masks: Masks = {}
    for finding in answer.findings:
        if finding.mask.any():
            part = (finding.structure or finding.phrase, finding.side)
            masks[part] = masks.get(part, np.zeros_like(finding.mask)) | finding.mask
    return masks


def _dice(found: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    total = int(found.sum()) + int(truth.sum())
    return 2.0 * int((found & truth).sum()) / total if total else 1.0


def _told(number: int, part: Part, what: str) -> str:
    side = "" if part[1].value == "none" else f"{part[1].value} "
    return f"Round trip, exchange {number}: {side}{part[0]}, {what}."
