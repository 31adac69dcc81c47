"""DICOM SEG, read back by pydicom, highdicom and our importer, placed by SimpleITK, judged by dciodvfy."""

from __future__ import annotations

import datetime
import random
from dataclasses import replace

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import load_table
from MedSegRLib.answers import Finding, Question
from MedSegRLib.dataset.importing.about import About
from MedSegRLib.dataset.importing.dicom_seg import SEG
from MedSegRLib.dataset.importing.dicom_source import read_dicom
from MedSegRLib.dicom import DicomSource, write_dicom_seg
from MedSegRLib.errors import OutputError
from MedSegRLib.imaging import read_volume

from .made import CREATED, ORIENTATIONS

# What dciodvfy says of values that were copied from the series as they are.
FROM_SCANNERS = (
    "Retired Person Name form",
    "needed to build DICOMDIR",
    "Unrecognized defined term <L> for value 1 of attribute <Coding Scheme Designator>",
)


@pytest.fixture
def write(tmp_path, verified):
    """Write a SEG about a series, have it verified, and read it with pydicom."""

    def run(folder, *answers, name="answer.dcm", allowed=()):
        write_dicom_seg(answers, DicomSource.read(folder), tmp_path / name, created=CREATED)
        return verified(tmp_path / name, allowed)

    return run


def lps_points(seg: pydicom.Dataset, number: int) -> set[tuple[float, ...]]:
    """Where the voxels of a segment lie, by the attributes of its frames alone."""
    shared = seg.SharedFunctionalGroupsSequence[0]
    orientation = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    down, along = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    frames = np.atleast_3d(seg.pixel_array).reshape(-1, seg.Rows, seg.Columns)
    points = set()
    for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        identified = groups.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
        if identified[0].ReferencedSegmentNumber == number:
            corner = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
            for row, column in np.argwhere(frame):
                point = corner + orientation[:3] * column * along + orientation[3:] * row * down
                points.add(tuple(np.round(point, 2) + 0.0))
    return points


def itk_points(folder, mask: np.ndarray) -> set[tuple[float, ...]]:
    """Where the voxels of a mask lie, by SimpleITK."""
    image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    places = (image.TransformIndexToPhysicalPoint((int(i), int(j), int(k))) for k, j, i in np.argwhere(mask))
    return {tuple(np.round(place, 2) + 0.0) for place in places}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_masks_come_back_voxel_by_voxel_and_lie_where_SimpleITK_says(series, ask, write, orientation):
    folder = series(orientation=orientation)
    answer = ask(folder)
    seg = write(folder, answer)
    read = hd.seg.Segmentation.from_dataset(seg)
    lps_to_ijk = np.linalg.inv(np.diag([-1.0, -1.0, 1.0, 1.0]) @ answer.volume.ijk_to_ras)
    for number, finding in enumerate(answer.findings, 1):
        drawn = read.get_volume(segment_numbers=[number], skip_overlap_checks=True)
        # highdicom's grid has the frames that are stored, in an order of its own.
        there = np.argwhere(drawn.array[..., 0])
        ijk = np.c_[there, np.ones(len(there))] @ (lps_to_ijk @ drawn.affine).T[:, :3]
        np.testing.assert_allclose(ijk, np.rint(ijk), atol=2e-3)
        placed = np.zeros_like(finding.mask)
        placed[tuple(np.rint(ijk).astype(int).T[::-1])] = True
        np.testing.assert_array_equal(placed, finding.mask)
        assert lps_points(seg, number) == itk_points(folder, finding.mask)


def test_only_slices_with_something_on_them_are_stored(series, ask, write):
    folder = series()
    answer = ask(folder)
    seg = write(folder, answer)
    assert seg.NumberOfFrames == sum(finding.mask.any(axis=(1, 2)).sum() for finding in answer.findings) == 6
    assert (seg.SegmentationType, seg.BitsAllocated) == ("BINARY", 1)
    measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert measures.SpacingBetweenSlices == pytest.approx(3.0)


