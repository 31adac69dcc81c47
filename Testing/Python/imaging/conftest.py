"""What the tests of imaging share: hypothesis strategies for scans, and where real data lies."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import strategies as st

from MedSegRLib.imaging import Volume

# Every way in which I, J, K can run along right, anterior, superior: 6 permutations, 8 signs.
ORIENTATIONS: list[np.ndarray] = [
    np.eye(3)[:, list(order)] * np.array(signs)
    for order in permutations(range(3))
    for signs in product((1.0, -1.0), repeat=3)
]


def _turn(axis: int, degrees: float) -> np.ndarray:
    a, b = [n for n in range(3) if n != axis]
    turn = np.eye(3)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn[a, a], turn[a, b], turn[b, a], turn[b, b] = cosine, -sine, sine, cosine
    return turn


@st.composite
def _volumes(draw: st.DrawFn) -> Volume:
    extent = st.integers(1, 6)
    shape_kji = draw(st.tuples(extent, extent, extent).filter(lambda shape: max(shape) > 1))
    spacing_mm = draw(st.tuples(*[st.floats(0.3, 7.0)] * 3))
    orientation = draw(st.sampled_from(ORIENTATIONS))
    degrees = draw(st.tuples(*[st.floats(-40.0, 40.0)] * 3))
    oblique = _turn(0, degrees[0]) @ _turn(1, degrees[1]) @ _turn(2, degrees[2])
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = oblique @ orientation * np.array(spacing_mm)
    ijk_to_ras[:3, 3] = draw(st.tuples(*[st.floats(-300.0, 300.0)] * 3))
    # Every voxel has its own value, so that two that change places are noticed.
    voxels = np.random.default_rng(0).permutation(np.prod(shape_kji)).reshape(shape_kji)
    return Volume(voxels, ijk_to_ras)


@pytest.fixture(scope="session")
def volumes() -> st.SearchStrategy[Volume]:
    """Scans of any orientation: oblique, anisotropic, flipped, of a single slice or row."""
    return _volumes()


@pytest.fixture(scope="session", params=range(48), ids=lambda n: f"orientation{n}")
def orientation(request: pytest.FixtureRequest) -> np.ndarray:
    """Each of the 48 axis-aligned 3 x 3 directions once, columns I, J, K in RAS."""
    return ORIENTATIONS[request.param]
