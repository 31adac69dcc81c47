"""Slices of a scan, and the way of masks back onto its grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MedSegRLib.imaging import AxisOrder, Plane, SliceStack, Volume, scatter_slice_masks

planes = st.sampled_from(list(Plane))
ORDER = AxisOrder((0, 1, 2), (False, False, False))


@given(data=st.data(), plane=planes)
@settings(max_examples=150, deadline=None)
def test_masks_of_slices_come_back_as_the_voxels_that_they_were_drawn_on(volumes, data, plane):
    volume = data.draw(volumes)
    stack = SliceStack.of(volume, plane)
    threshold = data.draw(st.integers(0, volume.voxels.size))
    masks = {n: stack.voxels[n] < threshold for n in range(stack.count)}
    acquired = stack.scatter_slice_masks(masks)
    assert acquired.dtype == np.bool_ and acquired.flags.c_contiguous
    np.testing.assert_array_equal(acquired, volume.voxels < threshold)


@given(data=st.data(), plane=planes)
@settings(max_examples=100, deadline=None)
def test_numbers_scattered_over_the_whole_view_come_back_on_the_voxels(volumes, data, plane):
    volume = data.draw(volumes)
    stack = SliceStack.of(volume, plane)
    np.testing.assert_array_equal(stack.scatter(stack.voxels * 0.5), volume.voxels * 0.5)
    labels = stack.voxels.astype(np.int16)
    assert stack.scatter(labels).dtype == np.int16


@given(data=st.data(), plane=planes)
@settings(max_examples=100, deadline=None)
def test_the_spacing_of_a_stack_belongs_to_its_own_axes(volumes, data, plane):
    volume = data.draw(volumes)
    stack = SliceStack.of(volume, plane)
    for canonical_axis, array_axis in enumerate(stack.order.axes):
        assert stack.spacing_mm[canonical_axis] == volume.spacing_mm[2 - array_axis]
        assert stack.voxels.shape[canonical_axis] == volume.shape_kji[array_axis]


def test_slices_are_views_of_the_volume_and_cannot_be_written_to():
    volume = Volume(np.arange(24).reshape(2, 3, 4), np.eye(4))
    stack = SliceStack.of(volume, Plane.SAGITTAL)
    assert np.shares_memory(stack.voxels, volume.voxels)
    with pytest.raises(ValueError, match="read-only"):
        stack.voxels[0, 0, 0] = 1


def test_a_slice_that_has_no_mask_stays_empty():
    acquired = scatter_slice_masks({1: np.ones((3, 4), dtype=bool)}, ORDER, (2, 3, 4))
    assert acquired.any(axis=(1, 2)).tolist() == [False, True]


@pytest.mark.parametrize("slice_index", [-1, 2])
def test_a_slice_index_outside_the_view_is_refused_with_the_valid_range(slice_index):
    with pytest.raises(ValueError, match=f"slice {slice_index} is outside the view, whose slices are 0 to 1"):
        scatter_slice_masks({slice_index: np.ones((3, 4), dtype=bool)}, ORDER, (2, 3, 4))


def test_a_mask_of_another_shape_than_its_slice_is_refused():
    with pytest.raises(ValueError, match=r"mask of slice 1 has shape \(4, 3\), its slice \(3, 4\); resize"):
        scatter_slice_masks({1: np.ones((4, 3), dtype=bool)}, ORDER, (2, 3, 4))


def test_an_array_of_another_shape_than_the_view_is_refused():
    stack = SliceStack.of(Volume(np.arange(24).reshape(2, 3, 4), np.eye(4)), Plane.CORONAL)
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4\), the coronal view \(3, 2, 4\)"):
        stack.scatter(np.zeros((2, 3, 4)))
