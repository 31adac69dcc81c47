"""Times to wait."""

from __future__ import annotations

from MedSegRLib.duration import duration


def test_a_time_is_told_in_fitting_units() -> None:
    assert [duration(s) for s in (0, 59.6, 130.0, 599.4, 600, 3599, 3600, 100000)] == [
        "0 s", "1 min 0 s", "2 min 10 s", "9 min 59 s", "10 min", "1 h 0 min", "1 h 0 min", "27 h 47 min",
    ]  # fmt: skip
