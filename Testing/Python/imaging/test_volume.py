"""A volume that exists is fit to be asked about; every other is refused in words."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegRLib.errors import UnsupportedVolumeError
from MedSegRLib.imaging import Plane, Volume

VOXELS = np.arange(24, dtype=np.float64).reshape(2, 3, 4)


def with_value(value):
    voxels = VOXELS.copy()
    voxels[1, 2, 3] = value
    return voxels


def matrix(*diagonal):
    return np.diag([*diagonal, 1.0])


@pytest.mark.parametrize(
    ("voxels", "ijk_to_ras", "sentence"),
    [
        (np.zeros((2, 2, 3, 4)), np.eye(4), "scan is 4-D with shape .* give one three-dimensional"),
        (np.zeros((3, 4)), np.eye(4), "scan is 2-D"),
        (np.zeros((0, 3, 4)), np.eye(4), "scan has no voxel; give a scan with a picture in it"),
        (np.ones((1, 1, 1)), np.eye(4), "scan has a single voxel; give a scan with a picture in it"),
        (with_value(np.nan), np.eye(4), r"scan has 1 voxels that are not finite numbers \(NaN or inf"),
        (with_value(np.inf), np.eye(4), "scan has 1 voxels that are not finite numbers"),
        (with_value(1e300), np.eye(4), "scan has 1 voxels that are not finite numbers"),
        (np.full((2, 3, 4), 7), np.eye(4), "scan is constant, every voxel is 7; check that the right file"),
        (VOXELS, matrix(1, 0, 2), r"spacing 0 \(1 x 0 x 2 mm\); write the true spacing into the file"),
        (VOXELS, np.eye(3), "scan has no valid position in the patient"),
        (VOXELS, matrix(1, np.nan, 2), "scan has no valid position in the patient"),
        (VOXELS, np.eye(4) + np.eye(4, k=-3), "scan has a perspective geometry"),
        (VOXELS, np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "axes in one plane"),
    ],
)
def test_a_volume_that_cannot_be_asked_about_is_refused(voxels, ijk_to_ras, sentence):
    with pytest.raises(UnsupportedVolumeError, match=sentence) as refused:
        Volume(voxels, ijk_to_ras, name="scan")
    assert refused.value.exit_code == 2
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


def test_voxels_and_geometry_are_copies_that_cannot_be_written_to():
    voxels, ijk_to_ras = VOXELS.copy(), np.eye(4)
    volume = Volume(voxels, ijk_to_ras)
    voxels[0, 0, 0], ijk_to_ras[0, 3] = 99, 99
    assert volume.voxels[0, 0, 0] == 0 and volume.ijk_to_ras[0, 3] == 0
    with pytest.raises(ValueError, match="read-only"):
        volume.voxels[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        volume.ijk_to_ras[0, 0] = 1


def test_spacing_and_millilitres_follow_from_the_geometry():
    volume = Volume(VOXELS, matrix(-0.5, 2.0, 5.0))
    assert volume.spacing_mm == (0.5, 2.0, 5.0)
    assert volume.voxel_ml == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("shape", "plane"), [((1, 3, 4), Plane.AXIAL), ((3, 1, 4), Plane.CORONAL), ((3, 4, 1), Plane.SAGITTAL)]
)
def test_a_single_slice_lies_in_the_plane_across_its_thin_axis(shape, plane):
    volume = Volume(np.arange(12).reshape(shape), matrix(-1, -1, 1))
    assert volume.is_single_slice
    assert volume.acquisition_plane is plane


def test_equal_scans_have_equal_fingerprints_whatever_their_name():
    one = Volume(VOXELS, np.eye(4), name="a", source="a.nii")
    assert one.fingerprint() == Volume(VOXELS, np.eye(4), name="b").fingerprint()
    assert len(one.fingerprint()) == 64
    negative_zero = np.eye(4)
    negative_zero[0, 1] = -0.0
    assert one.fingerprint() == Volume(VOXELS, negative_zero).fingerprint()


@pytest.mark.parametrize(
    ("voxels", "ijk_to_ras"),
    [
        (with_value(23.5), np.eye(4)),
        (VOXELS.reshape(3, 2, 4), np.eye(4)),
        (VOXELS, matrix(1, 1, 1.5)),
        (VOXELS, np.eye(4) + np.eye(4, k=3)),
    ],
    ids=["a voxel", "the shape", "the spacing", "the origin"],
)
def test_scans_that_differ_in_one_thing_have_different_fingerprints(voxels, ijk_to_ras):
    assert Volume(VOXELS, np.eye(4)).fingerprint() != Volume(voxels, ijk_to_ras).fingerprint()
