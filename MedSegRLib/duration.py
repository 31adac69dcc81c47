"""Duration: a time to wait, as people say it."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time in words, exact while it is short.

    >>> duration(40), duration(80), duration(3200), duration(3700)
    ('40 s', '1 min 20 s', '53 min', '1 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
