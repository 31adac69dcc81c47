"""DICOM SR, read back by highdicom and compared with the answer and its SEG; judged by dciodvfy."""

from __future__ import annotations

from dataclasses import replace

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from MedSegRLib.answers import Finding
from MedSegRLib.dicom import DicomSource, write_dicom_seg, write_dicom_sr
from MedSegRLib.imaging import Modality, read_volume

from .made import CREATED


@pytest.fixture
def write(tmp_path, verified):
    """Write an SR about a series, have it verified, and read it with highdicom."""

    def run(folder, *answers, name="report.dcm"):
        write_dicom_sr(answers, DicomSource.read(folder), tmp_path / name, created=CREATED)
        return hd.sr.ComprehensiveSR.from_dataset(verified(tmp_path / name))

    return run


def numbers(group) -> dict[tuple[str, str | None], tuple[float, str]]:
    """Value and unit of each measurement, by its name and derivation."""
    return {
        (one.name.meaning, one.derivation.meaning if one.derivation else None): (one.value, one.unit.value)
        for one in group.get_measurements()
    }


def texts(report: pydicom.Dataset) -> list[str]:
    """The comments under "Qualitative Evaluations"."""
    (container,) = (
        item
        for item in report.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Qualitative Evaluations"
    )
    return [item.TextValue for item in container.ContentSequence]


def test_each_finding_is_a_group_with_its_measurements_and_units(series, ask, write):
    folder = series()
    answer = ask(folder)
    groups = write(folder, answer).content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 3
    for group, finding in zip(groups, answer.findings, strict=True):
        voxels = answer.volume.voxels[finding.mask].astype(float)
        places = np.argwhere(finding.mask) * (3.0, 2.0, 1.5)
        longest = max(np.linalg.norm(places - place, axis=1).max() for place in places)
        found = numbers(group)
        assert found.pop(("Volume", None)) == (pytest.approx(len(voxels) * 9e-3), "ml")
        assert found.pop(("Diameter", "Maximum")) == (pytest.approx(longest), "mm")
        assert found.pop(("Long axis", None))[0] <= longest + 1e-6
        grey = "Attenuation Coefficient"
        assert found.pop((grey, "Mean")) == (pytest.approx(voxels.mean()), "[hnsf'U]")
        assert found.pop((grey, "Standard Deviation"))[0] == pytest.approx(voxels.std(ddof=1))
        assert found.pop(("Certainty of Finding", None)) == (pytest.approx(finding.confidence * 100), "%")
        assert found == {}


def test_groups_say_what_and_where_and_refer_to_the_segments(series, ask, write, tmp_path):
    folder = series()
    answer = ask(folder)
    report = write(folder, answer)
    write_dicom_seg([answer], DicomSource.read(folder), tmp_path / "seg.dcm", created=CREATED)
    seg = pydicom.dcmread(tmp_path / "seg.dcm")
    groups = report.content.get_volumetric_roi_measurement_groups()
    for group, segment in zip(groups, seg.SegmentSequence, strict=True):
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        assert group.finding_type.value == kind.CodeValue
        assert (group.tracking_identifier, group.tracking_uid) == (segment.TrackingID, segment.TrackingUID)
        referred = group.referenced_segment[0].ReferencedSOPSequence[0]
        assert referred.ReferencedSOPInstanceUID == seg.SOPInstanceUID
        assert referred.ReferencedSegmentNumber == segment.SegmentNumber
        assert group.referenced_segment.source_series_for_segmentation.value == (
            seg.ReferencedSeriesSequence[0].SeriesInstanceUID
        )
    left, liver, blob = groups
    assert left.finding_sites[0].value.meaning == "Hippocampus"
    assert left.finding_sites[0].laterality.value == "7771000"
    assert liver.finding_sites[0].laterality is None and blob.finding_sites == []
    evidence = report.get_evidence()
    assert (seg.StudyInstanceUID, seg.SeriesInstanceUID, seg.SOPInstanceUID, seg.SOPClassUID) in evidence
    assert len(evidence) == 7


def test_it_stands_in_the_study_and_names_the_program_as_its_observer(series, ask, write):
    folder = series()
    slice_ = pydicom.dcmread(folder / "9.dcm")
    report = write(folder, ask(folder))
    for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "AccessionNumber"):
        assert report[keyword].value == slice_[keyword].value, keyword
    assert (report.Modality, report.SeriesNumber, report.ContentQualification) == ("SR", 2004, "RESEARCH")
    assert (report.VerificationFlag, report.CompletionFlag) == ("UNVERIFIED", "COMPLETE")
    assert report.ConceptNameCodeSequence[0].CodeValue == "126000"
    (observer,) = report.content.get_observer_contexts(observer_type=codes.DCM.Device)
    device = observer.observer_identifying_attributes
    assert (device.name, device.model_name, device.serial_number) == ("MedSeg-R 0.1.0", "medsegr-mini", "2")


def test_words_of_question_and_answer_and_the_warning_are_in_it(series, ask, write):
    folder = series()
    answer = replace(ask(folder), complete=False)
    report = write(folder, answer)
    assert texts(report) == [
        f"Question: {answer.question.text}",
        "Answer: Here is the left hippocampus.",
        "Looked for and not found: tumour",
        "The answer was stopped on the way.",
        "Note: The text was corrected once.",
        "Research use, not for diagnosis. Anatomy, not lesions.",
    ]
    assert report.CompletionFlag == "PARTIAL"


def test_several_answers_are_one_report(series, ask, write):
    folder = series()
    answer = ask(folder)
    report = write(folder, answer, replace(answer, text="Again.", findings=answer.findings[:1]))
    assert len(report.content.get_volumetric_roi_measurement_groups()) == 4
    assert [text for text in texts(report) if text.startswith("Answer")] == [
        "Answer: Here is the left hippocampus.",
        "Answer: Again.",
    ]


def test_without_a_finding_it_says_so_and_refers_to_no_segmentation(series, ask, write):
    folder = series()
    report = write(folder, ask(folder, ()))
    assert report.content.get_volumetric_roi_measurement_groups() == []
    assert "No finding: nothing was outlined." in texts(report)
    assert {entry[3] for entry in report.get_evidence()} == {pydicom.dcmread(folder / "9.dcm").SOPClassUID}


@pytest.mark.parametrize(
    ("modality", "unit"), [(Modality.MR, ("MR signal intensity", "1")), (Modality.UNKNOWN, None)]
)
def test_grey_values_have_the_unit_of_the_modality_or_are_left_out(series, ask, write, modality, unit):
    folder = series(modality="MR")
    volume = replace(read_volume(folder), modality=modality)
    group = write(folder, ask(volume)).content.get_volumetric_roi_measurement_groups()[0]
    means = [(name, one[1]) for (name, how), one in numbers(group).items() if how == "Mean"]
    assert means == ([] if unit is None else [unit])


def test_the_same_answer_is_the_same_file(series, ask, write, tmp_path):
    folder = series()
    for name in ("a.dcm", "b.dcm"):
        write(folder, ask(folder), name=name)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()


def test_a_name_too_long_for_dicom_is_cut(series, ask, write):
    folder = series()
    answer = ask(folder)
    long = Finding.of(
        "a \\ thing " * 20, answer.findings[0].mask, answer.volume, answer.provenance.plane, 0.5
    )
    model = replace(answer.provenance, model="m" * 100)
    report = write(folder, replace(answer, findings=(long,), provenance=model))
    assert report.ManufacturerModelName == "m" * 61 + "..."
