"""RTSTRUCT: structures that radiotherapy has contoured, on the series that they were drawn on.

Structures that are points or lines only (isocentres, markers) have no mask and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume

from .contours import mask_of_contours
from .dicom_source import DicomKind, Drawn

__all__ = ["RTSTRUCT"]

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


def _series_of(dataset: Any) -> set[str]:
    return {
        str(series.get("SeriesInstanceUID"))
        for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []
        for study in frame.get("RTReferencedStudySequence") or []
        for series in study.get("RTReferencedSeriesSequence") or []
    }


def _masks(file: Path, dataset: Any, volume: Volume) -> Iterator[Drawn]:
    try:
        contours = _contours(dataset)
    except (AttributeError, TypeError, ValueError) as error:
        # What pydicom says of a file that is cut short or does not follow the standard.
        raise DatasetError(f"{file} is no RTSTRUCT that can be read ({error}); export it again.") from error
    for label, polygons in contours:
        if any(polygon.size < 9 or polygon.size % 3 for polygon in polygons):
            raise DatasetError(f"{file}, '{label}' has a contour without three points; export it again.")
        points = [polygon.reshape(-1, 3) for polygon in polygons]
        yield [label], mask_of_contours(points, volume, f"{file}, '{label}'")


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


RTSTRUCT = DicomKind("RTSTRUCT", _series_of, _masks)
