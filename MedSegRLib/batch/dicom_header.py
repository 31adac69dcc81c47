"""DICOM header: what a batch must know of a file without its pixels, read by pydicom."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import Any

import pydicom
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from MedSegRLib.errors import ImageReadError, UnsupportedVolumeError
from MedSegRLib.imaging.dicom_files import DicomSlice, slice_of

__all__ = ["DICOMDIR", "DicomHeader", "quiet_pydicom", "read_dicom_header"]

# Storage class of the list of files that lies in the folder of a medium.
DICOMDIR = "1.2.840.10008.1.3.10"
# As the reader of imaging names tags; all that is kept of a file, in this order.
_KEPT = (
    "0008|0008", "0008|0016", "0008|0018", "0008|0060", "0008|103e", "0010|0010", "0010|0020", "0018|0015",
    "0018|0050", "0018|1164", "0020|000d", "0020|000e", "0020|0011", "0020|0032", "0020|0037", "0028|0002",
    "0028|0004", "0028|0008", "0028|0010", "0028|0011", "0028|0030",
)  # fmt: skip
_PLACE = {tag: n for n, tag in enumerate(_KEPT)}
_TAGS = {tag: Tag(int(tag[:4], 16), int(tag[5:], 16)) for tag in _KEPT}
_REGION = Tag(0x0008, 0x2218)
# What pydicom and the values it makes raise on bytes that are no DICOM after all.
_DAMAGED = (
    InvalidDicomError, BytesLengthException, EOFError, ValueError, TypeError, KeyError, NotImplementedError,
    OverflowError, struct.error,
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class DicomHeader:
    """What is kept of one file's header; a batch may have a million of them.

    The patient's name and number are in it, so it has no words of its own to be shown.
    """

    path: Path
    texts: tuple[str, ...]

    def text(self, tag: str) -> str:
        """Value of a tag such as "0020|000e"; "" where it is missing or empty."""
        return self.texts[_PLACE[tag]] if tag in _PLACE else ""

    @property
    def storage_class(self) -> str:
        """SOP class UID."""
        return self.text("0008|0016")

    @property
    def instance_uid(self) -> str:
        """SOP instance UID."""
        return self.text("0008|0018")

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""
        return self.text("0020|000d")

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID."""
        return self.text("0020|000e")

    @property
    def modality(self) -> str:
        """DICOM's code, such as MR."""
        return self.text("0008|0060")

    @property
    def description(self) -> str:
        """SeriesDescription."""
        return self.text("0008|103e")

    @property
    def body_part(self) -> str:
        """BodyPartExamined, or the anatomic region's code in words."""
        return self.text("0018|0015")

    @property
    def image_type(self) -> tuple[str, ...]:
        """Values of ImageType."""
        return tuple(self.text("0008|0008").upper().split("\\"))

    @property
    def patient_name(self) -> str:
        """Not to be shown unless somebody asks for names."""
        return self.text("0010|0010")

    @property
    def patient_id(self) -> str:
        """Not to be shown at all; it tells patients apart."""
        return self.text("0010|0020")

    def slice(self) -> DicomSlice:
        """As the reader of images sees it.

        Raises
        ------
        ImageReadError
            If its numbers make no sense.
        UnsupportedVolumeError
            If its pixel spacing is 0.
        """
        try:
            return slice_of(self.path, self.text)
        except UnsupportedVolumeError:
            raise
        except ValueError as error:
            raise ImageReadError(f"{self.path} has a damaged header; copy or export it again.") from error


def read_dicom_header(path: Path) -> DicomHeader:
    """Read a DICOM file up to its pixels.

    Raises
    ------
    ImageReadError
        If the file cannot be opened or is damaged.
    """
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[*_TAGS.values(), _REGION])
        texts = [_text(dataset, tag) for tag in _TAGS.values()]
        if not texts[_PLACE["0018|0015"]]:
            regions = dataset.get(_REGION)
            texts[_PLACE["0018|0015"]] = str(regions[0].get("CodeMeaning") or "") if regions else ""
    except OSError as error:
        raise ImageReadError(f"{path} cannot be opened ({error.strerror}); check the permissions.") from error
    except _DAMAGED as error:
        raise ImageReadError(f"{path} is cut short or damaged; copy or export it again.") from error
    return DicomHeader(path, tuple(intern(text) for text in texts))


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's warnings off the terminal: they quote values, and a value may be a patient's name."""
    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


def _text(dataset: Any, tag: Any) -> str:
    try:
        element = dataset.get(tag)
        value = None if element is None else element.value
    except _DAMAGED:
        # One value that is not what its kind says, such as a comma in a number, is as if it were missing.
        return ""
    if value is None:
        return ""
    if isinstance(value, MultiValue):
        return "\\".join(str(part) for part in value)
    return str(value).strip(" \0")
