"""Building MedSeg-QA: conversations about scans with label maps, written by the offline annotator."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegRLib import __version__
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane

from .annotator import OfflineAnnotator
from .conversation import Exchange
from .format import Item, ItemExchange, ItemProvenance, ItemTarget, MaskReference, write_items
from .scene import scene_of

__all__ = ["LabelledScan", "build", "items_of"]


@dataclass(frozen=True)
class LabelledScan:
    """A scan and its label map (FreeSurfer-style ids; None where no part that is offered can be there)."""

    patient: str
    image: Path
    labels: Path | None
    split: str
    modality: str = "MR"
    region: str = "brain"
    study: str = "1"
    plane: Plane = Plane.AXIAL


def items_of(
    scan: LabelledScan,
    annotator: OfflineAnnotator,
    offered: Sequence[str],
    folder: Path,
    *,
    seed: int,
    conversations: int = 4,
    longest: int = 3,
) -> Iterator[Item]:
    """Write conversations about one scan; the same seed gives the same ones.

    Parameters
    ----------
    scan
        The scan and its label map.
    annotator, offered
        Who writes, and the structures that may be segmented.
    folder
        The folder of the data set's file: paths are written relative to it.
    seed, conversations, longest
        How many items, and how many exchanges an item has at most.

    Raises
    ------
    DatasetError
        If the label map cannot be read, or is missing for a scan of a region that is offered.
    """
    labels, voxel_ml = np.zeros((1, 1, 1), np.int32), 0.001
    if scan.labels is not None:
        try:
            image = sitk.ReadImage(str(scan.labels))
        except RuntimeError as error:
            raise DatasetError(f"{scan.labels} cannot be read as a label map; check the path.") from error
        labels = sitk.GetArrayFromImage(image).astype(np.int32)
        voxel_ml = float(np.prod(image.GetSpacing())) / 1000
    elif any(annotator.table[name].region == scan.region for name in offered):
        raise DatasetError(f"{scan.image} shows the {scan.region} and has no label map; give one.")
    scene = scene_of(labels, voxel_ml, annotator.table, offered, region=scan.region)
    drawn = {int(i) for i in np.unique(labels)} - {0}

    def located(exchange: Exchange) -> ItemExchange:
        targets = []
        for target in exchange.targets:
            ids = annotator.table[target.structure].label_ids(target.side)
            here = tuple(i for i in ids if i in drawn)
            mask = None
            if target.present and scan.labels is not None:
                mask = MaskReference(_relative(scan.labels, folder), here)
            targets.append(ItemTarget(target.phrase, target.structure, target.side, target.present, mask))
        return ItemExchange(exchange.question, exchange.answer, exchange.question_type, tuple(targets))

    for number in range(conversations):
        rng = random.Random(f"{seed}/{scan.patient}/{scan.study}/{number}")
        exchanges = annotator.converse(scene, rng.randint(1, longest), rng)
        yield Item(
            id=f"{scan.patient}-{scan.study}-{number}",
            patient=scan.patient,
            study=scan.study,
            image=_relative(scan.image, folder),
            modality=scan.modality,
            region=scan.region,
            plane=scan.plane,
            split=scan.split,
            exchanges=tuple(located(exchange) for exchange in exchanges),
            provenance=ItemProvenance("offline", __version__, seed),
        )


def build(
    path: str | os.PathLike[str],
    scans: Iterable[LabelledScan],
    annotator: OfflineAnnotator,
    offered: Sequence[str],
    *,
    seed: int,
    conversations: int = 4,
) -> int:
    """Write a data set about several scans to `path`; returns the number of items."""
    folder = Path(path).parent
    return write_items(
        path,
        (
            item
            for scan in scans
            for item in items_of(scan, annotator, offered, folder, seed=seed, conversations=conversations)
        ),
    )


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
