"""What the tests of batch share: studies as DICOM, NIfTI and NRRD, written by pydicom and SimpleITK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from MedSegRLib.answers import outlines
from MedSegRLib.batch import BatchResult, run

from .doubles import QUESTIONS, SCANS, Answering, put_scan

PATIENT = "Mustermann^Erika"
STORED = np.random.default_rng(0).integers(0, 2000, (8, 4, 5)).astype(np.int16)
_STORAGE = {"CT": CTImageStorage, "MR": MRImageStorage}


def write_dicom(path: Path, stored: np.ndarray | None, **attributes: Any) -> Path:
    """Write one DICOM file; an attribute of None is left out, and with it the pixels where stored is None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    modality = attributes.get("Modality", "MR")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = attributes.pop("SOPClassUID", _STORAGE.get(modality, MRImageStorage))
    meta.MediaStorageSOPInstanceUID = attributes.pop("SOPInstanceUID", generate_uid())
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    item.SOPClassUID, item.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    values: dict[str, Any] = {
        "PatientName": PATIENT,
        "PatientID": "4711",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "SeriesDescription": "T1 MPRAGE",
        "Modality": modality,
    }
    if stored is not None:
        values |= {
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "ImagePositionPatient": [0, 0, 0],
            "PixelSpacing": [2.0, 0.5],
            "SliceThickness": 3.0,
            "Rows": stored.shape[0],
            "Columns": stored.shape[1],
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": 1,
        }
        item.PixelData = stored.tobytes()
    for name, value in (values | attributes).items():
        if value is not None:
            setattr(item, name, value)
    item.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def dicom_file() -> Callable[..., Path]:
    return write_dicom


@pytest.fixture
def dicom_series() -> Callable[..., list[Path]]:
    """Writes a series whose names run against the order of its slices; its files in the slices' order."""

    def write(folder: Path, slices: Any = range(6), **attributes: Any) -> list[Path]:
        return [
            write_dicom(
                folder / f"IM{99 - n:04d}",
                STORED[n],
                **{"ImagePositionPatient": [0, 0, 3.0 * n], **attributes},
            )
            for n in slices
        ]

    return write


@pytest.fixture
def image_file() -> Callable[..., Path]:
    """Writes an image of 5 x 4 x 8 voxels (I, J, K) in the format of the path."""

    def write(path: Path, stored: np.ndarray | sitk.Image = STORED) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = sitk.GetImageFromArray(stored) if isinstance(stored, np.ndarray) else stored
        image.SetSpacing((0.5, 2.0, 3.0, 1.0)[: image.GetDimension()])
        sitk.WriteImage(image, str(path))
        return path

    return write


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that batches run in, with four scans in studies/ and questions.toml."""
    monkeypatch.chdir(tmp_path)
    # Pictures of reports are drawn as always, but small.
    monkeypatch.setattr(outlines, "_SHORTER_SIDE_PIXELS", 24)
    (tmp_path / "studies").mkdir()
    for number in range(SCANS):
        put_scan(tmp_path / "studies" / f"scan{number}.nrrd", number, bright=2 + number % 3)
    (tmp_path / "questions.toml").write_text(QUESTIONS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def answering() -> Answering:
    return Answering()


@pytest.fixture
def batch(work: Path, answering: Answering) -> Callable[..., BatchResult]:
    """Run the batch of `work`."""

    def started(output: str = "out", **options: Any) -> BatchResult:
        options.setdefault("make_pool", answering)
        return run(work / "studies", work / "questions.toml", work / output, **options)

    return started
