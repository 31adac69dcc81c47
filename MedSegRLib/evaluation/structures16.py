"""The 16 brain structures in 29 parts: which labels draw them in two protocols, and how they are scored."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import Side
from MedSegRLib.resources import resource_path

from .metrics import dice, hausdorff_mm, surface_gaps_mm, surface_share

__all__ = ["PROTOCOLS", "Part", "PartScore", "Protocol", "load_protocol", "score_parts"]

Part = tuple[str, Side]
PROTOCOLS = ("freesurfer", "neuromorphometrics")


@dataclass(frozen=True)
class Protocol:
    """How one protocol draws the parts.

    `labels` are the ids of each part, in the order of the parts; `parity` is (lowest id, 0 or 1) for a
    part that is every even or odd id from there on; voxels of `unscored` ids count for nothing.
    """

    name: str
    labels: Mapping[Part, tuple[int, ...]]
    parity: Mapping[Part, tuple[int, int]]
    unscored: tuple[int, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The 29 parts."""
        return tuple(self.labels)

    def mask(self, labels: npt.NDArray[np.integer], part: Part) -> npt.NDArray[np.bool_]:
        """Mask of a part in a label map, of the same shape."""
        mask: npt.NDArray[np.bool_] = np.isin(labels, self.labels[part])
        if part in self.parity:
            lowest, remainder = self.parity[part]
            mask |= (labels >= lowest) & (labels % 2 == remainder)
        return mask

    def scored(self, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """The voxels that count."""
        return ~np.isin(labels, self.unscored)


@dataclass(frozen=True)
class PartScore:
    """How well one part of one scan was found; `found` False is a Dice of 0 that still counts.

    Distances are NaN for a scan whose pixels have no known size.
    """

    structure: str
    side: Side
    dice: float
    hd95_mm: float
    found: bool
    confidence: float | None = None
    surface_dice: float = float("nan")

    @classmethod
    def of(
        cls,
        part: Part,
        mask: npt.NDArray[np.bool_],
        truth: npt.NDArray[np.bool_],
        spacing_mm: tuple[float, float, float] | None,
        confidence: float | None,
    ) -> PartScore:
        """Score a mask bool [K, J, I] against the true one; spacing along I, J, K, None if not known."""
        distance = near = float("nan")
        if spacing_mm is not None:
            gaps = surface_gaps_mm(mask, truth, spacing_mm)
            distance, near = hausdorff_mm(gaps), surface_share(gaps)
        return cls(*part, dice(mask, truth), distance, bool(mask.any()), confidence, near)


@cache
def load_protocol(name: str) -> Protocol:
    """Read a protocol, "freesurfer" or "neuromorphometrics"; another name is a KeyError."""
    data = json.loads(resource_path("Evaluation", "structures16.json").read_text(encoding="utf-8"))
    labels: dict[Part, tuple[int, ...]] = {}
    parity: dict[Part, tuple[int, int]] = {}
    for entry in data["parts"]:
        part, ids = (entry["structure"], Side(entry["side"])), entry[name]
        if isinstance(ids, dict):
            labels[part], parity[part] = (), (ids["from"], {"even": 0, "odd": 1}[ids["parity"]])
        else:
            labels[part] = tuple(ids)
    return Protocol(name, labels, parity, tuple(data["unscored"][name]))


def score_parts(
    found: Mapping[Part, tuple[npt.NDArray[np.bool_], float | None]],
    labels: npt.NDArray[np.integer],
    protocol: Protocol,
    spacing_mm: tuple[float, float, float],
    parts: Collection[Part] | None = None,
) -> list[PartScore]:
    """Score the masks of a scan on its own grid.

    Parameters
    ----------
    found
        Mask bool [K, J, I] and confidence, if it was told, of each part that was found.
    labels
        The label map [K, J, I].
    protocol
        How it was drawn.
    spacing_mm
        Along I, J, K.
    parts
        Those that were asked for; None for all.

    Returns
    -------
    One score for each part that the label map draws; a part that was not found scores 0.
    """
    scored = protocol.scored(labels)
    scores = []
    for part in protocol.parts:
        truth = protocol.mask(labels, part) & scored
        if not truth.any() or (parts is not None and part not in parts):
            continue
        mask, confidence = found.get(part, (np.zeros_like(truth), None))
        scores.append(PartScore.of(part, mask & scored, truth, spacing_mm, confidence))
    return scores