def test_the_order_of_the_files_does_not_matter(series, ask, tmp_path):
    folder = series()
    files = sorted(folder.iterdir())
    shuffled = random.Random(3).sample(files, len(files))
    for name, given in (("a", files), ("b", files[::-1]), ("c", shuffled)):
        source = DicomSource.of_files(given)
        write_dicom_seg([ask(folder)], source, tmp_path / name, created=CREATED)
    assert len({(tmp_path / name).read_bytes() for name in "abc"}) == 1


def test_it_stands_in_the_study_of_its_series_and_refers_to_every_slice(series, ask, write):
    folder = series()
    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    seg = write(folder, ask(folder))
    for keyword in (
        "StudyInstanceUID", "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "PatientAge",
        "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber", "ReferringPhysicianName",
        "FrameOfReferenceUID",
    ):  # fmt: skip
        assert seg[keyword].value == slices[0][keyword].value, keyword
    assert (seg.Modality, seg.ContentQualification, seg.SeriesNumber) == ("SEG", "RESEARCH", 1004)
    (referred,) = seg.ReferencedSeriesSequence
    assert referred.SeriesInstanceUID == slices[0].SeriesInstanceUID != seg.SeriesInstanceUID
    assert {one.ReferencedSOPInstanceUID for one in referred.ReferencedInstanceSequence} == {
        one.SOPInstanceUID for one in slices
    }
    at = {tuple(one.ImagePositionPatient): one.SOPInstanceUID for one in slices}
    for frame in seg.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        place = tuple(frame.PlanePositionSequence[0].ImagePositionPatient)
        assert source.ReferencedSOPInstanceUID == at[place]


def test_segments_carry_names_codes_sides_colours_and_what_made_them(series, ask, write):
    folder = series()
    answer = ask(folder)
    left, liver, blob = write(folder, answer).SegmentSequence
    assert [one.SegmentLabel for one in (left, liver, blob)] == ["left hippocampus", "liver", "grey blob"]
    assert code(left.SegmentedPropertyCategoryCodeSequence) == ("SCT", "123037004")
    assert code(left.SegmentedPropertyTypeCodeSequence) == ("SCT", "5366008")
    kind = left.SegmentedPropertyTypeCodeSequence[0]
    assert code(kind.SegmentedPropertyTypeModifierCodeSequence) == ("SCT", "7771000")
    assert code(liver.SegmentedPropertyTypeCodeSequence) == ("SCT", "10200004")
    assert "SegmentedPropertyTypeModifierCodeSequence" not in liver.SegmentedPropertyTypeCodeSequence[0]
    # What the table does not know is tissue, and no more than that.
    assert code(blob.SegmentedPropertyCategoryCodeSequence) == ("SCT", "85756007")
    assert code(blob.SegmentedPropertyTypeCodeSequence) == ("SCT", "85756007")
    assert (left.SegmentAlgorithmType, left.SegmentAlgorithmName) == ("AUTOMATIC", "medsegr-mini")
    assert left.SegmentationAlgorithmIdentificationSequence[0].AlgorithmVersion == "2"
    assert left.SegmentDescription == f"Confidence 0.900. Asked: {answer.question.text}"
    assert len({one.TrackingUID for one in (left, liver, blob)}) == 3
    red, green, blue = hd.color.CIELabColor.from_dicom_value(left.RecommendedDisplayCIELabValue).to_rgb()
    assert np.allclose((red, green, blue), np.array(answer.findings[0].colour) * 255, atol=2)


def code(sequence) -> tuple[str, str]:
    (item,) = sequence
    return item.CodingSchemeDesignator, item.CodeValue


def test_a_finding_on_both_sides_says_so_in_its_code(series, ask, write):
    folder = series()
    answer = ask(folder)
    both = Finding.of("both hippocampi", answer.findings[0].mask, answer.volume, answer.provenance.plane, 0.9)
    (segment,) = write(folder, replace(answer, findings=(both,))).SegmentSequence
    kind = segment.SegmentedPropertyTypeCodeSequence[0]
    assert code(kind.SegmentedPropertyTypeModifierCodeSequence) == ("SCT", "51440002")


