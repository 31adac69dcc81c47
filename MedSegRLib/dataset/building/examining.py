"""Examining: a source's files opened once, and the facts of the whole scan and of its slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import (
    AxisOrder,
    Modality,
    Plane,
    SliceStack,
    Volume,
    canonical_to_ras,
    gather_canonical,
    read_volume,
    scatter_canonical,
)

from ..label_map import read_label_map
from ..source import Source
from .facts import Facts, Part, PartFacts
from .field_of_view import outside_of, undrawn_parts
from .measuring import measure_parts, middle_of_body_mm

__all__ = ["Examined", "examine"]

# A part within this distance of a slice may reach into it, whatever was drawn; it is not called absent.
_SURE_MM = 6.0
# Fewer pixels than this in a slice are the rim of something that lies beside it.
_FEWEST_PIXELS = 12


@dataclass(frozen=True, eq=False)
class Examined:
    """A scan and its labels along one plane, opened.

    Attributes
    ----------
    source, plane
        Where it is from, and the plane of the slices.
    parts
        Every part that has a voxel, in the order of their numbers.
    values
        Label file and values that draw each of them.
    facts
        Of the whole scan.
    order
        How the canonical view was made of the acquired array.
    """

    source: Source
    plane: Plane
    parts: tuple[Part, ...]
    values: dict[Part, tuple[Path, tuple[int, ...]]]
    facts: Facts
    order: AxisOrder
    _grey: npt.NDArray[np.float32] = field(repr=False)
    _numbers: tuple[npt.NDArray[np.integer], ...] = field(repr=False)
    _crs_to_ras: npt.NDArray[np.float64] = field(repr=False)
    _raw: Mapping[Path, npt.NDArray[np.integer]] = field(repr=False)

    @cached_property
    def _pixels(self) -> npt.NDArray[np.int64]:
        """How many pixels each part has in each slice: [slice, part]."""
        count = np.zeros((self._grey.shape[0], len(self.parts) + 1), np.int64)
        for array in self._numbers:
            for n in range(len(array)):
                count[n] += np.bincount(array[n].reshape(-1), minlength=count.shape[1])
        return count[:, 1:]

    @cached_property
    def _middle_mm(self) -> tuple[float, float]:
        return middle_of_body_mm(self._grey, self._crs_to_ras)

    @property
    def slice_count(self) -> int:
        """Number of slices along the plane."""
        return int(self._grey.shape[0])

    def slices_with_parts(self, fewest: int = 1) -> list[int]:
        """Canonical slices that show at least so many parts well enough to be asked about."""
        return np.flatnonzero((self._pixels >= _FEWEST_PIXELS).sum(axis=1) >= fewest).tolist()

    def values_in(self, part: Part, slice_index: int | None) -> tuple[Path, tuple[int, ...]]:
        """Label file and the values that draw a part, in a slice or in the whole scan."""
        file, values = self.values[part]
        if slice_index is None:
            return file, values
        here = self._raw[file][slice_index]
        return file, tuple(value for value in values if (here == value).any())

    def mask_kji(self, part: Part, slice_index: int | None) -> npt.NDArray[np.bool_]:
        """The drawn mask [K, J, I] of a part on the scan's own grid, of one slice alone or whole."""
        file, values = self.values[part]
        canonical = np.isin(self._raw[file], values)
        if slice_index is not None:
            rest = np.arange(len(canonical)) != slice_index
            canonical[rest] = False
        return scatter_canonical(canonical, self.order)

    def facts_of_slice(self, slice_index: int) -> Facts:
        """Facts of one canonical slice, counted from 0.

        A part of few pixels there, or one that ends just beside it, is neither there nor absent.
        """
        here = slice(slice_index, slice_index + 1)
        matrix = self._crs_to_ras.copy()
        matrix[:3, 3] += matrix[:3, 2] * slice_index
        measured = measure_parts(
            [array[here] for array in self._numbers],
            self.parts,
            self._grey[here],
            matrix,
            spacing_known=self.facts.spacing_known,
            orientation_known=self.facts.orientation_known,
            middle_mm=self._middle_mm,
        )
        large = {part for part, one in measured.items() if one.voxels >= _FEWEST_PIXELS}
        shown = {
            part: replace(
                one,
                touches=tuple(other for other in one.touches if other in large),
                pieces=min(one.pieces, self.facts.parts[part].pieces),
            )
            for part, one in measured.items()
            if part in large
        }
        return Facts(
            region=self.facts.region,
            modality=self.facts.modality,
            plane=self.plane,
            parts=shown,
            absent=(*self.facts.absent, *self._elsewhere(slice_index)),
            outside=self.facts.outside,
            undrawn=self.facts.undrawn,
            slice_index=slice_index,
            spacing_known=self.facts.spacing_known,
            orientation_known=self.facts.orientation_known,
        )

    def _elsewhere(self, slice_index: int) -> list[Part]:
        """Parts that lie in other slices of the scan, surely not in this one."""
        thickness_mm = float(np.linalg.norm(self._crs_to_ras[:3, 2]))
        far = max(1, int(np.ceil(_SURE_MM / thickness_mm))) if self.facts.spacing_known else 3
        near = self._pixels[max(slice_index - far, 0) : slice_index + far + 1].sum(axis=0)
        return [part for part, pixels in zip(self.parts, near, strict=True) if not pixels]


