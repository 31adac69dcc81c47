"""DICOM files: which files of a folder are images, and what their headers say.

Conventions: positions and directions are LPS, millimetres; `spacing_mm` is in the order I, J
(columns, then rows), the other way round from the tag.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import ImageReadError, UnsupportedVolumeError
from MedSegRLib.imaging.itk import itk_path, quiet_itk

# Storage classes that hold something about images, but no image of the patient; by the start
# of their UIDs.
_NO_PICTURE = (
    "1.2.840.10008.1.3.10",  # DICOMDIR
    "1.2.840.10008.5.1.4.1.1.481.",  # radiotherapy: structure sets, plans, doses
    "1.2.840.10008.5.1.4.1.1.88.",  # structured reports, key objects
    "1.2.840.10008.5.1.4.1.1.66",  # raw data, registrations, segmentations, surfaces
    "1.2.840.10008.5.1.4.1.1.11.",  # presentation states
    "1.2.840.10008.5.1.4.1.1.104.",  # documents
    "1.2.840.10008.5.1.4.1.1.4.2",  # spectroscopy
)


@dataclass(frozen=True, eq=False)
class DicomSlice:
    """What the header of one image file says."""

    path: Path
    series_uid: str
    series_number: str
    series_description: str
    modality: str
    photometric: str
    rows: int
    columns: int
    frames: int
    samples: int
    has_position: bool
    position_lps_mm: npt.NDArray[np.float64]
    orientation: npt.NDArray[np.float64]
    spacing_mm: tuple[float, float]
    spacing_known: bool
    thickness_mm: float | None

    @property
    def row_direction(self) -> npt.NDArray[np.float64]:
        """Unit vector along a row, the way that the column index grows."""
        return self.orientation[:3]

    @property
    def column_direction(self) -> npt.NDArray[np.float64]:
        """Unit vector down a column, the way that the row index grows."""
        return self.orientation[3:]

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector across the slice."""
        normal: npt.NDArray[np.float64] = np.cross(self.row_direction, self.column_direction)
        return normal / np.linalg.norm(normal)


def is_dicom(path: Path) -> bool:
    """Tell by its first bytes whether a file is DICOM."""
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def scan_folder(folder: Path) -> Iterator[DicomSlice]:
    """Go through a folder and the folders in it, and give every DICOM image's header."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            try:
                if path.is_file() and is_dicom(path):
                    item = read_header(path)
                    if item is not None:
                        yield item
            except OSError as error:
                raise ImageReadError(
                    f"{path} cannot be opened ({error.strerror}); check the permissions."
                ) from error


def read_header(path: Path) -> DicomSlice | None:
    """Read the header of a DICOM file; None if it is of a kind that holds no image.

    Raises
    ------
    ImageReadError
        If it should hold an image but cannot be read.
    UnsupportedVolumeError
        If its pixel spacing is 0.
    """
    storage_class = _storage_class(path)
    if storage_class is not None and holds_no_picture(storage_class):
        return None
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_path(path))
    reader.SetImageIO("GDCMImageIO")
    try:
        with quiet_itk():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise ImageReadError(f"{path} is cut short or damaged; copy or export it again.") from error

    def text(tag: str) -> str:
        return str(reader.GetMetaData(tag)).strip(" \0") if reader.HasMetaDataKey(tag) else ""

    return slice_of(path, text)


def holds_no_picture(storage_class: str) -> bool:
    """Tell by the SOP class UID whether a file holds something about images, but no image of the patient."""
    return storage_class.startswith(_NO_PICTURE)


def slice_of(path: Path, text: Callable[[str], str]) -> DicomSlice:
    """Make a slice of the header entries of an image file.

    Parameters
    ----------
    path
        The file, which is not opened.
    text
        Gives the value of a tag such as "0020|000e" as DICOM writes it, several parted by a backslash;
        "" for what is missing or empty.

    Raises
    ------
    UnsupportedVolumeError
        If its pixel spacing is 0.
    """
    spacing = _numbers(text("0028|0030"), 2) or _numbers(text("0018|1164"), 2)
    if spacing is not None and min(spacing) <= 0:
        raise UnsupportedVolumeError(
            f"{path.name} has pixels of spacing 0; write the true spacing into the file and try again."
        )
    position, orientation = _numbers(text("0020|0032"), 3), _numbers(text("0020|0037"), 6)
    thickness = _numbers(text("0018|0050"), 1)
    return DicomSlice(
        path=path,
        series_uid=text("0020|000e"),
        series_number=text("0020|0011"),
        series_description=text("0008|103e"),
        modality=text("0008|0060"),
        photometric=text("0028|0004"),
        rows=int(text("0028|0010") or 0),
        columns=int(text("0028|0011") or 0),
        frames=int(text("0028|0008") or 1),
        samples=int(text("0028|0002") or 1),
        has_position=position is not None and orientation is not None,
        position_lps_mm=np.array(position or (0.0, 0.0, 0.0)),
        orientation=np.array(orientation or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
        spacing_mm=(spacing[1], spacing[0]) if spacing else (1.0, 1.0),
        spacing_known=spacing is not None,
        thickness_mm=thickness[0] if thickness and thickness[0] > 0 else None,
    )


def _numbers(text: str, count: int) -> tuple[float, ...] | None:
    try:
        values = tuple(float(part) for part in text.split("\\"))
    except ValueError:
        return None
    return values if len(values) == count else None


def _storage_class(path: Path) -> str | None:
    """Find the storage class in the file's first group, which every DICOM file has in one format.

    Read by hand, since the image reader tells a file that holds no picture and a file that is
    cut short by the same error.
    """
    with open(path, "rb") as file:
        start = file.read(4096)
    at = 132
    while at + 8 <= len(start):
        group, element = struct.unpack_from("<HH", start, at)
        if group != 2:
            return None
        long_form = start[at + 4 : at + 6] in (b"OB", b"OW", b"UN", b"SQ", b"UT")
        if long_form and at + 12 > len(start):
            return None
        length = (
            struct.unpack_from("<I", start, at + 8)[0]
            if long_form
            else struct.unpack_from("<H", start, at + 6)[0]
        )
        at += 12 if long_form else 8
        if element == 0x0002:
            return start[at : at + length].decode("ascii", "replace").strip(" \0")
        at += length
    return None
