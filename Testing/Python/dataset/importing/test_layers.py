"""Named masks as label maps: nothing is lost where they overlap, and nothing is resampled."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.importing.label_table import LabelName
from MedSegRLib.dataset.importing.layers import NamedMask, on_grid, write_layers
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Volume

SHAPE = (2, 3, 4)
IJK_TO_RAS = np.array([[-1.0, 0, 0, 7], [0, -2.0, 0, 5], [0, 0, 3.0, -9], [0, 0, 0, 1]])
VOLUME = Volume(np.arange(24).reshape(SHAPE), IJK_TO_RAS, name="scan")
NAMES = (
    LabelName("liver", "liver"), LabelName("liver, rest", "liver"), LabelName("kidney", "kidney", Side.LEFT),
    LabelName("GTV-1", None), LabelName("GTV-2", None),
)  # fmt: skip


def mask(*kji: tuple[int, int, int]) -> np.ndarray:
    drawn = np.zeros(SHAPE, bool)
    for place in kji:
        drawn[place] = True
    return drawn


@given(masks=st.lists(hnp.arrays(bool, SHAPE).filter(np.any), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_part_is_read_back_whole_however_masks_overlap(masks, tmp_path):
    named = [NamedMask(name, one) for name, one in zip(NAMES, masks, strict=False)]
    labels = write_layers(named, VOLUME, tmp_path, "a")
    for wanted in {
        (one.name.structure, one.name.name if one.name.structure is None else "") for one in named
    }:
        own = [m for m in labels if (m.structure, m.name if m.structure is None else "") == wanted]
        assert len({label.file for label in own}) == 1
        drawn = sitk.GetArrayFromImage(sitk.ReadImage(str(own[0].file)))
        expected = np.any(
            [
                one.mask
                for one in named
                if (one.name.structure, one.name.name if one.name.structure is None else "") == wanted
            ],
            axis=0,
        )
        assert (np.isin(drawn, [label.value for label in own]) == expected).all()


def test_masks_that_do_not_overlap_share_a_file(tmp_path):
    named = [NamedMask(NAMES[0], mask((0, 0, 0))), NamedMask(NAMES[2], mask((1, 2, 3)))]
    labels = write_layers(named, VOLUME, tmp_path, "a")
    assert [(label.file.name, label.value) for label in labels] == [("a.nii.gz", 1), ("a.nii.gz", 2)]


def test_masks_that_overlap_get_files_of_their_own(tmp_path):
    named = [NamedMask(NAMES[0], mask((0, 0, 0), (0, 0, 1))), NamedMask(NAMES[2], mask((0, 0, 1)))]
    labels = write_layers(named, VOLUME, tmp_path, "a")
    assert [(label.file.name, label.value) for label in labels] == [("a.nii.gz", 1), ("a-2.nii.gz", 1)]


def test_the_file_lies_where_the_scan_lies(tmp_path):
    (label,) = write_layers([NamedMask(NAMES[0], mask((1, 0, 2)))], VOLUME, tmp_path, "a")
    image = sitk.ReadImage(str(label.file))
    # RAS (7 - 2, 5, -9 + 3) in LPS.
    assert image.TransformIndexToPhysicalPoint((2, 0, 1)) == pytest.approx((-5.0, -5.0, -6.0))


def test_an_empty_mask_and_no_mask_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="The mask 'GTV-1' is empty; draw it or remove it"):
        write_layers([NamedMask(NAMES[3], mask())], VOLUME, tmp_path, "a")
    with pytest.raises(DatasetError, match="Nothing is drawn on scan; give a file with at least one mask"):
        write_layers([], VOLUME, tmp_path, "a")
    assert list(tmp_path.iterdir()) == []


def test_a_mask_on_a_part_of_the_grid_turned_around_comes_to_its_place():
    # One voxel at k=1, j=2, i=3 of the scan, on a grid of 1 x 2 x 2 whose I runs the other way.
    own = np.zeros((1, 2, 2), bool)
    own[0, 1, 0] = True
    turned = IJK_TO_RAS @ np.array([[-1.0, 0, 0, 3], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]])
    assert (on_grid(own, turned, VOLUME, "it") == mask((1, 2, 3))).all()


@pytest.mark.parametrize("shift", [0.5, 0.1])
def test_a_mask_between_the_voxels_is_refused(shift):
    between = IJK_TO_RAS.copy()
    between[1, 3] += shift * 2
    with pytest.raises(
        DatasetError, match="it is not on the grid of its scan scan; resample it onto that grid"
    ):
        on_grid(mask((0, 0, 0)), between, VOLUME, "it")


def test_a_mask_of_other_spacing_is_refused():
    with pytest.raises(DatasetError, match="it is not on the grid of its scan scan"):
        on_grid(mask((0, 0, 0)), IJK_TO_RAS @ np.diag([1.0, 1, 2, 1]), VOLUME, "it")


def test_a_mask_that_reaches_out_of_the_scan_is_refused():
    outside = IJK_TO_RAS @ np.array([[1.0, 0, 0, 2], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert on_grid(mask((0, 0, 0)), outside, VOLUME, "it").sum() == 1
    with pytest.raises(DatasetError, match="it reaches out of its scan scan; give the scan"):
        on_grid(mask((0, 0, 0), (0, 0, 3)), outside, VOLUME, "it")
