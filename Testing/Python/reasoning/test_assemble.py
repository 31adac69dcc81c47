"""Assembling against arrays made by hand: hysteresis, components, disputed boundaries, the score."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from MedSegRLib.errors import CheckpointError
from MedSegRLib.imaging import Plane, SliceStack, Volume
from MedSegRLib.reasoning.assemble import assemble, hysteresis, keep_components, settle, smoothed
from MedSegRLib.reasoning.calibration import Calibration
from MedSegRLib.reasoning.evidence import Evidence, Look


def test_a_run_extends_while_presence_stays_low_but_needs_one_high():
    presence = dict(enumerate([0.4, 0.31, 0.2, 0.35, 0.6, 0.3, 0.29, 0.45, 0.49]))
    assert hysteresis(presence, 0.3, 0.5) == (3, 4, 5)


def test_a_slice_that_was_not_looked_at_ends_a_run():
    assert hysteresis({3: 0.4, 4: 0.4, 6: 0.9, 7: 0.4}, 0.3, 0.5) == (6, 7)


def test_nothing_present_keeps_nothing():
    assert hysteresis({}, 0.3, 0.5) == ()
    assert hysteresis({0: 0.1, 1: 0.49}, 0.3, 0.5) == ()


def test_small_islands_are_dropped_and_large_ones_kept():
    mask = np.zeros((6, 30, 30), dtype=bool)
    mask[1:4, 2:12, 2:12] = True  # 300
    mask[4, 20:26, 20:25] = True  # 30: a tenth, kept
    mask[0, 28, 0:29] = True  # 29: dropped
    expected = mask.copy()
    expected[0, 28] = False
    np.testing.assert_array_equal(keep_components(mask), expected)


def test_voxels_that_touch_at_a_corner_are_one_component():
    mask = np.eye(8, dtype=bool)[None].repeat(1, axis=0)
    np.testing.assert_array_equal(keep_components(mask, share=0.5), mask)


def test_an_empty_mask_stays_empty():
    assert not keep_components(np.zeros((2, 3, 4), dtype=bool)).any()


def test_a_disputed_boundary_goes_to_the_higher_logit():
    masks = {name: np.zeros((1, 1, 10), dtype=bool) for name in ("a", "b")}
    masks["a"][0, 0, :6] = True
    masks["b"][0, 0, 4:] = True
    logits = {
        "a": np.array([[9, 9, 9, 9, 3, 1, 0, 0, 0, 0.0]]),
        "b": np.array([[0, 0, 0, 0, 2, 2, 9, 9, 9, 9.0]]),
    }
    settle(masks, lambda name, index: logits[name])
    assert np.flatnonzero(masks["a"][0, 0]).tolist() == [0, 1, 2, 3, 4]
    assert np.flatnonzero(masks["b"][0, 0]).tolist() == [5, 6, 7, 8, 9]


def test_a_part_within_a_whole_leaves_both_as_they_are():
    masks = {"brain": np.ones((1, 4, 4), dtype=bool), "hippocampus": np.zeros((1, 4, 4), dtype=bool)}
    masks["hippocampus"][0, 1:3, 1:3] = True
    settle(masks, lambda name, index: np.full((4, 4), 1.0 if name == "brain" else -1.0))
    assert masks["brain"].sum() == 16 and masks["hippocampus"].sum() == 4


def _look(on: np.ndarray, presence: float, quality: float) -> Look:
    return Look(torch.from_numpy(np.where(on, 4.0, -4.0)).to(torch.float16), presence, quality)


@pytest.mark.parametrize(("step_mm", "filled"), [(1.0, True), (3.0, False)])
def test_thin_slices_are_smoothed_with_their_neighbours_and_thick_ones_are_not(step_mm, filled):
    volume = Volume(np.arange(5 * 4 * 4.0).reshape(5, 4, 4), np.diag([-1.0, -1.0, step_mm, 1.0]))
    stack = SliceStack.of(volume, Plane.AXIAL)
    evidence = Evidence()
    for index in range(5):
        # Missed on the slice in the middle, by less than its neighbours are sure.
        logits = torch.full((4, 4), -2.0 if index == 2 else 4.0, dtype=torch.float16)
        evidence.add("thalamus", index, Look(logits, 0.9, 0.9))
    (one,) = assemble(evidence, stack, lambda logits: logits, Calibration())
    assert bool(one.mask[2].any()) is filled
    assert one.mask[[0, 1, 3, 4]].all()


def test_smoothing_weighs_both_neighbours_and_leaves_the_ends():
    looks = {i: Look(torch.full((1, 1), float(v)), 0.9, 0.9) for i, v in enumerate((8, 0, 4, 2))}
    assert [float(smoothed(looks, i, True)) for i in range(4)] == [8, 3, 2.5, 2]
    assert [float(smoothed(looks, i, False)) for i in range(4)] == [8, 0, 4, 2]


def test_masks_lie_on_the_grid_of_the_scan_and_confidence_is_weighed_by_area():
    # Sagittally acquired: K runs along the patient's left-right axis.
    ijk_to_ras = np.array([[0, 0, 4.0, 0], [2.0, 0, 0, 0], [0, 2.0, 0, 0], [0, 0, 0, 1]])
    volume = Volume(np.random.default_rng(0).random((5, 6, 7)), ijk_to_ras)
    stack = SliceStack.of(volume, Plane.AXIAL)
    expected = np.zeros(stack.voxels.shape, dtype=bool)
    expected[2, 2:5, 1:3] = True  # 6 pixels
    expected[3, 2:4, 1:2] = True  # 2 pixels
    evidence = Evidence()
    presence = {1: 0.1, 2: 0.8, 3: 0.4}
    for index, value in presence.items():
        on = expected[index] if index > 1 else np.ones_like(expected[index])
        evidence.add("left hippocampus", index, _look(on, value, 0.5))
    (found,) = assemble(evidence, stack, lambda logits: logits.float(), Calibration())
    assert found.mask.shape == volume.shape_kji
    np.testing.assert_array_equal(found.mask, stack.scatter(expected))
    assert found.confidence == pytest.approx((6 * 0.5 * 0.8 + 2 * 0.5 * 0.4) / 8)


def test_of_a_phrase_said_twice_the_first_look_counts():
    evidence = Evidence()
    first, second = _look(np.ones((2, 2)), 0.9, 0.9), _look(np.zeros((2, 2)), 0.1, 0.1)
    evidence.add("pons", 0, first)
    evidence.add("pons", 0, second)
    assert evidence.on(0) == {"pons": first}


def test_calibration_reads_what_the_checkpoint_says():
    read = Calibration.of({"presence_high": 0.7, "confidence": {"slope": 2.0, "intercept": -1.0}})
    assert (read.presence_low, read.presence_high) == (0.3, 0.7)
    assert read.confidence(0.5) == pytest.approx(1 / (1 + np.exp(1)))


@pytest.mark.parametrize(
    "wrong",
    [{"presence_high": "much"}, {"presence_low": 0.9}, {"confidence": 3}, {"mask_threshold_logit": None}],
)
def test_a_calibration_that_cannot_be_used_is_refused_in_a_sentence(wrong):
    with pytest.raises(CheckpointError, match=r"calibration\.json cannot be used"):
        Calibration.of(wrong)
