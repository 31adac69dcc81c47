"""What the tests of importers share: writing small scans, label maps and DICOM series, by other libraries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from MedSegRLib.anatomy import AnatomyTable, load_table

SERIES_UID = "1.2.826.0.1.3680043.8.498.1"


@pytest.fixture(scope="session")
def table() -> AnatomyTable:
    return load_table()


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write an array [K, J, I] (a picture: [J, I]) with an origin and spacing of its own."""

    def write(name: str, array: np.ndarray, origin=(3.0, -4.0, 5.0), spacing=(1.0, 1.5, 2.0)) -> Path:
        image = sitk.GetImageFromArray(array, isVector=array.ndim == 3 and name.endswith(".png"))
        if image.GetDimension() == 3:
            image.SetOrigin(origin)
            image.SetSpacing(spacing)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(image, str(path))
        return path

    return write


@pytest.fixture
def grey() -> np.ndarray:
    """Grey values [3, 4, 5], none twice."""
    return np.arange(60, dtype=np.int16).reshape(3, 4, 5)


@pytest.fixture
def liver_and_kidney() -> np.ndarray:
    """Labels on the grid of `grey`: 1 in four voxels, 2 in one."""
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[1, 1:3, 2:4] = 1
    labels[2, 0, 0] = 2
    return labels


@pytest.fixture
def series(tmp_path: Path) -> Callable[..., list[FileDataset]]:
    """Write a CT series of slices of 8 x 10 pixels of 2 x 1.5 mm, 3 mm apart, from z = -9 mm upwards."""

    def write(folder: str = "series", uid: str = SERIES_UID, count: int = 4) -> list[FileDataset]:
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        study, frame = generate_uid(entropy_srcs=["study"]), generate_uid(entropy_srcs=["frame"])
        return [_slice(place / f"{uid}-{n}.dcm", uid, study, frame, n) for n in range(count)]

    return write


def _slice(path: Path, uid: str, study: str, frame: str, n: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[uid, str(n)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    item.SOPClassUID, item.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    item.PatientName, item.PatientID, item.Modality = "Doe^Jane", "secret-17", "CT"
    item.PatientBirthDate = item.PatientSex = item.AccessionNumber = item.StudyID = ""
    item.StudyDate = item.StudyTime = item.ReferringPhysicianName = ""
    item.StudyInstanceUID, item.SeriesInstanceUID, item.FrameOfReferenceUID = study, uid, frame
    item.SeriesNumber, item.SeriesDescription, item.InstanceNumber = 1, uid, n + 1
    item.ImagePositionPatient = [-7.0, 11.0, -9.0 + 3.0 * n]
    item.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    item.PixelSpacing, item.SliceThickness = [2.0, 1.5], 3.0
    item.Rows, item.Columns = 8, 10
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.BitsAllocated = item.BitsStored = 16
    item.HighBit, item.PixelRepresentation = 15, 1
    item.RescaleSlope, item.RescaleIntercept = 1, -1000
    item.PixelData = (np.arange(80, dtype=np.int16) + n).tobytes()
    item.save_as(path, enforce_file_format=True)
    return item
