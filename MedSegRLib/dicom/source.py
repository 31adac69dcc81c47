"""Source: the headers of the DICOM series that was asked about, which what is written refers to.

Conventions: positions and directions in headers are LPS, millimetres; a volume's are RAS.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom import Dataset
from pydicom.config import disable_value_validation
from pydicom.errors import BytesLengthException, InvalidDicomError

from MedSegRLib.dicom.header_checks import check_headers
from MedSegRLib.errors import ImageReadError, OutputError, UnsupportedVolumeError
from MedSegRLib.imaging import Volume, find_series

# What is read of every slice; all else is the same in all, or not needed.
_TAGS = [
    "Columns", "FrameOfReferenceUID", "ImageOrientationPatient", "ImagePositionPatient", "InstanceNumber",
    "Modality", "NumberOfFrames", "PatientID", "PixelSpacing", "Rows", "SOPClassUID", "SOPInstanceUID",
    "SamplesPerPixel", "SeriesInstanceUID", "SeriesNumber", "SliceThickness", "SpecificCharacterSet",
    "StudyInstanceUID",
]  # fmt: skip
# Positions are written with few digits; the part of a voxel that a slice may be off its place.
_POSITION_TOLERANCE = 0.25
# The part of a voxel's edge, so that a series of 512 voxels is nowhere off by more than one.
_AXIS_TOLERANCE = 2e-3


@dataclass(frozen=True, eq=False)
class DicomSource:
    """A series of single-frame images.

    Attributes
    ----------
    files
        One for each slice, in no particular order.
    headers
        What is needed of their headers, in the same order; as read, not to be changed.

    Raises
    ------
    UnsupportedVolumeError
        If there is nothing, a header lacks what DICOM SEG needs or holds what it does not take, or the
        files are not of one series in one frame of reference.
    """

    files: tuple[Path, ...]
    headers: tuple[Dataset, ...] = field(repr=False)

    def __post_init__(self) -> None:
        check_headers([file.name for file in self.files], self.headers)

    @classmethod
    def read(cls, path: str | os.PathLike[str], series: str | None = None) -> DicomSource:
        """Read the headers of what `imaging.read_volume` reads with the same arguments.

        Parameters
        ----------
        path
            A DICOM file, or a folder with a series.
        series
            Which series of the folder: its SeriesInstanceUID, its number or its description.

        Raises
        ------
        ImageReadError, SeriesChoiceError
            As of `imaging.read_volume`.
        UnsupportedVolumeError
            As of this class.
        """
        if os.path.isdir(path):
            return cls.of_files(item.path for item in find_series(path, series).slices)
        return cls.of_files([Path(path)])

    @classmethod
    def of_files(cls, files: Iterable[Path]) -> DicomSource:
        """Read the headers of the files of one series, given in any order.

        Raises
        ------
        ImageReadError
            If a file is not there, no DICOM, or damaged.
        UnsupportedVolumeError
            As of this class.
        """
        listed = tuple(files)
        return cls(listed, tuple(_read(file, _TAGS) for file in listed))

    def slices_along(self, volume: Volume) -> list[int]:
        """For each slice of a volume, from K = 0 on, which of the files it was read from.

        Raises
        ------
        UnsupportedVolumeError
            If the volume is not the one of this series: other voxels, another place, or other slices.
        """
        ras_to_ijk = np.linalg.inv(volume.ijk_to_ras)
        at: dict[int, int] = {}
        for number, header in enumerate(self.headers):
            origin = _ras(header.ImagePositionPatient, 1.0)
            i, j, k = (ras_to_ijk @ origin)[:3]
            fits = _has_slice_like(volume, header, ras_to_ijk) and max(abs(i), abs(j)) < _POSITION_TOLERANCE
            if not fits or abs(k - round(k)) > _POSITION_TOLERANCE:
                raise UnsupportedVolumeError(
                    f"The scan {volume.name} does not lie where the slices of its series do "
                    f"({self.files[number].name}); give the series that it was read from, unchanged."
                )
            at[round(k)] = number
        slices = volume.shape_kji[0]
        if sorted(at) != list(range(slices)) or len(self.headers) != slices:
            raise UnsupportedVolumeError(
                f"The scan {volume.name} has {slices} slices and its series {len(self.headers)}, or at other "
                "places; give the series that it was read from, with all of its slices."
            )
        return [at[k] for k in range(slices)]

    def whole_header(self, number: int) -> Dataset:
        """Everything that a file says but its pixels.

        Raises
        ------
        ImageReadError
            If the file is gone or damaged.
        """
        return _read(self.files[number], None)

    def refuse_to_replace(self, path: str | os.PathLike[str]) -> None:
        """Make sure that an output is none of the files.

        Raises
        ------
        OutputError
            If it is one.
        """
        place = os.path.realpath(path)
        if any(os.path.realpath(file) == place for file in self.files):
            raise OutputError(
                f"{path} is a slice of the scan itself, which would be lost; choose another name."
            )


def _read(file: Path, tags: list[str] | None) -> Dataset:
    try:
        # What a scanner wrote is not ours to judge; warnings about it would tell names on the console.
        with disable_value_validation():
            return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(tags) if tags else None)
    except InvalidDicomError as error:
        raise ImageReadError(
            f"{file} is no DICOM file; DICOM SEG and SR can only be written about a DICOM series."
        ) from error
    except (OSError, EOFError, ValueError, BytesLengthException) as error:
        raise ImageReadError(f"{file} cannot be read as DICOM; check the path.") from error


def _ras(lps: Iterable[float], last: float) -> npt.NDArray[np.float64]:
    x, y, z = (float(part) for part in lps)
    return np.array([-x, -y, z, last])


def _has_slice_like(volume: Volume, header: Dataset, ras_to_ijk: npt.NDArray[np.floating]) -> bool:
    """Whether rows and columns of an image are those of the volume's slices across K."""
    if (header.Rows, header.Columns) != volume.shape_kji[1:]:
        return False
    orientation = [float(part) for part in header.ImageOrientationPatient]
    down_mm, along_mm = (float(part) for part in header.PixelSpacing)
    # One step along a row is one voxel along I, one down a column is one along J.
    i = ras_to_ijk @ (_ras(orientation[:3], 0.0) * along_mm)
    j = ras_to_ijk @ (_ras(orientation[3:], 0.0) * down_mm)
    return np.allclose(i[:3], (1, 0, 0), atol=_AXIS_TOLERANCE) and np.allclose(
        j[:3], (0, 1, 0), atol=_AXIS_TOLERANCE
    )
