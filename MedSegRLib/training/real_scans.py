"""Real scans: labelled ones of any region, as slices that the model sees, and what nobody drew on them.

A scan's labels are seldom all that it shows. What may be there undrawn is kept beside them (`Coverage`), so
that nothing is learnt from its absence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
import torch

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.dataset.building.field_of_view import outside_of
from MedSegRLib.dataset.importing.index import read_index
from MedSegRLib.dataset.label_map import read_label_map
from MedSegRLib.dataset.scene import offered_as
from MedSegRLib.dataset.source import Source
from MedSegRLib.dataset.split import held_back
from MedSegRLib.imaging import Modality, gather_canonical, read_volume
from MedSegRLib.imaging.volume import Volume
from MedSegRLib.model.medsegr import MedSegRConfig
from MedSegRLib.reasoning.laying_out import LaidOut, lay_out

from .coverage import Coverage
from .targets import SIDE_CODE, PartTargets

__all__ = ["RealScan", "read_real_scans"]

_LEAST_PIXELS = 20
# Of these a body has one on either side of its middle, so that one label for both tells them apart.
_APART = frozenset({"kidney"})

Slices = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class RealScan:
    """One scan.

    Attributes
    ----------
    patient
        Of whom it is.
    slices
        [N, S, S], windowed to 0..255, on its canvas.
    steps
        Distance of each channel from its slice, in slices.
    structure, side
        [N, S, S]: structure number + 1, 0 where nothing is drawn; 1 left, 2 right, 0 not told.
    coverage
        What it is of, and what its labels tell.
    """

    patient: str
    slices: Slices
    steps: tuple[int, ...]
    structure: Slices
    side: Slices
    coverage: Coverage

    @cached_property
    def pixels(self) -> npt.NDArray[np.int64]:
        """How many pixels of each structure and side there are on each slice, [N, structures + 1, 3]."""
        classes = len(self.coverage.unknown) * 3
        codes = self.structure.astype(np.int64) * 3 + self.side
        return np.stack([np.bincount(c.ravel(), minlength=classes).reshape(-1, 3) for c in codes])

    @cached_property
    def showing(self) -> Mapping[int, npt.NDArray[np.intp]]:
        """Slices that show a structure, by its number."""
        shown = self.pixels.sum(2) >= _LEAST_PIXELS
        found = ((number, np.flatnonzero(shown[:, number + 1])) for number in range(shown.shape[1] - 1))
        return {number: slices for number, slices in found if len(slices)}

    def channels(self, index: int) -> Slices:
        """A slice with its neighbours, [C, S, S]; the outermost slice stands in for none."""
        last = len(self.slices) - 1
        return self.slices[[min(max(index + step, 0), last) for step in self.steps]]


def read_real_scans(
    root: Path,
    sources: Sequence[str],
    targets: PartTargets,
    table: AnatomyTable,
    config: MedSegRConfig,
) -> tuple[list[RealScan], list[Path]]:
    """Read the training scans of some sources of the data folder's index, but for `split.held_back` patients.

    Parameters
    ----------
    root, sources
        The data folder, and which of its index's sources; none give no scan.
    targets, table, config
        What the model is taught, and how it sees slices.

    Returns
    -------
    The scans, and the files that were read.

    Raises
    ------
    DatasetError, UserInputError
        If the index, a scan or a label map cannot be read.
    """
    if not sources:
        return [], []
    chosen = [source for source in read_index(root, table, origins=sources) if source.image is not None]
    scans, files = [], []
    for origin in dict.fromkeys(source.origin for source in chosen):
        mine = [source for source in chosen if source.origin == origin]
        back = held_back(source.patient for source in mine)
        for source in mine:
            if source.patient not in back:
                scans.append(_read(source, targets, table, config))
                files += [file for file in (source.image, *source.files) if file is not None]
    return scans, files


def _read(source: Source, targets: PartTargets, table: AnatomyTable, config: MedSegRConfig) -> RealScan:
    assert source.image is not None
    modality = Modality(source.modality)
    volume = read_volume(source.image, modality=None if modality is Modality.UNKNOWN else modality)
    laid_out = lay_out(volume, config)
    canvas = laid_out.canvas
    filled = canvas.filled()
    first, last = filled[0], filled[-1] + 1
    structure, side = _drawn(source, volume, laid_out, targets, table)
    structure, side = structure[first:last], side[first:last]
    coverage = _coverage(source, targets, table, structure, side)
    return RealScan(source.patient, canvas.grey()[first:last], canvas.steps, structure, side, coverage)


def _drawn(
    source: Source, volume: Volume, laid_out: LaidOut, targets: PartTargets, table: AnatomyTable
) -> tuple[Slices, Slices]:
    """Structure numbers + 1 and sides on the canvas."""
    canvas, frame = laid_out.canvas, laid_out.canvas.frame
    structure = np.zeros((laid_out.stack.count, frame.size, frame.size), np.uint8)
    side = np.zeros_like(structure)
    for file in source.files:
        labels = gather_canonical(read_label_map(file, volume), laid_out.stack.order)
        for label in source.labels:
            name = offered_as(label.structure, targets.structures, table)
            if label.file != file or name is None:
                continue
            slices = np.flatnonzero((labels == label.value).any(axis=(1, 2)))
            if not len(slices):
                continue
            mask = torch.from_numpy((labels[slices] == label.value).astype(np.float32))
            covered = np.zeros(structure.shape, bool)
            covered[slices] = (frame.place(mask) > 0.5).numpy()
            structure[covered] = targets.structures.index(name) + 1
            side[covered] = SIDE_CODE[label.side]
    for name in _APART & set(targets.structures):
        unsided = (structure == targets.structures.index(name) + 1) & (side == 0)
        if unsided.any():
            _tell_sides(unsided, side, canvas.grey())
    return structure, side


def _tell_sides(unsided: npt.NDArray[np.bool_], side: Slices, grey: Slices) -> None:
    """Give the pixels of a mask [N, S, S] the side on which their island lies, in place."""
    for index in np.flatnonzero(unsided.any(axis=(1, 2))):
        # Around a body, and in its fat, is the commonest grey.
        commonest = np.bincount(grey[index].ravel(), minlength=2)[1:].argmax() + 1
        body = np.nonzero(grey[index] > commonest)[1]
        middle = body.mean() if len(body) else grey.shape[2] / 2
        mask = sitk.GetImageFromArray(unsided[index].astype(np.uint8))
        islands = sitk.GetArrayFromImage(sitk.ConnectedComponent(mask, True))
        for number in range(1, int(islands.max()) + 1):
            here = islands == number
            # The patient's left is at the right edge of every canonical picture.
            which = Side.LEFT if np.nonzero(here)[1].mean() > middle else Side.RIGHT
            side[index][here] = SIDE_CODE[which]


def _coverage(
    source: Source, targets: PartTargets, table: AnatomyTable, structure: Slices, side: Slices
) -> Coverage:
    told = {(offered_as(label.structure, targets.structures, table), label.side) for label in source.labels}
    left_out = {offered_as(name, targets.structures, table) for name, _ in source.undrawn}
    outside = outside_of(source.region, table, [(name, side) for name, side in told if name is not None])
    missing: set[str] = set()
    unsided: set[str] = set()
    for number, which in targets.parts:
        name = targets.structures[number]
        drawn = name not in left_out and bool(told & {(name, which), (name, Side.NONE)})
        if not drawn and name not in outside:
            missing.add(name)
        if which is not Side.NONE and bool(((structure == number + 1) & (side == 0)).any()):
            unsided.add(name)
    return Coverage.of(source.region, targets, missing, unsided)
