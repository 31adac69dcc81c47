"""Which mask belongs to which scan."""

from __future__ import annotations

import pytest

from MedSegRLib.dataset.importing.about import About
from MedSegRLib.dataset.importing.finding import find_pairs
from MedSegRLib.errors import DatasetError


@pytest.fixture
def folders(tmp_path):
    def make(scans, masks):
        for folder, names in (("scans", scans), ("masks", masks)):
            (tmp_path / folder).mkdir()
            for name in names:
                (tmp_path / folder / name).touch()
        return tmp_path / "scans", tmp_path / "masks"

    return make


@pytest.mark.parametrize(
    ("scan", "mask"),
    [
        ("a.nii.gz", "a.nii.gz"),
        ("a_0000.nii", "a.nii.gz"),
        ("a_ct.nii", "a_seg.nrrd"),
        ("a.jpg", "a-mask.png"),
    ],
)
def test_a_scan_and_its_mask_have_one_name_but_for_ending_and_tail(folders, scan, mask):
    scans, masks = folders([scan], [mask])
    assert find_pairs(scans, masks) == [("a", scans / scan, masks / mask)]


def test_a_folder_among_scans_is_a_series(folders, tmp_path):
    scans, masks = folders([], ["p1.nrrd"])
    (scans / "p1").mkdir()
    assert find_pairs(scans, masks) == [("p1", scans / "p1", masks / "p1.nrrd")]


def test_files_that_are_no_images_and_hidden_ones_are_passed_over(folders):
    scans, masks = folders(["a.nii", "SOURCE.md", ".a.nii"], ["a.nii"])
    assert [name for name, _, _ in find_pairs(scans, masks)] == ["a"]


@pytest.mark.parametrize(
    ("scans", "masks", "sentence"),
    [
        (["a.nii", "b.nii"], ["a.nii"], r"The scan b\.nii has no mask of the same name \(1 such files"),
        (["a.nii"], ["a.nii", "b.nii", "c.nii"], r"The mask b\.nii has no scan of the same name \(2 such"),
        ([], ["a.nii"], "scans holds no file that can be read"),
        (["a.nii"], [], "masks holds no file that can be read"),
        (["a.nii", "a.nrrd"], ["a.nii"], "have the same name; keep them in folders of their own"),
    ],
)
def test_what_has_no_partner_is_refused(folders, scans, masks, sentence):
    with pytest.raises(DatasetError, match=sentence):
        find_pairs(*folders(scans, masks))


def test_a_file_and_a_folder_make_no_pair(folders):
    scans, masks = folders(["a.nii"], ["a.nii"])
    with pytest.raises(DatasetError, match="give two files or two folders"):
        find_pairs(scans / "a.nii", masks)
    with pytest.raises(DatasetError, match=r"There is no file or folder .*none; check the path"):
        find_pairs(scans, masks / "none")


def test_the_patient_is_found_in_a_files_name():
    assert About("abdomen", patient_pattern=r"_(\d+)_").patient_of("A1_10001_458") == "10001"
    assert About("abdomen").patient_of("A1_10001_458") == "A1_10001_458"


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"region": "knee"}, "The region 'knee' is unknown; write one of brain"),
        ({"region": "brain", "patient_pattern": "("}, r"'\(' is no regular expression"),
        ({"region": "brain", "patient_pattern": "a"}, "'a' needs one group in brackets, the patient"),
    ],
)
def test_wrong_facts_are_refused_before_anything_is_read(keywords, sentence):
    with pytest.raises(DatasetError, match=sentence):
        About(**keywords)


def test_a_file_in_which_no_patient_is_found_is_refused():
    with pytest.raises(DatasetError, match="finds no patient in 'scan'; correct the pattern"):
        About("brain", patient_pattern=r"(\d+)").patient_of("scan")
