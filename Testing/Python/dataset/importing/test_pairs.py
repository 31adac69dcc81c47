"""Scans with label maps beside them: what fits is listed, what does not is refused in a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.importing.about import About
from MedSegRLib.dataset.importing.label_table import LabelName
from MedSegRLib.dataset.importing.pairs import read_pairs
from MedSegRLib.dataset.source import SourceLabel
from MedSegRLib.errors import DatasetError, UnsupportedVolumeError
from MedSegRLib.imaging import Modality

NAMES = (
    LabelName("liver", "liver", Side.NONE, 1),
    LabelName("left kidney", "kidney", Side.LEFT, 2),
    LabelName("spleen", "spleen", Side.NONE, 3),
    LabelName("GTV", None, Side.NONE, 4),
)
ABOUT = About("abdomen", Modality.CT, split="train", origin="mine", licence="CC0")


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_a_volume_with_its_label_map_becomes_a_source(save, grey, liver_and_kidney, ending):
    image, labels = save(f"a{ending}", grey), save(f"a_seg{ending}", liver_and_kidney)
    (source,) = read_pairs(image, labels, NAMES, ABOUT)
    assert (source.patient, source.study, source.image, source.modality) == ("a", "a", image, "CT")
    assert (source.region, source.split, source.origin, source.licence) == ("abdomen", "train", "mine", "CC0")
    assert source.labels[1] == SourceLabel(labels, 2, "left kidney", "kidney", Side.LEFT)
    assert [label.value for label in source.labels] == [1, 2, 3, 4]


def test_a_structure_without_a_voxel_may_not_be_drawn_unless_the_drawing_is_complete(
    save, grey, liver_and_kidney
):
    paths = save("a.nii.gz", grey), save("a_seg.nii.gz", liver_and_kidney)
    (unsure,) = read_pairs(*paths, NAMES, ABOUT)
    (sure,) = read_pairs(*paths, NAMES, ABOUT, complete=True)
    assert unsure.undrawn == (("spleen", Side.NONE),) and sure.undrawn == ()


def test_a_part_of_two_labels_is_drawn_where_one_of_them_is(save, grey, liver_and_kidney):
    names = (*NAMES[:2], LabelName("liver, rest", "liver", Side.NONE, 9))
    (source,) = read_pairs(save("a.nii", grey), save("a_seg.nii", liver_and_kidney), names, ABOUT)
    assert source.undrawn == ()


def test_pictures_of_one_patient_are_sources_of_one_patient(save, grey, liver_and_kidney):
    for n in (1, 2):
        save(f"scans/A1_17_{n}.png", grey[n].astype(np.uint8))
        # Grey in three equal channels, as many programs save label maps.
        save(f"labels/A1_17_{n}.png", np.repeat(liver_and_kidney[n][..., None], 3, axis=2))
    folder = save("x.nii", grey).parent
    about = About("abdomen", patient_pattern=r"_(\d+)_")
    sources = list(read_pairs(folder / "scans", folder / "labels", NAMES, about))
    assert [(s.patient, s.study) for s in sources] == [("17", "A1_17_1"), ("17", "A1_17_2")]


@pytest.mark.parametrize(
    ("change", "keywords", "sentence"),
    [
        (lambda a: a[:2], {}, "has 5 x 4 x 2 voxels and its scan a.nii.gz 5 x 4 x 3; give the label map"),
        (lambda a: a, {"origin": (3.0, -4.0, 6.0)}, r"lies elsewhere than its scan a\.nii\.gz"),
        (lambda a: a, {"spacing": (1.0, 1.5, 2.5)}, r"lies elsewhere than its scan a\.nii\.gz"),
        (lambda a: a * 0, {}, "is empty, no voxel has a label; draw it or leave the scan out"),
        (lambda a: a * 5, {}, r"has labels without a name \(5, 10\); name them in the label table"),
        (lambda a: a * np.float32(0.5), {}, "holds 0.5, which is no label; use whole numbers"),
        (lambda a: -a.astype(np.int16), {}, "holds -[12], which is no label"),
        (lambda a: np.stack([a, a]), {}, "has 4 dimensions; give a label map with two or three"),
    ],
)
def test_a_label_map_that_does_not_fit_is_refused(save, grey, liver_and_kidney, change, keywords, sentence):
    image = save("a.nii.gz", grey)
    labels = save("a_seg.nii.gz", change(liver_and_kidney), **keywords)
    with pytest.raises(DatasetError, match=sentence):
        list(read_pairs(image, labels, NAMES, ABOUT))


def test_a_mask_in_colour_is_refused(save, grey):
    colours = np.zeros((4, 5, 3), np.uint8)
    colours[1, 1] = (255, 0, 0)
    with pytest.raises(DatasetError, match="is in colour; give a label map with one whole number a voxel"):
        list(read_pairs(save("a.png", grey[0].astype(np.uint8)), save("a_seg.png", colours), NAMES, ABOUT))


def test_a_file_that_is_no_label_map_is_refused(save, grey, tmp_path):
    (tmp_path / "a_seg.nrrd").write_text("words")
    with pytest.raises(DatasetError, match=r"a_seg\.nrrd cannot be read as a label map"):
        list(read_pairs(save("a.nrrd", grey), tmp_path / "a_seg.nrrd", NAMES, ABOUT))


def test_a_scan_that_cannot_be_asked_about_is_refused_here_and_not_at_the_build(save, liver_and_kidney):
    image = save("a.nrrd", np.full((3, 4, 5), 7, np.int16))
    with pytest.raises(UnsupportedVolumeError):
        list(read_pairs(image, save("a_seg.nrrd", liver_and_kidney), NAMES, ABOUT))


def test_real_slices_of_nine_patients(shared_data):
    folder = shared_data / "train" / "ct_abdomen_curvas_png"
    names = [LabelName(n, n, Side.NONE, v) for v, n in enumerate(("pancreas", "kidney", "liver"), 1)]
    about = About("abdomen", Modality.CT, patient_pattern=r"^A\d_(\d+)_")
    sources = list(read_pairs(folder / "images", folder / "labels", names, about))
    assert len(sources) == 75 and len({source.patient for source in sources}) == 9
