"""Segmentations of 3D Slicer: a scan and its `.seg.nrrd`, whose segments may overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from MedSegRLib.anatomy import AnatomyTable, terminology_codes
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Segment, read_segmentation, read_volume

from ..grid import grid_at
from ..source import Source
from .about import About
from .finding import find_pairs
from .label_table import LabelName
from .layers import NamedMask, on_grid, write_layers
from .segment_names import name_of

__all__ = ["read_segmentations"]


def read_segmentations(
    images: Path,
    segmentations: Path,
    said: Sequence[LabelName],
    about: About,
    table: AnatomyTable,
    folder: Path,
) -> Iterator[Source]:
    """Read scans with .seg.nrrd files; the masks are written as label maps on the grid of the scan.

    Parameters
    ----------
    images, segmentations
        A scan and its file, or two folders of them; see `find_pairs`.
    said
        What names mean that the anatomy table does not hold.
    about
        What all have in common.
    table
        The anatomy table.
    folder
        Where label maps are written.

    Raises
    ------
    DatasetError
        If a segment has no name or is empty, or the file is not on the grid of its scan.
    ImageReadError, UnsupportedVolumeError
        If a file cannot be read.
    """
    for stem, image, file in find_pairs(images, segmentations, (".seg.nrrd",)):
        patient = about.patient_of(stem)
        volume = read_volume(image, modality=about.modality)
        _, place = grid_at(file)
        masks = [
            NamedMask(
                name_of(file, _names(segment), said, table),
                on_grid(segment.mask, place, volume, f"{file}, segment '{segment.name}'"),
            )
            for segment in read_segmentation(file)
        ]
        if not masks:
            raise DatasetError(f"{file} holds no segment; draw one or leave the scan out.")
        yield Source(
            patient=patient,
            study=stem,
            image=image,
            labels=write_layers(masks, volume, folder, stem),
            modality=about.modality_of(volume),
            region=about.region,
            plane=about.plane,
            split=about.split,
            origin=about.origin,
            licence=about.licence,
        )


def _names(segment: Segment) -> list[str]:
    """Its name, and the type (with its modifier, the side) that Slicer's terminology says."""
    _, kind, modifier = terminology_codes(segment.terminology)
    if kind is None:
        return [segment.name]
    return [segment.name, " ".join(code.meaning for code in (modifier, kind) if code is not None)]
