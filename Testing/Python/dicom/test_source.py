"""What a series must have to be referred to: each refusal in its own words, with nothing written."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from MedSegRLib.dicom import DicomSource, write_dicom_seg, write_dicom_sr
from MedSegRLib.errors import (
    ImageReadError,
    OutputError,
    SeriesChoiceError,
    UnsupportedVolumeError,
    UserInputError,
)
from MedSegRLib.imaging import read_volume


def change(path, **attributes):
    item = pydicom.dcmread(path)
    for name, value in attributes.items():
        if value is None:
            delattr(item, name)
        else:
            setattr(item, name, value)
    item.save_as(path)


@pytest.fixture
def refused(tmp_path):
    """Write a SEG and an SR that must be refused, and leave no file."""

    def check(kind, sentence, answer, source):
        for write in (write_dicom_seg, write_dicom_sr):
            before = sorted(tmp_path.rglob("*"))
            with pytest.raises(kind, match=sentence) as caught:
                write([answer], source, tmp_path / "answer.dcm")
            assert "secret" not in str(caught.value) and "Müller" not in str(caught.value)
            assert sorted(tmp_path.rglob("*")) == before

    return check


@pytest.mark.parametrize(
    "keyword",
    ["FrameOfReferenceUID", "StudyInstanceUID", "ImagePositionPatient", "PixelSpacing", "SOPInstanceUID"],
)
def test_a_tag_that_is_needed_is_named_with_its_file(series, keyword):
    folder = series()
    change(folder / "6.dcm", **{keyword: None})
    with pytest.raises(
        UnsupportedVolumeError,
        match=rf"^6\.dcm has no {keyword}, which DICOM SEG needs .* write \.seg\.nrrd\.$",
    ):
        DicomSource.of_files(folder.iterdir())


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"FrameOfReferenceUID": "1.2.3"}, r"are not all in one frame of reference \(FrameOfReferenceUID\)"),
        ({"StudyInstanceUID": "1.2.3"}, r"are not all of one study \(StudyInstanceUID\); keep the files"),
        ({"SeriesInstanceUID": "1.2.3"}, r"are not all of one series \(SeriesInstanceUID\)"),
        ({"PatientID": "secret-18"}, r"are not all of one patient \(PatientID\)"),
        ({"NumberOfFrames": 3}, r"6\.dcm is multi-frame, with 3 pictures in one file; export it as one file"),
        ({"SOPClassUID": "1.2.3"}, r"6\.dcm is of no kind of image that the standard knows \(SOPClassUID\)"),
    ],
)
def test_files_that_are_not_one_series_of_single_frames_are_refused(series, attributes, sentence):
    folder = series()
    change(folder / "6.dcm", **attributes)
    with pytest.raises(UnsupportedVolumeError, match=sentence) as caught:
        DicomSource.of_files(folder.iterdir())
    assert "secret" not in str(caught.value)


def test_one_instance_twice_is_refused(series):
    folder = series()
    shutil.copy(folder / "6.dcm", folder / "again.dcm")
    with pytest.raises(
        UnsupportedVolumeError, match=r"1 slices beside .* have the SOPInstanceUID of another"
    ):
        DicomSource.of_files(folder.iterdir())


def test_no_file_another_file_and_a_damaged_one_are_told(series, tmp_path):
    folder = series()
    (tmp_path / "notes.nii").write_text("no DICOM " * 40)
    (folder / "6.dcm").write_bytes((folder / "6.dcm").read_bytes()[:700])
    with pytest.raises(UnsupportedVolumeError, match="There is no slice to refer to; give a DICOM series"):
        DicomSource.of_files([])
    with pytest.raises(ImageReadError, match=r"notes\.nii is no DICOM file; DICOM SEG and SR can only be"):
        DicomSource.read(tmp_path / "notes.nii")
    with pytest.raises(ImageReadError, match=r"none\.dcm cannot be read as DICOM; check the path"):
        DicomSource.read(tmp_path / "none.dcm")
    with pytest.raises(UserInputError, match=r"6\.dcm"):
        DicomSource.read(folder)


def test_a_series_among_others_is_chosen_as_read_volume_does(series, tmp_path):
    series("one")
    series("two", SeriesDescription="thick")
    with pytest.raises(SeriesChoiceError, match="holds 2 DICOM series; choose one with --series"):
        DicomSource.read(tmp_path)
    assert {path.parent.name for path in DicomSource.read(tmp_path, "thick").files} == {"two"}


def test_a_scan_with_fewer_slices_than_its_series_is_refused(series, ask, refused):
    folder = series()
    source = DicomSource.read(folder)
    volume = read_volume(folder)
    fewer = replace(volume, voxels=volume.voxels[:5])
    refused(UnsupportedVolumeError, r"thin has 5 slices and its series 6, or at other", ask(fewer), source)


def test_a_series_that_has_lost_a_slice_is_refused(series, ask, refused):
    folder = series()
    answer = ask(folder)
    (folder / "7.dcm").unlink()
    source = DicomSource.of_files(folder.iterdir())
    refused(UnsupportedVolumeError, r"thin has 6 slices and its series 5, or at other", answer, source)


@pytest.mark.parametrize(
    "moved",
    [
        np.diag([1.1, 1.0, 1.0, 1.0]),
        np.array([[1, 0, 0, 2.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
        np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1.5], [0, 0, 0, 1]]),
        np.array([[0.999, -0.045, 0, 0], [0.045, 0.999, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
        np.diag([-1.0, 1.0, 1.0, 1.0]),
    ],
    ids=["wider", "aside", "between slices", "turned", "mirrored"],
)
def test_a_scan_that_lies_elsewhere_than_its_series_is_refused(series, ask, refused, moved):
    folder = series()
    volume = read_volume(folder)
    other = replace(volume, ijk_to_ras=moved @ volume.ijk_to_ras)
    refused(
        UnsupportedVolumeError,
        r"The scan thin does not lie where the slices of its series do \(.*dcm\); give the series",
        ask(other),
        DicomSource.read(folder),
    )


def test_a_scan_whose_slices_run_the_other_way_is_the_same_scan(series, ask, tmp_path):
    folder = series()
    volume = read_volume(folder)
    ijk_to_ras = volume.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] += 5 * ijk_to_ras[:3, 2]
    ijk_to_ras[:3, 2] *= -1
    turned = replace(volume, voxels=volume.voxels[::-1], ijk_to_ras=ijk_to_ras)
    source = DicomSource.read(folder)
    assert source.slices_along(turned) == source.slices_along(volume)[::-1]


@pytest.mark.parametrize(("keyword", "value"), [("PatientSex", "secret"), ("StudyDate", "17th of May")])
def test_values_that_cannot_be_copied_are_refused_by_the_name_of_their_tag(
    series, ask, refused, recwarn, keyword, value
):
    with pydicom.config.disable_value_validation():
        folder = series(**{keyword: value})
    sentence = rf"dcm has values that the standard does not allow in {keyword}, which would be copied"
    refused(UnsupportedVolumeError, sentence, ask(folder), DicomSource.read(folder))
    assert not [one for one in recwarn if value in str(one.message)]


def test_without_a_finding_no_segmentation_is_written(series, ask, tmp_path):
    folder = series()
    with pytest.raises(
        OutputError, match=r"a\.dcm was not written: nothing was found, and a DICOM SEG holds"
    ):
        write_dicom_seg([ask(folder, ())], DicomSource.read(folder), tmp_path / "a.dcm")
    with pytest.raises(OutputError, match=r"a\.dcm was not written: there is no answer"):
        write_dicom_sr([], DicomSource.read(folder), tmp_path / "a.dcm")
    assert not (tmp_path / "a.dcm").exists()


def test_a_slice_of_the_scan_is_never_replaced(series, ask):
    folder = series()
    before = (folder / "6.dcm").read_bytes()
    with pytest.raises(OutputError, match=r"6\.dcm is a slice of the scan itself, which would be lost"):
        write_dicom_seg([ask(folder)], DicomSource.read(folder), folder / "6.dcm")
    assert (folder / "6.dcm").read_bytes() == before


def test_a_place_that_cannot_be_written_to_and_a_slice_that_is_gone_leave_nothing(series, ask, tmp_path):
    folder = series()
    answer, source = ask(folder), DicomSource.read(folder)
    with pytest.raises(OutputError, match="there is no folder"):
        write_dicom_seg([answer], source, tmp_path / "none" / "a.dcm")
    (folder / "8.dcm").unlink()
    with pytest.raises(ImageReadError, match=r"8\.dcm cannot be read as DICOM"):
        write_dicom_seg([answer], source, tmp_path / "a.dcm")
    assert list(tmp_path.iterdir()) == [folder]


def test_without_highdicom_it_is_said_how_to_install_it(series, ask, monkeypatch, refused):
    import sys

    folder = series()
    answer, source = ask(folder), DicomSource.read(folder)
    for name in [name for name in sys.modules if name.startswith(("highdicom", "MedSegRLib.dicom."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "highdicom", None)
    refused(UserInputError, r"needs the package highdicom, which is not .*'medsegr\[dicom\]'", answer, source)
