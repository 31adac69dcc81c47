"""Targets: which parts a model is taught, and the label ids that draw each of them.

A *part* is a structure on one side; structures without sides have one part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from MedSegRLib.anatomy import AnatomyTable, Side

__all__ = ["SIDE_CODE", "PartTargets", "other_side"]

SIDE_CODE = {Side.NONE: 0, Side.LEFT: 1, Side.RIGHT: 2}
_LARGEST_ID = 2048


def other_side(side: Tensor) -> Tensor:
    """Codes of sides, left and right swapped."""
    return torch.where(side > 0, 3 - side, side)


@dataclass(frozen=True)
class PartTargets:
    """The parts of a list of structures, in a fixed order.

    `parts` are (structure number, side); `structure_of_id` and `side_of_id` are lookups over
    FreeSurfer-style ids: structure number + 1, 0 for background; side 0 none, 1 left, 2 right.
    """

    structures: tuple[str, ...]
    parts: tuple[tuple[int, Side], ...]
    structure_of_id: Tensor
    side_of_id: Tensor

    @classmethod
    def of(cls, table: AnatomyTable, structures: Sequence[str]) -> PartTargets:
        """Look the ids of each structure up in the anatomy table; structures beyond the brain have none."""
        structure_of_id = np.zeros(_LARGEST_ID, np.int64)
        side_of_id = np.zeros(_LARGEST_ID, np.int64)
        parts: list[tuple[int, Side]] = []
        for number, name in enumerate(structures):
            ids_by_side = dict(table.structures[name].freesurfer)
            for side in (Side.LEFT, Side.RIGHT) if table.structures[name].sided else (Side.NONE,):
                parts.append((number, side))
                ids = list(ids_by_side.get(side, ()))
                structure_of_id[ids] = number + 1
                side_of_id[ids] = SIDE_CODE[side]
        return cls(
            tuple(structures), tuple(parts), torch.from_numpy(structure_of_id), torch.from_numpy(side_of_id)
        )

    def draw(self, labels: Tensor, mirrored: bool) -> tuple[Tensor, Tensor]:
        """Turn ids [H, W] into structure numbers + 1 and sides, both int64 [H, W]."""
        structure, side = self.structure_of_id[labels], self.side_of_id[labels]
        if mirrored:
            side = other_side(side)
        return structure, side

    def mask(self, structure: Tensor, side: Tensor, part: int) -> Tensor:
        """Boolean mask of one part."""
        number, which = self.parts[part]
        return (structure == number + 1) & (side == SIDE_CODE[which])
