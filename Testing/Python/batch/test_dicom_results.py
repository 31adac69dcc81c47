"""DICOM results of a batch: in the study of their series, refused where they cannot be."""

from __future__ import annotations

import sys

import numpy as np
import pydicom
import pytest

from MedSegRLib.errors import UserInputError

from .conftest import write_dicom

PATIENT_WORDS = (b"Mustermann", b"Erika")


@pytest.fixture
def series(work):
    """A DICOM series with something bright in it, in a folder with the patient's name, and no other study."""
    for path in (work / "studies").iterdir():
        path.unlink()

    def put(**attributes) -> None:
        stored = np.random.default_rng(1).normal(100, 5, (6, 12, 12)).astype(np.int16)
        stored[2:4, 3:6, 3:6] += 400
        for n in range(6):
            values = {
                "ImagePositionPatient": [0, 0, 3.0 * n],
                "FrameOfReferenceUID": "1.2.3.9",
                "PatientBirthDate": "",
                "PatientSex": "",
                "StudyDate": "20240101",
                "StudyTime": "120000",
                "StudyID": "1",
                "AccessionNumber": "",
                "ReferringPhysicianName": "",
                "SeriesNumber": 2,
                "InstanceNumber": n + 1,
            }
            folder = work / "studies" / "Mustermann_Erika" / "scan"
            write_dicom(folder / f"{n}.dcm", stored[n], **(values | attributes))

    return put


def test_a_series_gets_a_seg_and_an_sr_in_its_study(batch, work, series) -> None:
    series()
    result = batch(formats=["dicom-seg", "dicom-sr"])
    assert result.exit_code == 0, result.failures
    (folder,) = (work / "out" / "studies").iterdir()
    seg, sr = pydicom.dcmread(folder / "findings.seg.dcm"), pydicom.dcmread(folder / "findings.sr.dcm")
    assert (seg.Modality, sr.Modality) == ("SEG", "SR")
    assert seg.StudyInstanceUID == sr.StudyInstanceUID == "1.2.3"
    assert len(seg.SegmentSequence) == 2


def test_a_series_without_what_seg_needs_fails_before_it_is_asked(batch, series, answering) -> None:
    series(FrameOfReferenceUID=None)
    result = batch(formats=["dicom-seg"])
    (failure,) = result.failures
    assert "FrameOfReferenceUID" in failure.why or "frame of reference" in failure.why.lower()
    assert answering.asked == []


def test_files_that_are_not_dicom_are_answered_without_dicom_results(batch, work, series) -> None:
    from .doubles import put_scan

    series()
    put_scan(work / "studies" / "file.nrrd")
    assert batch(formats=["dicom-seg"]).exit_code == 0
    assert not list((work / "out" / "studies" / "file").glob("*.dcm"))


def test_where_highdicom_is_missing_it_is_said_at_the_start(batch, work, series, monkeypatch) -> None:
    series()
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(UserInputError, match=r"needs the package highdicom.*pip install 'medsegr\[dicom\]'"):
        batch(formats=["dicom-seg"])
    assert not (work / "out").exists()


def test_the_patients_name_is_in_no_result_unless_it_is_asked_for(batch, work, series) -> None:
    series()
    batch()
    found = b"".join(path.read_bytes() for path in (work / "out").rglob("*.csv"))
    assert not any(word in found for word in PATIENT_WORDS[1:])
    batch("named", names=True)
    assert b"Mustermann^Erika" in (work / "named" / "findings.csv").read_bytes()


def test_without_names_nothing_of_the_header_is_told(batch, work, series) -> None:
    series(SeriesDescription="T1 of Mrs Mustermann")
    batch(deidentify=True)
    for path in (work / "out").rglob("*"):
        if path.is_file() and path.parent.name != "private":
            told = path.name.encode() + path.read_bytes()
            assert not any(word in told for word in PATIENT_WORDS), path
