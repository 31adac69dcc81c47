"""RTSTRUCT: structures that radiotherapy has contoured, on the series that they were drawn on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume

from ..source import Source
from .about import About
from .contours import mask_of_contours
from .dicom_series import dicom_files, read_series
from .dicom_source import source_of
from .label_table import LabelName
from .layers import NamedMask
from .segment_names import name_of

__all__ = ["read_rtstructs"]

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


def read_rtstructs(
    images: Path, structures: Path, said: Sequence[LabelName], about: About, table: AnatomyTable, folder: Path
) -> Iterator[Source]:
    """Read RTSTRUCT files and the series that they were drawn on.

    Structures that are points or lines only (isocentres, markers) have no mask and are left out.

    Parameters
    ----------
    images
        A folder with those series, among others or not.
    structures
        An RTSTRUCT, or a folder in which all are read.
    said
        What structure names mean that the anatomy table does not hold.
    about
        What all have in common.
    table
        The anatomy table.
    folder
        Where label maps are written.

    Raises
    ------
    DatasetError
        If the series is not there, a structure has no name or no contour, or one is not on a slice.
    ImageReadError, UnsupportedVolumeError
        If the series cannot be read or asked about.
    """
    for file, dataset in dicom_files(structures, "RTSTRUCT"):
        uid = _series_of(file, dataset)
        volume = read_series(images, uid, file, about.modality)
        masks = _masks(file, dataset, volume, said, table)
        yield source_of(file, dataset, uid, masks, images, volume, about, folder)


def _series_of(file: Path, dataset: Any) -> str:
    uids = {
        str(series.get("SeriesInstanceUID"))
        for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []
        for study in frame.get("RTReferencedStudySequence") or []
        for series in study.get("RTReferencedSeriesSequence") or []
    }
    if len(uids) != 1:
        raise DatasetError(f"{file} names {len(uids)} series that it was drawn on; give one that names one.")
    return uids.pop()


def _masks(
    file: Path, dataset: Any, volume: Volume, said: Sequence[LabelName], table: AnatomyTable
) -> list[NamedMask]:
    try:
        contours = _contours(dataset)
    except (AttributeError, TypeError, ValueError) as error:
        # What pydicom says of a file that is cut short or does not follow the standard.
        raise DatasetError(f"{file} is no RTSTRUCT that can be read ({error}); export it again.") from error
    masks = []
    for label, polygons in contours:
        name = name_of(file, [label], said, table)
        if any(polygon.size < 9 or polygon.size % 3 for polygon in polygons):
            raise DatasetError(f"{file}, '{label}' has a contour without three points; export it again.")
        points = [polygon.reshape(-1, 3) for polygon in polygons]
        masks.append(NamedMask(name, mask_of_contours(points, volume, f"{file}, '{label}'")))
    return masks


def _contours(dataset: Any) -> list[tuple[str, list[npt.NDArray[np.float64]]]]:
    """The name of each structure with an area, and the numbers of its closed contours."""
    contoured = {int(one.ReferencedROINumber): one for one in dataset.get("ROIContourSequence") or []}
    found = []
    for structure in dataset.get("StructureSetROISequence") or []:
        entry = contoured.get(int(structure.ROINumber))
        drawn = (entry.get("ContourSequence") if entry is not None else None) or []
        closed = [one for one in drawn if one.get("ContourGeometricType") in _CLOSED]
        if closed or not drawn:
            numbers = [np.asarray(one.get("ContourData") or [], np.float64) for one in closed]
            found.append((str(structure.get("ROIName") or ""), numbers))
    return found
