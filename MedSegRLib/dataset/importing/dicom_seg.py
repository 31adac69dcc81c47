"""DICOM SEG: segmentations as scanners and archives keep them, read with highdicom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume

from ..extra import extra
from ..source import Source
from .about import About
from .dicom_series import dicom_files, read_series
from .dicom_source import source_of
from .label_table import LabelName
from .layers import NamedMask, on_grid
from .segment_names import name_of

__all__ = ["read_dicom_segs"]


def read_dicom_segs(
    images: Path,
    segmentations: Path,
    said: Sequence[LabelName],
    about: About,
    table: AnatomyTable,
    folder: Path,
) -> Iterator[Source]:
    """Read DICOM SEG files and the series that they were drawn on.

    Parameters
    ----------
    images
        A folder with those series, among others or not.
    segmentations
        A SEG, or a folder in which all are read.
    said
        What segment labels mean that the anatomy table does not hold.
    about
        What all have in common.
    table
        The anatomy table.
    folder
        Where label maps are written.

    Raises
    ------
    DatasetError
        If the series is not there, a segment has no name or is empty, or is not on the series' grid.
    ImageReadError, UnsupportedVolumeError
        If the series cannot be read or asked about.
    """
    for file, dataset in dicom_files(segmentations, "SEG"):
        uid = _series_of(file, dataset)
        volume = read_series(images, uid, file, about.modality)
        masks = _masks(file, dataset, volume, said, table)
        yield source_of(file, dataset, uid, masks, images, volume, about, folder)


def _series_of(file: Path, dataset: Any) -> str:
    referred = dataset.get("ReferencedSeriesSequence") or []
    uids = {str(one.get("SeriesInstanceUID")) for one in referred}
    if len(uids) != 1:
        raise DatasetError(f"{file} names {len(uids)} series that it was drawn on; give one that names one.")
    return uids.pop()


def _masks(
    file: Path, dataset: Any, volume: Volume, said: Sequence[LabelName], table: AnatomyTable
) -> list[NamedMask]:
    highdicom = extra("highdicom", "Reading DICOM SEG")
    masks = []
    try:
        segmentation = highdicom.seg.Segmentation.from_dataset(dataset)
        for number in segmentation.segment_numbers:
            drawn = segmentation.get_volume(segment_numbers=[number], skip_overlap_checks=True)
            described = segmentation.get_segment_description(number)
            # A fractional segment is a probability or a share of the voxel.
            mask = drawn.array[..., 0] >= 0.5
            place = np.diag([-1.0, -1.0, 1.0, 1.0]) @ drawn.affine[:, [2, 1, 0, 3]]
            masks.append((_names(described), mask, place))
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        # What highdicom says of a file that does not follow the standard.
        raise DatasetError(f"{file} is no DICOM SEG that can be read ({error}); export it again.") from error
    return [
        NamedMask(name_of(file, names, said, table), on_grid(mask, place, volume, f"{file}, '{names[0]}'"))
        for names, mask, place in masks
    ]


def _names(described: Any) -> list[str]:
    """The segment's label, and what its property type means, with its modifier (the side) if it has one."""
    kind = described.segmented_property_type
    modifiers = described.SegmentedPropertyTypeCodeSequence[0].get(
        "SegmentedPropertyTypeModifierCodeSequence", ()
    )
    sides = [str(one.CodeMeaning) for one in modifiers]
    return [str(described.segment_label), " ".join([*sides, str(kind.meaning)])]
