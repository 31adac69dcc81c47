"""DICOM SEG: segmentations as scanners and archives keep them, read with highdicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume

from ..extra import extra
from .dicom_source import DicomKind, Drawn
from .layers import on_grid

__all__ = ["SEG"]


def _series_of(dataset: Any) -> set[str]:
    return {str(one.get("SeriesInstanceUID")) for one in dataset.get("ReferencedSeriesSequence") or []}


def _masks(file: Path, dataset: Any, volume: Volume) -> list[Drawn]:
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
    return [(names, on_grid(mask, place, volume, f"{file}, '{names[0]}'")) for names, mask, place in masks]


def _names(described: Any) -> list[str]:
    """The segment's label, and what its property type means, with its modifier (the side) if it has one."""
    kind = described.segmented_property_type
    modifiers = described.SegmentedPropertyTypeCodeSequence[0].get(
        "SegmentedPropertyTypeModifierCodeSequence", ()
    )
    sides = [str(one.CodeMeaning) for one in modifiers]
    return [str(described.segment_label), " ".join([*sides, str(kind.meaning)])]


SEG = DicomKind("SEG", _series_of, _masks)
