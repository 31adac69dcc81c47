"""Where voxels lie, and canonical views, with SimpleITK as the oracle."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from MedSegRLib.imaging import (
    AxisOrder,
    Plane,
    Volume,
    canonical_order,
    canonical_to_ras,
    gather_canonical,
    kji_to_ras_mm,
    ras_mm_to_kji,
    scatter_canonical,
)
from MedSegRLib.imaging.itk import ijk_to_ras_of, image_of

planes = st.sampled_from(list(Plane))

# The letters that SimpleITK gives to a grid whose K, J, I run as slice, row, column must.
# ITK names, for I, J, K, the side that an axis runs towards.
ITK_LETTERS = {Plane.AXIAL: "LPS", Plane.CORONAL: "LIA", Plane.SAGITTAL: "PIL"}


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_voxel_lies_where_SimpleITK_says_it_lies(volumes, data):
    volume = data.draw(volumes)
    image = image_of(volume.voxels, volume.ijk_to_ras)
    kji = tuple(data.draw(st.integers(0, n - 1)) for n in volume.shape_kji)
    x, y, z = image.TransformIndexToPhysicalPoint(kji[::-1])
    assert kji_to_ras_mm(volume.ijk_to_ras, kji) == pytest.approx((-x, -y, z), abs=1e-9)
    assert ras_mm_to_kji(volume.ijk_to_ras, (-x, -y, z)) == pytest.approx(kji, abs=1e-9)
    assert image.GetPixel(kji[::-1]) == volume.voxels[kji]
    np.testing.assert_allclose(ijk_to_ras_of(image), volume.ijk_to_ras, atol=1e-9)


def test_many_positions_are_found_at_once_as_one_by_one():
    matrix = np.array([[0, 0, 2.0, 1], [0, -3.0, 0, 2], [4.0, 0, 0, 3], [0, 0, 0, 1]])
    kji = np.arange(24).reshape(2, 4, 3)
    positions = kji_to_ras_mm(matrix, kji)
    assert positions.shape == (2, 4, 3)
    assert positions[1, 2].tolist() == kji_to_ras_mm(matrix, kji[1, 2]).tolist()
    np.testing.assert_allclose(ras_mm_to_kji(matrix, positions), kji, atol=1e-9)


@pytest.mark.parametrize("plane", list(Plane))
def test_the_canonical_view_of_each_of_the_48_orientations_is_the_one_SimpleITK_makes(orientation, plane):
    voxels = np.random.default_rng(1).normal(size=(2, 3, 4)).astype(np.float32)
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = orientation * np.array([0.5, 2.0, 3.0])
    view = gather_canonical(voxels, canonical_order(ijk_to_ras, plane))
    oriented = sitk.DICOMOrient(image_of(voxels, ijk_to_ras), ITK_LETTERS[plane])
    np.testing.assert_array_equal(view, sitk.GetArrayFromImage(oriented))


@given(data=st.data(), plane=planes)
@settings(max_examples=150, deadline=None)
def test_what_is_gathered_scatters_back_unchanged(volumes, data, plane):
    volume = data.draw(volumes)
    order = canonical_order(volume.ijk_to_ras, plane)
    view = gather_canonical(volume.voxels, order)
    assert view.shape == order.shape_canonical(volume.shape_kji)
    back = scatter_canonical(view, order)
    assert back.flags.c_contiguous and back.dtype == volume.voxels.dtype
    np.testing.assert_array_equal(back, volume.voxels)


@given(data=st.data(), plane=planes)
@settings(max_examples=150, deadline=None)
def test_a_voxel_keeps_its_position_in_the_canonical_view(volumes, data, plane):
    volume = data.draw(volumes)
    order = canonical_order(volume.ijk_to_ras, plane)
    view = gather_canonical(volume.voxels, order)
    slice_index, row, column = (data.draw(st.integers(0, n - 1)) for n in view.shape)
    kji = np.argwhere(volume.voxels == view[slice_index, row, column])[0]
    in_view = canonical_to_ras(volume.ijk_to_ras, order, volume.shape_kji) @ (column, row, slice_index, 1)
    assert in_view[:3] == pytest.approx(kji_to_ras_mm(volume.ijk_to_ras, kji), abs=1e-9)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_oblique_scans_take_the_nearest_axes(volumes, data):
    volume = data.draw(volumes)
    order = canonical_order(volume.ijk_to_ras, Plane.AXIAL)
    matrix = canonical_to_ras(volume.ijk_to_ras, order, volume.shape_kji)[:3, :3]
    cosines = matrix / np.linalg.norm(matrix, axis=0)
    # Of all orders and flips, none points better to left, posterior and superior together.
    best = max(
        sum(sign * cosines[axis, n] for n, (axis, sign) in enumerate(zip(axes, signs, strict=True)))
        for axes in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
        for signs in np.array(np.meshgrid(*[(1, -1)] * 3)).T.reshape(-1, 3)
    )
    assert -cosines[0, 0] - cosines[1, 1] + cosines[2, 2] == pytest.approx(best, abs=1e-6)


def test_a_scan_turned_by_exactly_45_degrees_still_has_three_different_axes():
    half = np.sqrt(0.5)
    ijk_to_ras = np.array([[half, -half, 0, 0], [half, half, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1]])
    assert sorted(canonical_order(ijk_to_ras, Plane.AXIAL).axes) == [0, 1, 2]


def test_an_order_that_names_an_axis_twice_is_refused():
    with pytest.raises(
        ValueError, match=r"no order of three axes; name each of 0 \(K\), 1 \(J\) and 2 \(I\)"
    ):
        AxisOrder((0, 0, 2), (False, False, False))


@pytest.mark.parametrize(
    ("columns", "plane"),
    [
        ([[-1, 0, 0], [0, -1, 0], [0, 0, 3.0]], Plane.AXIAL),
        ([[-1, 0, 0], [0, 0, 3.0], [0, -1, 0]], Plane.CORONAL),
        ([[0, 0, 3.0], [-1, 0, 0], [0, -1, 0]], Plane.SAGITTAL),
    ],
)
def test_the_acquisition_plane_lies_across_K(columns, plane):
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = columns
    assert Volume(np.arange(24).reshape(2, 3, 4), ijk_to_ras).acquisition_plane is plane
