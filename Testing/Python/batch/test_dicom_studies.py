"""DICOM: series found by content in folders of any nesting, and what is no scan told by its reason."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    EncapsulatedPDFStorage,
    EnhancedSRStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    MediaStorageDirectoryStorage,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from MedSegRLib.batch import BatchQuestion, QuestionFile, plan
from MedSegRLib.batch.listing import find_studies
from MedSegRLib.errors import ImageReadError
from MedSegRLib.imaging import Modality, read_volume

PATIENT = "Mustermann^Erika"
ASKED = QuestionFile((BatchQuestion("where", "Where is it?"),))


def reasons(inputs) -> list[str]:
    return [one.why for one in plan([inputs], ASKED).left_out]


def test_a_series_is_found_by_content_and_its_files_lie_in_the_order_of_its_slices(
    tmp_path, dicom_series
) -> None:
    files = dicom_series(tmp_path / "CD" / "A" / "B", BodyPartExamined="BRAIN")
    (study,) = find_studies([tmp_path]).studies
    assert study.paths == tuple(files)
    assert (study.kind, study.modality, study.body_part) == ("dicom", "MR", "BRAIN")
    assert (study.description, study.slices, study.part) == ("T1 MPRAGE", 6, "1.2.3.4")
    volume = study.read()
    expected = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.voxels, expected.voxels)
    np.testing.assert_array_equal(volume.ijk_to_ras, expected.ijk_to_ras)
    assert volume.modality is Modality.MR


def test_series_in_one_folder_are_told_apart_and_one_may_lie_in_several_folders(
    tmp_path, dicom_series
) -> None:
    dicom_series(tmp_path / "DIR0", range(3))
    dicom_series(tmp_path / "DIR1", range(3, 6))
    dicom_series(tmp_path / "DIR1", range(7, 8), SeriesInstanceUID="1.2.9", Modality="CT")
    studies = find_studies([tmp_path]).studies
    assert sorted((study.modality, study.slices) for study in studies) == [("CT", 1), ("MR", 6)]
    assert all(study.read().shape_kji[0] == study.slices for study in studies)


def test_the_key_is_of_the_uids_and_not_of_the_patient_the_place_or_the_order(tmp_path, dicom_series) -> None:
    dicom_series(tmp_path / "a")
    dicom_series(tmp_path / "z", SeriesInstanceUID="1.2.9")
    keys = {task.study.part: task.study.key for task in plan([tmp_path], ASKED).tasks}
    shutil.move(tmp_path / "a", tmp_path / "zz")
    for path in (tmp_path / "zz").iterdir():
        item = pydicom.dcmread(path)
        item.PatientName, item.PatientID = "Other^One", "1"
        item.save_as(path)
    again = plan([tmp_path / "zz", tmp_path / "z"], ASKED)
    assert {task.study.part: task.study.key for task in again.tasks} == keys
    assert len(set(keys.values())) == 2 and all(key.startswith("dicom-") for key in keys.values())


def test_the_patients_name_is_shown_only_to_who_asks_for_names(tmp_path, dicom_series, capfd) -> None:
    dicom_series(tmp_path / "good")
    dicom_series(tmp_path / "bad", (0, 1, 4, 5), SeriesInstanceUID="1.2.9")
    found = plan([tmp_path], ASKED)
    shown = "\n".join(found.lines())
    assert "Mustermann" not in shown + repr(found) and "4711" not in shown + repr(found)
    assert PATIENT in "\n".join(found.lines(names=True))
    assert found.tasks[0].study.patient == PATIENT
    assert capfd.readouterr() == ("", "")


def test_values_that_make_pydicom_complain_show_nothing_on_the_terminal(
    tmp_path, dicom_series, capfd
) -> None:
    # A name longer than its kind allows, in a character set that there is not.
    dicom_series(tmp_path, PatientName=PATIENT * 9, SpecificCharacterSet="ISO_IR 999")
    capfd.readouterr()
    assert len(find_studies([tmp_path]).studies) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"SOPClassUID": SecondaryCaptureImageStorage, "Modality": "OT"}, "a secondary capture"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "a localizer (scout)"),
        ({"SeriesDescription": "3-plane loc"}, "a localizer (scout)"),
        ({"SeriesDescription": "HEAD_SCOUT"}, "a localizer (scout)"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "a picture of a screen (screen save)"),
    ],
)
def test_pictures_that_are_no_scan_are_left_out_by_name(tmp_path, dicom_series, attributes, said) -> None:
    dicom_series(tmp_path, range(3), **attributes)
    (why,) = reasons(tmp_path)
    assert why.startswith(f"It is {said}") and why.endswith("no scan to ask about.")


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        (SegmentationStorage, "a segmentation (SEG)"),
        (EnhancedSRStorage, "a structured report (SR)"),
        (KeyObjectSelectionDocumentStorage, "a key object selection (KO)"),
        (RTStructureSetStorage, "a set of contours (RTSTRUCT)"),
        (GrayscaleSoftcopyPresentationStateStorage, "a presentation state (PR)"),
        (EncapsulatedPDFStorage, "a document"),
    ],
)
def test_what_was_made_about_a_scan_is_left_out_and_the_scan_is_asked(
    tmp_path, dicom_series, dicom_file, storage, said
) -> None:
    dicom_series(tmp_path)
    dicom_file(tmp_path / "about", None, SOPClassUID=storage, SeriesInstanceUID="1.2.9", Modality="XX")
    found = plan([tmp_path], ASKED)
    assert len(found.tasks) == 1
    assert [one.why for one in found.left_out] == [f"It is {said}, no scan to ask about."]


def test_words_within_words_make_no_localizer(tmp_path, dicom_series) -> None:
    dicom_series(tmp_path, SeriesDescription="bilocalizer scouting")
    assert reasons(tmp_path) == []


@pytest.mark.parametrize(
    ("slices", "last", "said"),
    [
        ((0, 1, 3, 4), {}, "T1 MPRAGE has missing slices, 1 in all"),
        (range(4), {"ImagePositionPatient": [0, 0, 10]}, "T1 MPRAGE has mixed slices, unevenly spaced"),
        (range(4), {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "mixed slices, of different directions"),
        (range(4), {"NumberOfFrames": 2, "Rows": 2}, "4-D or multi-frame, with 2 pictures in one file"),
        (range(4), {"ImagePositionPatient": [0, 0, 6]}, "is 4-D, it has 2 or more slices at a place"),
        (range(4), {"SamplesPerPixel": 3}, "is in colour (RGB)"),
        (range(4), {"PixelSpacing": [0, 1]}, "pixels of spacing 0"),
    ],
    ids=["missing", "uneven", "directions", "frames", "4-D", "colour", "spacing"],
)
def test_a_series_that_is_no_whole_stack_is_left_out_as_the_reader_would_say(
    tmp_path, dicom_series, slices, last, said
) -> None:
    path = dicom_series(tmp_path, slices)[-1]
    item = pydicom.dcmread(path)
    for name, value in last.items():
        setattr(item, name, value)
    item.save_as(path)
    (why,) = reasons(tmp_path)
    assert said in why
    with pytest.raises(Exception) as refused:
        read_volume(tmp_path)
    assert str(refused.value) == why


def test_two_series_with_one_uid_are_left_out_with_both_places(tmp_path, dicom_series) -> None:
    dicom_series(tmp_path / "a")
    dicom_series(tmp_path / "b")
    (why,) = reasons(tmp_path)
    assert why.startswith("Two different series have this one's UID, see ")
    assert str(tmp_path / "a") in why and str(tmp_path / "b") in why


@pytest.mark.parametrize("other", [{"PatientID": "4712"}, {"StudyInstanceUID": "1.2.4"}])
def test_a_uid_that_two_patients_or_studies_share_is_never_one_scan(tmp_path, dicom_series, other) -> None:
    dicom_series(tmp_path / "a", range(3))
    dicom_series(tmp_path / "a", range(3, 6), **other)
    (why,) = reasons(tmp_path)
    assert why.startswith("Two different series have this one's UID")


def test_copies_are_asked_about_once(tmp_path, dicom_series) -> None:
    files = dicom_series(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    found = plan([tmp_path], ASKED)
    assert [task.study.paths for task in found.tasks] == [tuple(files)]
    assert [(one.what, one.why) for one in found.left_out] == [
        (
            str(tmp_path / "b"),
            f"It holds copies of 6 files of {tmp_path / 'a'}, which are asked about once.",
        )
    ]


def test_a_copy_that_was_changed_is_no_copy(tmp_path, dicom_series) -> None:
    path = dicom_series(tmp_path / "a")[0]
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    changed = tmp_path / "b" / path.name
    changed.write_bytes(changed.read_bytes()[:-1] + b"\x01")
    (why,) = reasons(tmp_path)
    assert why.startswith("Two different series have this one's UID") and str(changed) in why


def test_inputs_that_lie_in_each_other_give_each_series_once(tmp_path, dicom_series) -> None:
    dicom_series(tmp_path / "a")
    found = plan([tmp_path, tmp_path / "a", *(tmp_path / "a").iterdir()], ASKED)
    assert [task.study.slices for task in found.tasks] == [6] and found.left_out == ()


def test_a_file_without_a_series_is_left_out(tmp_path, dicom_series) -> None:
    dicom_series(tmp_path, range(1), SeriesInstanceUID=None)
    assert reasons(tmp_path) == ["It does not say which series it belongs to; export it again."]


def test_a_directory_file_is_passed_over(tmp_path, dicom_series, dicom_file) -> None:
    dicom_series(tmp_path)
    dicom_file(tmp_path / "DICOMDIR", None, SOPClassUID=MediaStorageDirectoryStorage)
    found = plan([tmp_path], ASKED)
    assert len(found.tasks) == 1 and found.left_out == ()


def test_damaged_headers_are_told_by_name_and_the_rest_goes_on(tmp_path, dicom_series) -> None:
    path = dicom_series(tmp_path / "bad", range(1), SeriesInstanceUID="1.2.9")[0]
    dicom_series(tmp_path / "good")
    content = path.read_bytes()
    whole = len(plan([tmp_path], ASKED).tasks)
    assert whole == 2
    for end in (*range(132, 160), *range(160, len(content) - STORED_BYTES, 41)):
        path.write_bytes(content[:end])
        found = plan([tmp_path], ASKED)
        # What is left may be too little to be told from a file that never said more; it is never a crash.
        assert any(task.study.slices == 6 for task in found.tasks)
        assert len(found.tasks) + len(found.left_out) == 2


STORED_BYTES = 40


def test_a_number_that_is_none_is_as_if_it_were_missing(tmp_path, dicom_series) -> None:
    path = dicom_series(tmp_path)[2]
    path.write_bytes(path.read_bytes().replace(b"2.0\\0.5 ", b"2,0\\0,5 "))
    (why,) = reasons(tmp_path)
    assert "mixed slices, of different pixel spacings" in why


def test_files_that_went_away_after_the_plan_are_told(tmp_path, dicom_series) -> None:
    files = dicom_series(tmp_path)
    (study,) = find_studies([tmp_path]).studies
    os.remove(files[3])
    for action in (study.read, study.fingerprint):
        with pytest.raises(
            ImageReadError, match=r"IM0096 cannot be opened \(No such file.*\); check the path"
        ):
            action()


@pytest.mark.shared_data
def test_the_real_series_are_found_with_what_belongs_to_them(shared_data) -> None:
    found = plan([shared_data / "formats"], ASKED)
    assert sorted((task.study.modality, task.study.slices) for task in found.tasks) == [
        ("CT", 3), ("CT", 56), ("MR", 22), ("MR", 22),
    ]  # fmt: skip
    said = " ".join(one.why for one in found.left_out)
    assert "It is a segmentation (SEG)" in said and "It is a set of contours (RTSTRUCT)" in said
    for task in found.tasks:
        assert task.study.read().shape_kji[0] == task.study.slices