def examine(source: Source, table: AnatomyTable, image: Path, plane: Plane) -> Examined:
    """Open a source's files and compute the facts of the scan.

    Parameters
    ----------
    source
        What the labels mean.
    table
        The anatomy table.
    image
        The scan: the source's own, or one that was made for it.
    plane
        The plane of the slices.

    Raises
    ------
    MedSegRError
        If a file cannot be read, a label map is not on the scan's grid, none of its labels is there, or a
        structure is drawn with and without its side.
    """
    known = Modality(source.modality) if source.modality in ("MR", "CT") else None
    volume = read_volume(image, modality=known)
    stack = SliceStack.of(volume, plane)
    raw = {file: gather_canonical(read_label_map(file, volume), stack.order) for file in source.files}
    parts: list[Part] = []
    values: dict[Part, tuple[Path, tuple[int, ...]]] = {}
    there = {file: set(np.unique(array).tolist()) for file, array in raw.items()}
    for label in source.labels:
        if label.structure is None or label.value not in there[label.file]:
            continue
        part = (label.structure, label.side)
        if part not in values:
            parts.append(part)
            values[part] = (label.file, ())
        values[part] = (label.file, (*values[part][1], label.value))
    if not parts:
        raise DatasetError(
            f"{image} has no voxel with a label of the anatomy table; correct its label table."
        )
    for structure, side in parts:
        if side is not Side.NONE and (structure, Side.NONE) in parts:
            raise DatasetError(
                f"{image} has labels of the {table[structure].name} with a side and without one; "
                "say the side of each in its label table."
            )
    numbers = tuple(_numbered(array, file, parts, values) for file, array in raw.items())
    crs_to_ras = canonical_to_ras(volume.ijk_to_ras, stack.order, volume.shape_kji)
    measured = measure_parts(
        numbers,
        parts,
        stack.voxels,
        crs_to_ras,
        spacing_known=volume.spacing_known,
        orientation_known=volume.orientation_known,
    )
    facts = _facts(source, table, plane, measured, volume)
    return Examined(
        source, plane, tuple(parts), values, facts, stack.order, stack.voxels, numbers, crs_to_ras, raw
    )


def _facts(
    source: Source, table: AnatomyTable, plane: Plane, measured: dict[Part, PartFacts], volume: Volume
) -> Facts:
    listed = {(x.structure, x.side): None for x in source.labels if x.structure is not None}
    drawn = {structure for structure, _ in listed}
    return Facts(
        region=source.region,
        modality=source.modality,
        plane=plane,
        parts=measured,
        absent=tuple(part for part in listed if part not in measured and part not in source.undrawn),
        outside=outside_of(source.region, table, tuple(measured)),
        undrawn=undrawn_parts(source.region, table, drawn, source.undrawn),
        spacing_known=volume.spacing_known,
        orientation_known=volume.orientation_known,
    )


def _numbered(
    array: npt.NDArray[np.integer],
    file: Path,
    parts: Sequence[Part],
    values: dict[Part, tuple[Path, tuple[int, ...]]],
) -> npt.NDArray[np.int16]:
    number_of = np.zeros(int(array.max()) + 1, np.int16)
    for number, part in enumerate(parts, 1):
        if values[part][0] == file:
            number_of[list(values[part][1])] = number
    return number_of[array]
