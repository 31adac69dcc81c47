"""Metrics against brute force, SimpleITK and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.evaluation.metrics import (
    MISS_MM,
    dice,
    ece,
    hd95_mm,
    iou,
    reliability,
    right_target,
    surface_dice,
    surface_gaps_mm,
)

SPACINGS = [(1.0, 1.0, 1.0), (0.7, 1.3, 4.0)]


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(2):
        mask = np.zeros((9, 12, 14), bool)
        k, j, i = (int(rng.integers(0, n - 4)) for n in mask.shape)
        mask[k : k + int(rng.integers(1, 5)), j : j + int(rng.integers(1, 5)), i : i + 4] = True
        mask |= rng.random(mask.shape) < 0.01
        masks.append(mask)
    return masks[0], masks[1]


def surface_points_mm(mask: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Brute force: voxels with a face neighbour outside, in mm."""
    padded = np.pad(mask, 1)
    points = []
    for k, j, i in np.argwhere(mask):
        steps = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
        if not all(padded[k + 1 + a, j + 1 + b, i + 1 + c] for a, b, c in steps):
            points.append((i * spacing[0], j * spacing[1], k * spacing[2]))
    return np.array(points)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("spacing", SPACINGS)
def test_hd95_is_that_of_all_pairs(seed: int, spacing: tuple[float, float, float]) -> None:
    a, b = blobs(seed)
    gaps = np.linalg.norm(
        surface_points_mm(a, spacing)[:, None] - surface_points_mm(b, spacing)[None], axis=2
    )
    expected = max(np.percentile(gaps.min(1), 95), np.percentile(gaps.min(0), 95))
    assert hd95_mm(a, b, spacing) == pytest.approx(expected, abs=1e-4)
    assert hd95_mm(b, a, spacing) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_dice_iou_and_hausdorff_are_those_of_simpleitk(seed: int) -> None:
    a, b = blobs(seed)
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (a, b)]
    for image in images:
        image.SetSpacing(SPACINGS[1])
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*images)
    assert dice(a, b) == pytest.approx(overlap.GetDiceCoefficient())
    assert iou(a, b) == pytest.approx(overlap.GetJaccardCoefficient())
    # Of solid masks the farthest point lies on the surface, so both are the same.
    hausdorff = sitk.HausdorffDistanceImageFilter()
    hausdorff.Execute(*images)
    assert hd95_mm(a, b, SPACINGS[1], percent=100) >= hausdorff.GetHausdorffDistance() - 1e-4


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("tolerance", [0.0, 1.0, 2.0, 4.1])
@pytest.mark.parametrize("spacing", SPACINGS)
def test_surface_dice_is_that_of_all_pairs(
    seed: int, tolerance: float, spacing: tuple[float, float, float]
) -> None:
    a, b = blobs(seed)
    gaps = np.linalg.norm(
        surface_points_mm(a, spacing)[:, None] - surface_points_mm(b, spacing)[None], axis=2
    )
    near = int((gaps.min(1) <= tolerance + 1e-5).sum() + (gaps.min(0) <= tolerance + 1e-5).sum())
    # A float distance may lie a hair beyond the tolerance that it equals.
    assert surface_dice(a, b, spacing, tolerance + 1e-5) == near / sum(gaps.shape)
    assert surface_dice(b, a, spacing, tolerance + 1e-5) == near / sum(gaps.shape)


def test_a_cube_that_moved_is_within_the_tolerance_or_beyond_it() -> None:
    a, b = np.zeros((12, 12, 12), bool), np.zeros((12, 12, 12), bool)
    a[2:8, 2:8, 2:8] = b[5:11, 2:8, 2:8] = True  # by 3 voxels of 0.7 mm along K
    assert surface_dice(a, b, (1.0, 1.0, 0.7)) < 1.0
    assert surface_dice(a, b, (1.0, 1.0, 0.6)) == 1.0
    assert surface_dice(a, b, (1.0, 1.0, 0.6), 0.5) < 0.7


@pytest.mark.parametrize("axis", range(3))
def test_the_border_of_a_picture_is_a_line(axis: int) -> None:
    outer, inner = np.zeros((15, 15), bool), np.zeros((15, 15), bool)
    outer[2:13, 2:13], inner[5:10, 5:10] = True, True
    a, b = np.expand_dims(outer, axis), np.expand_dims(inner, axis)
    from_outer, from_inner = surface_gaps_mm(a, b, (1.0, 1.0, 1.0))
    assert len(from_outer) == 40 and len(from_inner) == 16
    assert from_inner.min() == from_inner.max() == 3.0
    assert from_outer.max() == pytest.approx(math.hypot(3, 3))
    assert surface_dice(a, b, (1.0, 1.0, 1.0), 2.9) == 0.0


def test_the_distance_of_two_slabs_is_their_gap() -> None:
    a, b = np.zeros((20, 5, 5), bool), np.zeros((20, 5, 5), bool)
    a[2], b[9] = True, True
    assert hd95_mm(a, b, (1.0, 1.0, 2.5)) == pytest.approx(7 * 2.5)


def test_empty_masks() -> None:
    full, empty = np.ones((2, 3, 4), bool), np.zeros((2, 3, 4), bool)
    assert dice(empty, empty) == iou(empty, empty) == 1.0 and hd95_mm(empty, empty, (1, 1, 1)) == 0.0
    assert dice(full, empty) == iou(empty, full) == 0.0 and hd95_mm(full, empty, (1, 1, 1)) == MISS_MM
    assert dice(full, full) == 1.0 and hd95_mm(full, full, (1, 1, 1)) == 0.0
    assert surface_dice(empty, empty, (1, 1, 1)) == surface_dice(full, full, (1, 1, 1)) == 1.0
    assert surface_dice(full, empty, (1, 1, 1)) == surface_dice(empty, full, (1, 1, 1)) == 0.0


def test_a_target_is_right_only_if_none_is_missing_and_none_too_many() -> None:
    assert right_target({"a", "b"}, {"b", "a"})
    assert not right_target({"a"}, {"a", "b"}) and not right_target({"a", "b", "c"}, {"a", "b"})
    assert not right_target(set(), {"a"})


def test_ece_by_hand() -> None:
    # 0.9, 0.95, 1.0 in the last bin: mean 0.95, 2/3 right; 0.15 in the second: wrong.
    expected = 3 / 4 * abs(0.95 - 2 / 3) + 1 / 4 * 0.15
    assert ece([0.9, 0.95, 1.0, 0.15], [True, True, False, False]) == pytest.approx(expected)
    assert ece([1.0, 1.0], [True, True]) == 0.0 and ece([1.0], [False]) == 1.0
    assert math.isnan(ece([], []))
    with pytest.raises(ValueError, match="1 confidences and 2 outcomes"):
        ece([0.5], [True, False])


def test_the_reliability_curve_by_hand() -> None:
    curve = reliability([0.15, 0.9, 1.0, 0.95, 0.3], [False, True, False, True, True])
    assert [(b.low, b.high, b.count) for b in curve] == [(0.1, 0.2, 1), (0.3, 0.4, 1), (0.9, 1.0, 3)]
    assert [b.confidence for b in curve] == pytest.approx([0.15, 0.3, 0.95])
    assert [b.right for b in curve] == pytest.approx([0.0, 1.0, 2 / 3])
    assert reliability([], []) == ()
