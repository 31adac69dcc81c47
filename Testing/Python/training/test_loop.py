"""The loop's arithmetic against values worked out by hand."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from MedSegRLib.training.loop import (
    LoopConfig,
    _average,
    _groups,
    fast_precision,
    learning_rate_at,
)
from MedSegRLib.training.threads import ThreadTuner


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.01), (49, 0.5), (99, 1.0), (100, 1.0),
        (200, 0.01 + 0.99 * 0.8535533905932737),  # a quarter of the cosine: (1 + sqrt(1/2)) / 2
        (300, 0.505), (500, 0.01), (900, 0.01),
    ],
)  # fmt: skip
def test_the_rate_warms_up_and_falls_along_a_cosine(step: int, expected: float) -> None:
    config = LoopConfig(steps=500, learning_rate=1.0, warmup=100)
    assert learning_rate_at(step, config) == pytest.approx(expected, rel=1e-9)


def test_the_first_steps_do_not_depend_on_how_many_follow() -> None:
    short, long = (LoopConfig(steps=n, learning_rate=2e-3) for n in (3, 5000))
    assert [learning_rate_at(s, short) for s in range(3)] == [learning_rate_at(s, long) for s in range(3)]


def test_parameters_are_grouped_by_their_rate_and_frozen_ones_left_out() -> None:
    modules = nn.ModuleDict({"encoder": nn.Linear(2, 3), "head": nn.Linear(3, 1), "still": nn.Linear(1, 1)})
    modules["still"].requires_grad_(False)
    groups = {g["rate"]: g["params"] for g in _groups(modules, {"encoder": 0.4})}
    assert groups.keys() == {0.4, 1.0}
    assert [id(p) for p in groups[0.4]] == [id(p) for p in modules["encoder"].parameters()]
    assert [id(p) for p in groups[1.0]] == [id(p) for p in modules["head"].parameters()]


def test_averages_follow_the_weights_and_copy_the_counts() -> None:
    live, averaged = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    with torch.no_grad():
        live.weight.fill_(10.0)
        averaged.weight.fill_(2.0)
        live.num_batches_tracked.fill_(7)
    before = copy.deepcopy(live.state_dict())
    _average(averaged, live, 0.75)
    assert averaged.weight.tolist() == [4.0, 4.0]
    assert int(averaged.num_batches_tracked) == 7
    assert all(torch.equal(before[key], value) for key, value in live.state_dict().items())


def test_the_tuner_settles_on_the_faster_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, threads = [0.0], torch.get_num_threads()
    monkeypatch.setattr("MedSegRLib.training.threads.time.monotonic", lambda: clock[0])
    try:
        tuner = ThreadTuner(2)
        used = []
        for _ in range(20):
            tuner.before_step()
            used.append(torch.get_num_threads())
            clock[0] += 5.0 if used[-1] == 2 else 1.0  # the second thread waits for a neighbour
        assert used == [1, 1, 1, 2, 2, 2] + [1] * 14
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(("tiles", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_half_precision_is_for_processors_with_tiles(
    tiles: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles)
    assert fast_precision() is expected
