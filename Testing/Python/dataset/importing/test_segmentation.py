"""Segmentations of 3D Slicer, with the names and codes of their segments."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.importing.about import About
from MedSegRLib.dataset.importing.label_table import LabelName
from MedSegRLib.dataset.importing.segmentation import read_segmentations
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Segment, read_volume, write_segmentation

ABOUT = About("abdomen")
RED = (1.0, 0.0, 0.0)
RIGHT_KIDNEY = (
    "Segmentation category and type~SCT^123037004^Anatomical Structure~SCT^64033007^Kidney"
    "~SCT^24028007^Right~Anatomic codes~^^~^^"
)


@pytest.fixture
def import_segments(tmp_path, save, grey, table):
    def run(*segments: Segment, said=()):
        image = save("a.nrrd", grey)
        write_segmentation(tmp_path / "a.seg.nrrd", segments, read_volume(image))
        (tmp_path / "labels").mkdir()
        found = read_segmentations(image, tmp_path / "a.seg.nrrd", said, ABOUT, table, tmp_path / "labels")
        (source,) = found
        return source

    return run


def drawn(*kji: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros((3, 4, 5), bool)
    for place in kji:
        mask[place] = True
    return mask


def test_segments_that_overlap_are_both_kept(import_segments):
    liver, aorta = drawn((0, 1, 2), (1, 1, 2)), drawn((1, 1, 2))
    source = import_segments(Segment("a", "Liver", RED, liver), Segment("b", "aorta", RED, aorta))
    assert [(one.structure, one.side) for one in source.labels] == [
        ("liver", Side.NONE),
        ("aorta", Side.NONE),
    ]
    for label, mask in zip(source.labels, (liver, aorta), strict=True):
        array = sitk.GetArrayFromImage(sitk.ReadImage(str(label.file)))
        assert ((array == label.value) == mask).all()


def test_a_segments_code_says_what_its_name_does_not(import_segments):
    source = import_segments(Segment("a", "RK", RED, drawn((0, 0, 0)), terminology=RIGHT_KIDNEY))
    assert (source.labels[0].name, source.labels[0].structure) == ("RK", "kidney")
    assert source.labels[0].side is Side.RIGHT


def test_the_users_table_goes_first(import_segments):
    said = (LabelName("my liver", "spleen"),)
    assert (
        import_segments(Segment("a", "My liver", RED, drawn((0, 0, 0))), said=said).labels[0].structure
        == "spleen"
    )


def test_a_name_that_nothing_knows_is_kept_and_cannot_be_asked_for(import_segments):
    label = import_segments(Segment("a", "my lesion", RED, drawn((0, 0, 0)))).labels[0]
    assert (label.name, label.structure) == ("my lesion", None)


@pytest.mark.parametrize("name", ["Segment_1", "Segment 12", " ", "label-3"])
def test_a_segment_that_nobody_named_is_refused(import_segments, name):
    with pytest.raises(
        DatasetError, match=r"a\.seg\.nrrd has a segment without a name \(.*\); name it in the"
    ):
        import_segments(Segment("a", name, RED, drawn((0, 0, 0))))


def test_an_empty_segment_is_refused(import_segments):
    with pytest.raises(DatasetError, match="The mask 'liver' is empty; draw it or remove it"):
        import_segments(Segment("a", "liver", RED, drawn()), Segment("b", "spleen", RED, drawn((0, 0, 0))))


def test_a_file_of_another_scan_is_refused(tmp_path, save, grey, table):
    write_segmentation(
        tmp_path / "a.seg.nrrd",
        [Segment("a", "liver", RED, drawn((0, 0, 0)))],
        read_volume(save("b.nrrd", grey)),
    )
    other = save("a.nrrd", grey, origin=(3.3, -4.0, 5.0))
    with pytest.raises(DatasetError, match=r"segment 'liver' is not on the grid of its scan a\.nrrd"):
        list(read_segmentations(other, tmp_path / "a.seg.nrrd", (), ABOUT, table, tmp_path))


def test_a_file_without_segments_is_refused(tmp_path, save, grey, table):
    image = save("a.nrrd", grey)
    write_segmentation(tmp_path / "a.seg.nrrd", [], read_volume(image))
    with pytest.raises(DatasetError, match=r"a\.seg\.nrrd holds no segment; draw one or leave the scan out"):
        list(read_segmentations(image, tmp_path / "a.seg.nrrd", (), ABOUT, table, tmp_path))


def test_a_damaged_file_is_told(tmp_path, save, grey, table):
    (tmp_path / "a.seg.nrrd").write_text("words")
    with pytest.raises(DatasetError, match=r"a\.seg\.nrrd cannot be read as an image; check the file"):
        list(read_segmentations(save("a.nrrd", grey), tmp_path / "a.seg.nrrd", (), ABOUT, table, tmp_path))
