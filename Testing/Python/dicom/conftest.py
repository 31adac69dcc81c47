"""What the tests of DICOM out share: series as scanners write them, made with pydicom, and answers about them."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from MedSegRLib.answers import Answer, Finding, Provenance, Question
from MedSegRLib.imaging import Volume, read_volume, window_for

CREATED = datetime.datetime(2026, 5, 4, 3, 2, 1)
SHAPE_KJI = (6, 9, 11)
SPACING_MM = (1.5, 2.0, 3.0)  # along I, J, K
ORIENTATIONS = {
    "axial": (1, 0, 0, 0, 1, 0),
    "sagittal": (0, 1, 0, 0, 0, -1),
    "oblique": (0.8, 0.36, -0.48, -0.6, 0.48, -0.64),
    "decubitus": (0, 1, 0, -1, 0, 0),
    "feet first": (-1, 0, 0, 0, 1, 0),
}
Series = Callable[..., Path]
Ask = Callable[..., Answer]


def write_slice(path: Path, stored: np.ndarray, modality: str, **attributes: object) -> None:
    """Write one image with the tags that those of scanners have; an attribute of None is left out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage if modality == "CT" else MRImageStorage
    meta.MediaStorageSOPInstanceUID = str(attributes["SOPInstanceUID"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    values = {
        "SpecificCharacterSet": "ISO_IR 100",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL" if modality == "CT" else "M"],
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "StudyDate": "20240131", "StudyTime": "081500", "SeriesDate": "20240131", "SeriesTime": "082000",
        "AccessionNumber": "A17", "Modality": modality, "Manufacturer": "Maker",
        "ManufacturerModelName": "Scanner", "SoftwareVersions": "7", "DeviceSerialNumber": "4711",
        "ReferringPhysicianName": "House^Gregory", "StudyDescription": "Head", "SeriesDescription": "thin",
        "PatientName": "Müller^Jürgen", "PatientID": "secret-17", "PatientBirthDate": "19560708",
        "PatientSex": "O", "PatientAge": "067Y", "StudyID": "12", "SeriesNumber": 4,
        "PositionReferenceIndicator": "", "AcquisitionNumber": 1, "PatientPosition": "HFS",
        "PixelSpacing": [SPACING_MM[1], SPACING_MM[0]], "SliceThickness": SPACING_MM[2],
        "Rows": stored.shape[0], "Columns": stored.shape[1], "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15,
        "PixelRepresentation": 1, "KVP": 120, "RescaleIntercept": -1000, "RescaleSlope": 1,
    }  # fmt: skip
    for name, value in {**values, **attributes}.items():
        if value is not None:
            setattr(item, name, value)
    item.PixelData = stored.tobytes()
    item.save_as(path, enforce_file_format=True)


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """Write a series of six slices of 9 rows and 11 columns; file names run against the slices' order."""

    def write(
        name: str = "series", orientation: str = "axial", modality: str = "CT", **attributes: object
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        along = np.array(ORIENTATIONS[orientation], float)
        normal = np.cross(along[:3], along[3:])
        stored = np.random.default_rng(1).integers(0, 1500, SHAPE_KJI).astype(np.int16)
        for k, picture in enumerate(stored):
            place = np.array([-31.5, -20.25, 7.0]) + k * SPACING_MM[2] * normal
            attributes_of_slice = {
                "StudyInstanceUID": generate_uid(entropy_srcs=["study"]),
                "SeriesInstanceUID": generate_uid(entropy_srcs=[name]),
                "FrameOfReferenceUID": generate_uid(entropy_srcs=["frame"]),
                "SOPInstanceUID": generate_uid(entropy_srcs=[name, str(k)]),
                "InstanceNumber": k + 1,
                "ImagePositionPatient": [round(float(part), 4) for part in place],
                "ImageOrientationPatient": list(ORIENTATIONS[orientation]),
                **attributes,
            }
            write_slice(folder / f"{9 - k}.dcm", picture, modality, **attributes_of_slice)
        return folder

    return write


@pytest.fixture
def ask() -> Ask:
    """An answer about a folder or volume with findings of three kinds: sided, without a side, not in the table."""

    def answer(scan: Path | Volume, **changes: object) -> Answer:
        volume = read_volume(scan) if isinstance(scan, Path) else scan
        plane = volume.acquisition_plane
        left, liver, unknown = (np.zeros(volume.shape_kji, bool) for _ in range(3))
        left[1:3, 2:5, 3:8] = True
        left[2, 2, 3] = False
        liver[2:5, 6:8, 1:4] = True
        unknown[4, 0, 0] = unknown[4, 8, 10] = True
        findings = (
            Finding.of("left hippocampus", left, volume, plane, 0.9),
            Finding.of("the liver", liver, volume, plane, 0.625),
            Finding.of("grey blob", unknown, volume, plane, 0.5),
        )
        provenance = Provenance(
            "medsegr-mini", "2", window_for(volume), plane, tuple(range(6)), "ground", 7, "0.1.0",
            {"talk": 1.5}, ("The text was corrected once.",),
        )  # fmt: skip
        made = Answer(
            Question("Where is the left hippocampus? Größe > 3 µl?", seed=7), "Here is the left hippocampus.",
            findings, ("tumour",), provenance, volume, "<p>left hippocampus</p>[SEG]",
        )  # fmt: skip
        return replace(made, **changes)

    return answer


@pytest.fixture
def verified() -> Callable[[Path], pydicom.Dataset]:
    """Read a file after Debian's dciodvfy, where it is installed, has found nothing wrong with it."""

    def read(path: Path, allowed: tuple[str, ...] = ()) -> pydicom.Dataset:
        if shutil.which("dciodvfy"):
            done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace")
            told = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            wrong = [line for line in told if line.startswith(("Error", "Warning"))]
            assert told, "dciodvfy names the kind of object at least"
            assert [line for line in wrong if not any(words in line for words in allowed)] == []
        return pydicom.dcmread(path)

    return read