def test_a_single_segment_and_overlapping_ones_of_several_answers_are_kept(series, ask, write):
    folder = series()
    first = ask(folder)
    wide = np.zeros(first.volume.shape_kji, bool)
    wide[0:4] = True
    cover = Finding.of("head", wide, first.volume, first.provenance.plane, 1.0)
    second = replace(first, question=Question("And the head?"), findings=(cover,))
    seg = write(folder, first, second)
    assert seg.SegmentsOverlap == "YES"
    assert [one.TrackingID for one in seg.SegmentSequence][2:] == ["question_1.grey_blob", "question_2.head"]
    for number, finding in enumerate((*first.findings, cover), 1):
        assert lps_points(seg, number) == itk_points(folder, finding.mask)
    alone = write(folder, second, name="alone.dcm")
    assert lps_points(alone, 1) == itk_points(folder, wide)


def test_a_finding_on_a_single_slice_and_a_series_of_one_are_kept(series, ask, write, tmp_path):
    folder = series()
    answer = ask(folder)
    point = np.zeros(answer.volume.shape_kji, bool)
    point[3, 4, 5] = True
    finding = Finding.of("left hippocampus", point, answer.volume, answer.provenance.plane, 0.5)
    assert lps_points(write(folder, replace(answer, findings=(finding,))), 1) == itk_points(folder, point)
    volume = read_volume(folder / "6.dcm")
    flat = np.zeros(volume.shape_kji, bool)
    flat[0, 4, 5] = True
    one = Finding.of("left hippocampus", flat, volume, volume.acquisition_plane, 0.5)
    seg = write(folder / "6.dcm", replace(answer, findings=(one,), volume=volume), name="one.dcm")
    assert lps_points(seg, 1) == itk_points(folder, point)


def test_the_same_answer_is_the_same_file_and_another_is_another_object(series, ask, write, tmp_path):
    folder = series()
    answer = ask(folder)
    uids = {"first": write(folder, answer).SOPInstanceUID}
    slower = replace(answer.provenance, seconds={"talk": 9.0})
    moved = replace(answer.volume, name="other", source="/elsewhere")
    again = write(folder, replace(answer, provenance=slower, volume=moved), name="again.dcm")
    assert (tmp_path / "again.dcm").read_bytes() == (tmp_path / "answer.dcm").read_bytes()
    assert str(again.SOPInstanceUID).startswith("2.25.")
    smaller = answer.findings[0].mask.copy()
    smaller[1] = False
    changes = {
        "question": {"question": Question("Where is it?")},
        "model": {"provenance": replace(answer.provenance, model_version="3")},
        "mask": {"findings": (replace(answer.findings[0], mask=smaller), *answer.findings[1:])},
    }
    for name, change in changes.items():
        uids[name] = write(folder, replace(answer, **change)).SOPInstanceUID
    uids["series"] = write(series("other"), ask(tmp_path / "other")).SOPInstanceUID
    assert len(set(uids.values())) == 5


