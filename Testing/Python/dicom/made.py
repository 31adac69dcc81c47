"""Series as scanners write them, made with pydicom."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

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
