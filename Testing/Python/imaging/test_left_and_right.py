"""The patient's left stays the patient's left: through files, views and real scans."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.imaging import (
    Modality,
    Plane,
    Segment,
    SliceStack,
    Volume,
    kji_to_ras_mm,
    read_segmentation,
    read_volume,
    write_segmentation,
    write_volume,
)

SHAPE_KJI = (6, 8, 10)


def phantom(orientation):
    """A scan with one bright blob: 6 mm to the left, 4 mm to the front and 3 mm up of the middle."""
    extents_ijk = np.array(SHAPE_KJI[::-1])
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = orientation * np.array([2.0, 2.5, 3.0])
    ijk_to_ras[:3, 3] = -ijk_to_ras[:3, :3] @ (extents_ijk - 1) / 2
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE_KJI], indexing="ij"), axis=-1)
    positions = kji_to_ras_mm(ijk_to_ras, grid)
    blob = np.linalg.norm(positions - (-6.0, 4.0, 3.0), axis=-1) < 4.5
    assert blob.sum() >= 4
    return Volume(np.where(blob, 100.0, 10.0), ijk_to_ras), blob


def centre_ras_mm(volume, mask):
    return kji_to_ras_mm(volume.ijk_to_ras, np.argwhere(mask)).mean(axis=0)


@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".nii.gz", ".mha"])
def test_a_blob_on_the_left_stays_there_through_every_format(orientation, suffix, tmp_path):
    volume, blob = phantom(orientation)
    write_volume(tmp_path / f"scan{suffix}", volume)
    back = read_volume(tmp_path / f"scan{suffix}")
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    np.testing.assert_allclose(back.ijk_to_ras, volume.ijk_to_ras, atol=1e-5)
    right, front, up = centre_ras_mm(back, back.voxels > 50)
    assert right < -3 and front > 2 and up > 1
    # The oracle: the same blob, found by SimpleITK alone, whose x grows to the left.
    image = sitk.ReadImage(str(tmp_path / f"scan{suffix}")) > 50
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(image)
    assert shape.GetCentroid(1) == pytest.approx((-right, -front, up), abs=1e-4)
    assert (back.voxels > 50).sum() == blob.sum()


def test_the_left_is_on_the_high_columns_of_axial_and_coronal_slices(orientation):
    volume, _ = phantom(orientation)
    for plane in (Plane.AXIAL, Plane.CORONAL):
        stack = SliceStack.of(volume, plane)
        columns = np.argwhere(stack.voxels > 50)[:, 2]
        assert columns.mean() > (stack.voxels.shape[2] - 1) / 2 + 1


def test_slices_and_rows_run_as_the_docstring_says(orientation):
    volume, _ = phantom(orientation)
    middle = {}
    for plane in Plane:
        stack = SliceStack.of(volume, plane)
        offset = np.argwhere(stack.voxels > 50).mean(axis=0) - (np.array(stack.voxels.shape) - 1) / 2
        middle[plane] = tuple(np.sign(offset * (np.abs(offset) > 0.3)).astype(int).tolist())
    # The blob is up, in front and on the left.
    assert middle[Plane.AXIAL] == (1, -1, 1)
    assert middle[Plane.CORONAL] == (1, -1, 1)
    assert middle[Plane.SAGITTAL] == (1, -1, -1)


@pytest.mark.parametrize("suffix", [".seg.nrrd", ".nii.gz", ".nrrd", ".mha"])
def test_a_mask_is_written_where_it_was_found(orientation, suffix, tmp_path):
    volume, blob = phantom(orientation)
    path = tmp_path / f"answer{suffix}"
    write_segmentation(path, [Segment("blob", "blob", (1.0, 0.0, 0.0), blob)], volume)
    np.testing.assert_array_equal(read_segmentation(path)[0].mask, blob)
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(sitk.ReadImage(str(path)))
    right, front, up = centre_ras_mm(volume, blob)
    assert shape.GetCentroid(1) == pytest.approx((-right, -front, up), abs=1e-4)


def test_a_sagittally_acquired_scan_is_shown_axially_with_the_left_on_high_columns():
    # As scanners write it: I to the back, J to the feet, K to the left.
    volume, _ = phantom(np.array([[0, 0, -1.0], [-1.0, 0, 0], [0, -1.0, 0]]))
    assert volume.acquisition_plane is Plane.SAGITTAL
    stack = SliceStack.of(volume, Plane.AXIAL)
    assert stack.voxels.shape == (8, 10, 6)
    assert stack.spacing_mm == (2.5, 2.0, 3.0)
    assert np.argwhere(stack.voxels > 50)[:, 2].mean() > 3.5


@pytest.mark.shared_data
def test_the_left_hippocampus_of_a_real_brain_lies_to_the_left(shared_data):
    folder = shared_data / "validation" / "brain_voxelmorph_test"
    scan = read_volume(folder / "test_vol.nii.gz", modality=Modality.MR)
    labels = {segment.id: segment.mask for segment in read_segmentation(folder / "test_seg.nii.gz")}
    middle = kji_to_ras_mm(scan.ijk_to_ras, (np.array(scan.shape_kji) - 1) / 2)
    # FreeSurfer's numbers: 17 and 53 are the left and right hippocampus.
    left = centre_ras_mm(scan, labels["Segment_17"]) - middle
    right = centre_ras_mm(scan, labels["Segment_53"]) - middle
    assert left[0] < -15 and right[0] > 15
    stack = SliceStack.of(scan, Plane.CORONAL)
    shown = np.zeros(stack.voxels.shape, dtype=bool)
    for n in range(stack.count):
        shown[n] = SliceStack.of(Volume(labels["Segment_17"], scan.ijk_to_ras), Plane.CORONAL).voxels[n] > 0
    assert np.argwhere(shown)[:, 2].mean() > stack.voxels.shape[2] / 2 + 10
