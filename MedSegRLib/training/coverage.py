"""Coverage: what of a scan the labels tell, and what may be there although nobody drew it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.dataset.building.field_of_view import outside_of

from .targets import PartTargets

__all__ = ["Coverage", "DrawnSlice"]


@dataclass(frozen=True)
class Coverage:
    """What the labels of a scan tell.

    Attributes
    ----------
    region
        What the scan is of.
    unknown
        bool [structures + 1]: what a pixel with nothing drawn on it may be; index 0, nothing, is always so.
    sure
        bool [parts]: whether a part that is not drawn on a slice is not there.
    """

    region: str
    unknown: Tensor
    sure: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls, region: str, targets: PartTargets, missing: Collection[str], unsided: Collection[str] = ()
    ) -> Coverage:
        """Of labels that leave out `missing` structures, and do not tell the sides of `unsided` ones."""
        unknown = torch.tensor([True, *(name in missing for name in targets.structures)])
        # Of a structure whose sides were not told apart nobody knows which is there.
        unsure = {*missing, *unsided}
        sure = np.array([targets.structures[number] not in unsure for number, _ in targets.parts])
        return cls(region, unknown, sure)

    @classmethod
    def of_heads(cls, targets: PartTargets, table: AnatomyTable) -> Coverage:
        """Of made-up heads: their label maps draw the brain, and a head shows more than that."""
        outside = outside_of("brain", table)
        missing = [n for n in targets.structures if not table[n].freesurfer and n not in outside]
        return cls.of("brain", targets, missing)


@dataclass(frozen=True)
class DrawnSlice:
    """One slice as a model sees it, and what is drawn on it.

    `image` float32 [C, H, W] in 0..1; `structure`, `side` int64 [H, W] as `PartTargets.draw` gives them.
    """

    image: Tensor
    structure: Tensor
    side: Tensor
    coverage: Coverage
