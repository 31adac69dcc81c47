"""Intervals: patients are drawn whole, so that many questions about few of them stay uncertain."""

from __future__ import annotations

import math

import numpy as np
import pytest

from MedSegRLib.evaluation.intervals import bootstrap, patient_sums, ratio


def mean_of(values: list[float]) -> tuple[float, float]:
    return bootstrap(np.array([[value, 1.0] for value in values]))


def test_the_interval_holds_the_mean_and_narrows() -> None:
    low, high = mean_of([0.0, 1.0] * 5)
    near_low, near_high = mean_of([0.0, 1.0] * 200)
    assert low < near_low < 0.5 < near_high < high
    assert mean_of([0.7] * 3) == pytest.approx((0.7, 0.7))


def test_it_is_that_of_drawing_patients_one_by_one() -> None:
    rng = np.random.default_rng(3)
    right = {patient: rng.random(size) < rng.random() for patient, size in enumerate((3, 40, 7, 12, 25))}
    entries = [(patient, (one, 1)) for patient, many in right.items() for one in many]
    low, high = bootstrap(patient_sums(entries), draws=4000)
    drawn = []
    for _ in range(4000):
        chosen = [right[n] for n in rng.integers(0, 5, 5)]
        drawn.append(np.concatenate(chosen).mean())
    assert (low, high) == pytest.approx(tuple(np.percentile(drawn, (2.5, 97.5))), abs=0.03)


def test_a_hundred_questions_about_three_patients_are_no_surer_than_three_patients() -> None:
    shares = {"a": 0.2, "b": 0.5, "c": 0.8}
    many = [(name, (n < 100 * share, 1)) for name, share in shares.items() for n in range(100)]
    assert bootstrap(patient_sums(many)) == pytest.approx(mean_of([*shares.values()]))


def test_of_nothing_there_is_no_interval_and_of_nothing_countable_no_ratio() -> None:
    assert all(math.isnan(v) for v in bootstrap(patient_sums([])))
    assert all(math.isnan(v) for v in bootstrap(np.array([[0.0, 0.0]])))
    assert ratio(np.array([[1.0, 4.0], [0.0, 0.0]])).tolist()[0] == 0.25
    assert math.isnan(ratio(np.array([[1.0, 4.0], [0.0, 0.0]]))[1])


def test_the_same_seed_draws_the_same() -> None:
    sums = np.random.default_rng(0).random((6, 2))
    assert bootstrap(sums) == bootstrap(sums) != bootstrap(sums, seed=1)
