"""Polygons: a mask comes back exactly, holes and all, and filling is LISA's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from MedSegRLib.dataset.polygons import fill, polygons_of

RING = np.ones((5, 6), bool)
RING[1:4, 1:5] = False


@given(mask=hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
@example(mask=RING)
@settings(max_examples=150, deadline=None)
def test_outlines_filled_again_are_the_mask_and_do_not_overlap(mask):
    times_drawn = np.zeros(mask.shape, int)
    for points in polygons_of(mask):
        times_drawn += fill(points, mask.shape)
    assert (times_drawn == mask).all()


def test_a_polygon_takes_its_border_in():
    expected = np.zeros((4, 5), bool)
    expected[1:3, 1:4] = True
    assert (fill([(1, 1), (3, 1), (3, 2), (1, 2)], (4, 5)) == expected).all()


@pytest.mark.parametrize(("points", "pixels"), [([(2, 1)], 1), ([(0, 1), (3, 1)], 4)])
def test_a_point_and_a_line_are_outlines_too(points, pixels):
    assert fill(points, (3, 5)).sum() == pixels
