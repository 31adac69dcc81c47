"""Windows: CT by body part, MR by what is not background."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegRLib.errors import UserInputError
from MedSegRLib.imaging import Modality, Volume, Window, ct_window, ct_window_names, mr_window, window_for


@pytest.mark.parametrize(
    ("name", "center", "width"),
    [
        ("brain", 40, 80),
        ("soft_tissue", 40, 400),
        ("lung", -600, 1500),
        ("bone", 400, 1800),
        ("abdomen", 50, 350),
        ("head_neck", 40, 350),
        ("mediastinum", 50, 400),
    ],
)
def test_ct_windows_have_the_usual_center_and_width(name, center, width):
    window = ct_window(name)
    assert ((window.low + window.high) / 2, window.high - window.low) == (center, width)
    assert name in ct_window_names()


def test_an_unknown_ct_window_is_refused_with_the_names_there_are():
    with pytest.raises(UserInputError, match="no CT window 'liver'; choose one of abdomen, bone, brain"):
        ct_window("liver")


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_an_empty_window_is_refused(low, high):
    with pytest.raises(ValueError, match="is empty; low must be below high"):
        Window(low, high, "none")


def test_values_outside_the_window_are_clipped_and_those_within_are_linear():
    scaled = Window(-100, 300, "w").apply(np.array([[-1000, -100, 0], [100, 300, 3000]], dtype=np.int16))
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [[0, 0, 0.25], [0.5, 1, 1]], atol=1e-7)


def test_the_mr_window_does_not_move_with_the_size_of_the_background():
    tissue = np.random.default_rng(0).uniform(100, 900, 50_000)
    little = mr_window(np.concatenate([tissue, np.zeros(1_000)]))
    much = mr_window(np.concatenate([tissue, np.zeros(500_000)]))
    assert (little.low, little.high) == (much.low, much.high)
    assert (little.low, little.high) == pytest.approx(tuple(np.percentile(tissue, (0.5, 99.5))), rel=1e-5)


def test_one_hot_voxel_does_not_change_the_mr_window():
    tissue = np.random.default_rng(0).uniform(100, 900, 50_000)
    hot = tissue.copy()
    hot[7] = 1e6
    assert mr_window(hot).high == pytest.approx(mr_window(tissue).high, rel=1e-3)


def test_a_scan_of_two_values_has_a_window_from_one_to_the_other():
    window = mr_window(np.array([0.0, 0.0, 5.0]))
    assert (window.low, window.high) == (0.0, 5.0)


def test_a_constant_array_has_no_window():
    with pytest.raises(ValueError, match="constant scan has no window"):
        mr_window(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("modality", "body_part", "name"),
    [
        (Modality.CT, "chest", "CT mediastinum"),
        (Modality.CT, "Head and neck", "CT head neck"),
        (Modality.CT, "lung", "CT lung"),
        (Modality.CT, "knee", "CT soft tissue"),
        (Modality.CT, None, "CT soft tissue"),
        (Modality.MR, "lung", "percentiles 0.5 to 99.5 of the foreground"),
        (Modality.UNKNOWN, None, "percentiles 0.5 to 99.5 of the foreground"),
    ],
)
def test_the_window_follows_modality_and_body_part(modality, body_part, name):
    volume = Volume(np.arange(24).reshape(2, 3, 4), np.eye(4), modality=modality)
    assert window_for(volume, body_part).name == name