@pytest.mark.parametrize(
    ("charset", "name"),
    [("ISO_IR 100", "Müller^Jürgen"), (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"), (None, "Nobody")],
)
def test_names_in_any_script_are_kept_and_not_told(series, ask, write, capfd, recwarn, charset, name):
    nested = pydicom.Dataset()
    nested.CodeValue, nested.CodingSchemeDesignator = "1", "L"
    nested.CodeMeaning = name.partition("=")[2] or name
    folder = series(
        SpecificCharacterSet=charset, PatientName=name, StudyDescription=nested.CodeMeaning,
        ProcedureCodeSequence=[nested],
    )  # fmt: skip
    seg = write(folder, ask(folder), allowed=FROM_SCANNERS)
    assert seg.PatientName == name and seg.StudyDescription == nested.CodeMeaning
    assert seg.ProcedureCodeSequence[0].CodeMeaning == nested.CodeMeaning
    assert "Größe > 3 µl?" in seg.SegmentSequence[0].SegmentDescription
    told = capfd.readouterr()
    assert name not in told.out + told.err + "".join(str(one.message) for one in recwarn)


def test_tags_that_may_be_empty_may_be_missing(series, ask, write):
    missing = dict.fromkeys(
        ("PatientSex", "PatientBirthDate", "AccessionNumber", "StudyID", "StudyDate", "StudyTime",
         "ReferringPhysicianName", "PatientName", "PatientID", "SliceThickness", "SeriesNumber")
    )  # fmt: skip
    folder = series(**missing)
    seg = write(folder, ask(folder), allowed=FROM_SCANNERS)
    assert (seg.PatientID, seg.AccessionNumber, seg.SeriesNumber) == ("", "", 1000)


@pytest.mark.parametrize("error", [ValueError("no such\nvalue"), AttributeError("x"), KeyError("y")])
def test_what_highdicom_refuses_for_a_reason_of_its_own_is_told_and_nothing_is_written(
    series, ask, tmp_path, monkeypatch, error
):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr("highdicom.seg.Segmentation", refuse)
    folder = series()
    with pytest.raises(OutputError, match="headers of the series do not make a valid object"):
        write_dicom_seg([ask(folder)], DicomSource.read(folder), tmp_path / "answer.dcm")
    assert not list(tmp_path.glob("*answer*"))


def test_words_longer_than_dicom_takes_are_cut(series, ask, write):
    folder = series()
    answer = ask(folder)
    thing = Finding.of("größer \\ " * 20, answer.findings[0].mask, answer.volume, answer.provenance.plane, 1)
    answer = replace(answer, findings=(thing,), question=Question("Größe? " * 300))
    (segment,) = write(folder, answer).SegmentSequence
    assert segment.SegmentLabel.startswith("größer / größer") and segment.SegmentLabel.endswith("...")
    assert segment.SegmentDescription.endswith("...")


def test_directions_and_spacings_that_a_series_says_badly_do_no_harm(series, ask, write):
    folder = series("other", SpacingBetweenSlices=-7)
    item = pydicom.dcmread(folder / "7.dcm")
    item.ImageOrientationPatient = [0.999999, 0.0001, 0, -0.0001, 0.999999, 0]
    item.save_as(folder / "7.dcm")
    answer = ask(folder)
    seg = write(folder, answer)
    shared = seg.SharedFunctionalGroupsSequence[0]
    assert shared.PixelMeasuresSequence[0].SpacingBetweenSlices == 3.0
    assert lps_points(seg, 1) == itk_points(folder, answer.findings[0].mask)


def test_our_own_importer_reads_it(series, ask, write, tmp_path):
    folder = series(orientation="oblique")
    answer = ask(folder)
    answer = replace(answer, findings=answer.findings[:2])
    write(folder, answer)
    (tmp_path / "labels").mkdir()
    about = About("abdomen", split="train")
    (source,) = read_dicom(SEG, folder, tmp_path / "answer.dcm", (), about, load_table(), tmp_path / "labels")
    assert [(one.structure, one.side.value) for one in source.labels] == [
        ("hippocampus", "left"), ("liver", "none"),
    ]  # fmt: skip
    for label, finding in zip(source.labels, answer.findings, strict=True):
        read = sitk.GetArrayFromImage(sitk.ReadImage(str(label.file))) == label.value
        np.testing.assert_array_equal(read, finding.mask)


def test_without_a_moment_it_is_made_now(series, ask, tmp_path):
    folder = series()
    before = datetime.datetime.now().replace(microsecond=0)
    write_dicom_seg([ask(folder)], DicomSource.read(folder), tmp_path / "a.dcm")
    made = pydicom.dcmread(tmp_path / "a.dcm")
    stamped = datetime.datetime.strptime(f"{made.ContentDate}{str(made.ContentTime)[:6]}", "%Y%m%d%H%M%S")
    assert before <= stamped <= datetime.datetime.now()


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "place",
    [
        "ct_3slice_dcmqi/dicom",
        "ct_lung_tumour_gtv_cerr/pat_4/dicom",
        "mr_fullhead_unlabelled_dicom/Study3/11-T1post-18670",
    ],
)
def test_masks_on_what_scanners_wrote_come_back(shared_data, ask, write, place):
    folder = shared_data / "formats" / place
    volume = read_volume(folder)
    mask = np.zeros(volume.shape_kji, bool)
    mask[1:3, 10:40, 20:70] = True
    mask[1, 15, 30] = False
    finding = Finding.of("left hippocampus", mask, volume, volume.acquisition_plane, 0.5)
    seg = write(folder, ask(volume, (finding,)), allowed=FROM_SCANNERS)
    assert lps_points(seg, 1) == itk_points(folder, mask)
