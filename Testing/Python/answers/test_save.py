"""Saving: files that other programs read, whole or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.answers import Answer, Finding, OutputError
from MedSegRLib.answers.answer import DISCLAIMER, slice_ranges
from MedSegRLib.imaging import Plane, read_segmentation

SUFFIXES = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".mha", ".json", ".html")


def test_SimpleITK_reads_masks_names_colours_and_terminology(answer, phantom, tmp_path):
    path = tmp_path / "answer.seg.nrrd"
    assert answer.save(path) == ()
    image = sitk.ReadImage(str(path))
    labels = sitk.GetArrayFromImage(image)
    assert np.array_equal(labels == 1, phantom.left) and np.array_equal(labels == 2, phantom.right)
    assert image.GetSpacing() == pytest.approx(phantom.volume.spacing_mm)
    # ITK counts towards left and back, RAS towards right and front.
    assert image.GetOrigin() == pytest.approx((-50, -60, -40))
    for number, finding in enumerate(answer.findings):
        key = f"Segment{number}_"
        assert image.GetMetaData(key + "Name") == finding.name
        colour = [float(part) for part in image.GetMetaData(key + "Color").split()]
        assert colour == pytest.approx(finding.colour, abs=1e-5)
        tags = image.GetMetaData(key + "Tags")
        assert f"TerminologyEntry:{finding.terminology}|" in tags
        assert f"MedSegR.Question:{answer.question.text}|" in tags
        assert f"MedSegR.Confidence:{finding.confidence:.3f}|" in tags
        assert f"MedSegR.Slices:axial {finding.slices[0]} to {finding.slices[-1]}|" in tags
        assert "MedSegR.Model:medsegr-mini 1|" in tags


def test_overlapping_findings_of_the_same_name_are_all_kept(phantom, tmp_path):
    masks = [phantom.left, phantom.left | phantom.right, phantom.right]
    findings = tuple(Finding.of("left lung", mask, phantom.volume, Plane.AXIAL, 0.5) for mask in masks)
    answer = phantom.answer(findings=findings)
    answer.save(tmp_path / "answer.seg.nrrd")
    kept = read_segmentation(tmp_path / "answer.seg.nrrd")
    assert [segment.id for segment in kept] == ["left_lung", "left_lung_2", "left_lung_3"]
    assert all(np.array_equal(segment.mask, mask) for segment, mask in zip(kept, masks, strict=True))
    # A label map holds one of them in each voxel, and says so.
    (note,) = answer.save(tmp_path / "answer.nii.gz")
    assert "overlap" in note
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "answer.nii.gz")))
    assert np.array_equal(labels == 3, phantom.right) and np.array_equal(labels == 2, phantom.left)


def test_an_answer_comes_back_from_json_and_its_masks(answer, phantom, tmp_path):
    answer.save(tmp_path / "answer.seg.nrrd")
    data = json.loads(json.dumps(answer.to_dict("answer.seg.nrrd"), allow_nan=False))
    segments = {segment.id: segment.mask for segment in read_segmentation(tmp_path / "answer.seg.nrrd")}
    masks = [segments[finding["mask"]["segment"]] for finding in data["findings"]]
    back = Answer.from_dict(data, phantom.volume, masks)
    assert back.to_dict("answer.seg.nrrd") == answer.to_dict("answer.seg.nrrd")
    assert (back.question, back.provenance, back.text) == (answer.question, answer.provenance, answer.text)
    for one, other in zip(back.findings, answer.findings, strict=True):
        assert np.array_equal(one.mask, other.mask) and one.measurements == other.measurements


def test_json_of_another_scan_or_format_is_refused(answer, phantom):
    data = answer.to_dict()
    masks = [finding.mask for finding in answer.findings]
    other = replace(phantom.volume, voxels=phantom.volume.voxels + 1)
    with pytest.raises(ValueError, match="not this scan"):
        Answer.from_dict(data, other, masks)
    with pytest.raises(ValueError, match="version 1"):
        Answer.from_dict({**data, "version": 2}, phantom.volume, masks)


def test_saved_json_says_what_it_is_and_that_it_holds_no_masks(answer, tmp_path):
    (note,) = answer.save(tmp_path / "answer.json")
    assert ".seg.nrrd" in note
    data = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert data == json.loads(json.dumps(answer.to_dict()))
    assert data["use"] == DISCLAIMER and data["findings"][0]["mask"] is None


def test_of_unknown_spacing_json_holds_no_millimetres(phantom):
    volume = replace(phantom.volume, spacing_known=False)
    finding = Finding.of("left hippocampus", phantom.left, volume, Plane.AXIAL, 0.5)
    data = phantom.answer(volume=volume, findings=(finding,)).to_dict()
    assert data["volume"]["spacing_mm"] is None
    assert data["findings"][0]["measurements"]["volume_ml"] is None
    assert data["findings"][0]["measurements"]["longest_in_plane_pixels"] > 0


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_answer_without_findings_is_saved_too(phantom, suffix, tmp_path):
    phantom.answer(findings=()).save(tmp_path / f"answer{suffix}")
    assert os.listdir(tmp_path) == [f"answer{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_that_is_not_there_is_said_and_nothing_left_behind(answer, suffix, tmp_path):
    with pytest.raises(OutputError, match="no folder"):
        answer.save(tmp_path / "missing" / f"answer{suffix}")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_cannot_be_moved_into_place_leaves_nothing_behind(answer, suffix, tmp_path):
    # A folder in the place of the file refuses the writer whoever runs it, root included.
    (tmp_path / f"answer{suffix}").mkdir()
    with pytest.raises(OutputError, match="folder") as refusal:
        answer.save(tmp_path / f"answer{suffix}")
    assert refusal.value.exit_code == 2
    assert os.listdir(tmp_path) == [f"answer{suffix}"] and os.listdir(tmp_path / f"answer{suffix}") == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_that_cannot_be_written_to_is_left_as_it_was(answer, suffix):
    folder = "/proc/self" if os.geteuid() == 0 and os.path.isdir("/proc/self") else "/"
    before = sorted(os.listdir(folder))
    with pytest.raises(OutputError, match="cannot be written"):
        answer.save(os.path.join(folder, f"medsegr-test-answer{suffix}"))
    assert sorted(os.listdir(folder)) == before


def test_an_older_file_stays_when_the_new_one_fails(answer, tmp_path, monkeypatch):
    path = tmp_path / "answer.json"
    path.write_text("older")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        answer.save(path)
    assert path.read_text() == "older" and os.listdir(tmp_path) == ["answer.json"]


@pytest.mark.parametrize("name", ["answer", "answer.txt", "answer.png"])
def test_an_unknown_ending_is_refused_before_anything_is_written(answer, name, tmp_path):
    with pytest.raises(OutputError, match=r"\.seg\.nrrd"):
        answer.save(tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("slices", "text"), [((), ""), ((4,), "4"), ((3, 4, 5, 9), "3 to 5, 9"), ((1, 3), "1, 3")]
)
def test_slices_are_told_as_ranges(slices, text):
    assert slice_ranges(slices) == text
