"""Scene: what a label map says is in a scan, in millilitres, and what can be asked of it for sure.

A structure without voxels counts as absent only where that is certain: its region is not in the field of
view, or the label map draws that structure wherever it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.errors import DatasetError

from .conversation import Scene

__all__ = ["absent_parts", "parts_of", "scene_of"]

Part = tuple[str, Side]


def parts_of(structures: Iterable[str], table: AnatomyTable) -> tuple[Part, ...]:
    """Every (structure, side) of the structures: two for a sided one, else one with `Side.NONE`."""
    return tuple(
        (name, side)
        for name in structures
        for side in ((Side.LEFT, Side.RIGHT) if table[name].sided else (Side.NONE,))
    )


def scene_of(
    labels: npt.NDArray[np.integer],
    voxel_ml: float,
    table: AnatomyTable,
    offered: Sequence[str],
    *,
    region: str = "brain",
    undrawn: Sequence[str] = (),
) -> Scene:
    """Compute the scene of a label map with FreeSurfer-style ids.

    Parameters
    ----------
    labels
        Integer ids [K, J, I] (or any shape), 0 outside.
    voxel_ml
        Millilitres of one voxel.
    table, offered
        The anatomy table, and the ids of the structures that may be asked for.
    region
        What the scan shows. A structure of another region is absent.
    undrawn
        Structures of this region that the label map leaves out although they may be in the picture.

    Raises
    ------
    DatasetError
        If an offered structure is undrawn, since nobody knows whether it is there.
    """
    unknown = [name for name in offered if name in undrawn and table[name].region == region]
    if unknown:
        raise DatasetError(
            f"The label map does not draw {', '.join(unknown)}, so nothing true can be said of it; "
            "leave it out of what is offered."
        )
    ids, counts = np.unique(np.asarray(labels), return_counts=True)
    voxels = {int(i): int(n) for i, n in zip(ids, counts, strict=True)}
    present: dict[Part, float] = {}
    for name, side in parts_of(offered, table):
        if table[name].region == region:
            count = sum(voxels.get(i, 0) for i in table[name].label_ids(side))
            if count:
                present[name, side] = count * voxel_ml
    return Scene(region, tuple(offered), present)


def absent_parts(scene: Scene, table: AnatomyTable) -> tuple[Part, ...]:
    """The offered parts that are not in the scan."""
    return tuple(part for part in parts_of(scene.offered, table) if part not in scene.present_ml)
