"""The plane of a question, and what is said about it."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegRLib.errors import UserInputError
from MedSegRLib.imaging import Modality, Plane, Volume
from MedSegRLib.model import MedSegRConfig
from MedSegRLib.reasoning.plan import choose_plane, notes_about

AXIAL_ONLY = MedSegRConfig(name="one")
BOTH = MedSegRConfig(name="both", other_planes=("sagittal",))
# I runs to posterior, J to inferior, K to the right: as a lumbar spine is acquired.
SAGITTAL = np.array([[0, 0, -1.0, 0], [-1.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1]])


def sagittal(thickness_mm: float, count: int = 40) -> Volume:
    voxels = np.random.default_rng(0).normal(size=(count, 8, 8)).astype(np.float32)
    return Volume(voxels, SAGITTAL @ np.diag([1, 1, thickness_mm, 1]), modality=Modality.MR)


def test_a_plane_that_the_model_knows_beside_its_own_is_taken_when_it_is_asked_for() -> None:
    volume = sagittal(4.0)
    assert choose_plane(volume, BOTH, None) is Plane.AXIAL
    assert choose_plane(volume, BOTH, Plane.SAGITTAL) is Plane.SAGITTAL
    with pytest.raises(UserInputError, match="trained on axial and sagittal slices only"):
        choose_plane(volume, BOTH, Plane.CORONAL)
    with pytest.raises(UserInputError, match="trained on axial slices only"):
        choose_plane(volume, AXIAL_ONLY, Plane.SAGITTAL)


@pytest.mark.parametrize(
    ("thickness_mm", "count", "config", "plane"),
    [
        (4.0, 15, BOTH, Plane.SAGITTAL),  # a spine
        (5.0, 28, BOTH, Plane.AXIAL),  # as wide as a head
        (1.0, 60, BOTH, Plane.AXIAL),  # as good across as along
        (4.0, 15, AXIAL_ONLY, Plane.AXIAL),
    ],
)
def test_a_slab_of_thick_slices_that_holds_no_head_is_read_as_it_was_acquired(
    thickness_mm: float, count: int, config: MedSegRConfig, plane: Plane
) -> None:
    volume = sagittal(thickness_mm, count)
    assert choose_plane(volume, config, None) is plane
    assert choose_plane(volume, config, Plane.AXIAL) is Plane.AXIAL


@pytest.mark.parametrize(
    ("thickness_mm", "config", "plane", "said"),
    [
        (4.0, BOTH, Plane.AXIAL, True),
        (4.0, BOTH, Plane.SAGITTAL, False),
        (1.0, BOTH, Plane.AXIAL, False),
        (4.0, AXIAL_ONLY, Plane.AXIAL, False),
    ],
)
def test_a_scan_of_thick_slices_that_is_read_across_them_is_told_how_to_be_read_along_them(
    thickness_mm: float, config: MedSegRConfig, plane: Plane, said: bool
) -> None:
    notes = notes_about(sagittal(thickness_mm), config, plane)
    assert any("ask with the plane sagittal" in note for note in notes) is said


def test_a_single_slice_of_a_plane_that_is_known_is_not_warned_of() -> None:
    voxels = np.random.default_rng(0).normal(size=(1, 8, 8)).astype(np.float32)
    volume = Volume(voxels, SAGITTAL, modality=Modality.MR)
    assert choose_plane(volume, BOTH, None) is Plane.SAGITTAL
    assert not any("trained on" in note for note in notes_about(volume, BOTH, Plane.SAGITTAL))
    assert any("trained on axial" in note for note in notes_about(volume, AXIAL_ONLY, Plane.SAGITTAL))
