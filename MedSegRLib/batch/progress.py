"""Progress: how far a batch is, how fast, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from MedSegRLib.duration import duration

__all__ = ["PlainLines", "Progress"]

_BETWEEN_LINES_S = 10.0


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Attributes
    ----------
    total
        Studies in all.
    answered, kept, failed
        Studies that are done: in this run, in an earlier one, in vain.
    seconds
        Since the first study was begun.
    """

    total: int
    answered: int
    kept: int
    failed: int
    seconds: float

    @property
    def done(self) -> int:
        """Studies that nothing is left to do about."""
        return self.answered + self.kept + self.failed

    @property
    def studies_per_hour(self) -> float | None:
        """Of those answered in this run; None before the first."""
        return 3600 * self.answered / self.seconds if self.answered and self.seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """At that rate; None before there is one."""
        rate = self.studies_per_hour
        return None if rate is None else 3600 * (self.total - self.done) / rate

    def in_words(self) -> str:
        """One line.

        Examples
        --------
        >>> Progress(100, 10, 0, 1, 360.0).in_words()
        '11 of 100 studies, 1 failed, 100 an hour, about 53 min left'
        """
        parts = [f"{self.done} of {self.total} studies"]
        if self.kept:
            parts.append(f"{self.kept} answered before")
        if self.failed:
            parts.append(f"{self.failed} failed")
        rate, left = self.studies_per_hour, self.seconds_left
        if rate is not None and left is not None:
            parts.append(f"{rate:.0f} an hour" if rate >= 10 else f"{rate:.1f} an hour")
            if left:
                parts.append(f"about {duration(left)} left")
        return ", ".join(parts)


class PlainLines:
    """Tells how far a batch is where there is no terminal to draw on: a line now and then.

    Parameters
    ----------
    tell
        Takes a line.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told_at = float("-inf")

    def show(self, progress: Progress) -> None:
        """Tell the first, the last, and one every ten seconds."""
        now = time.monotonic()
        if now - self._told_at >= _BETWEEN_LINES_S or progress.done == progress.total:
            self._told_at = now
            self._tell(progress.in_words())
