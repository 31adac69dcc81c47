"""Result: how a batch ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from MedSegRLib.batch.failures import Failure
from MedSegRLib.batch.found import LeftOut
from MedSegRLib.batch.progress import Progress

__all__ = ["BatchResult"]


@dataclass(frozen=True)
class BatchResult:
    """How a batch ended.

    Attributes
    ----------
    output
        The folder of results.
    progress
        Counts, seconds and rate.
    failures
        Studies that were not answered, in the order of the plan, and scans that are broken.
    left_out
        What was never to be asked.
    why_stopped
        Why it ended before all studies were done, in a sentence; "" if it did not.
    """

    output: Path
    progress: Progress
    failures: tuple[Failure, ...]
    left_out: tuple[LeftOut, ...]
    why_stopped: str = ""

    @property
    def exit_code(self) -> int:
        """0 if every study is answered, 1 if one is not."""
        return 1 if self.failures or self.why_stopped else 0

    def in_words(self) -> Iterator[str]:
        """What to tell at the end, line by line."""
        for failure in self.failures:
            yield f"Failed: {failure.study}: {failure.why}"
        if self.why_stopped:
            yield self.why_stopped
        done = self.progress
        counts = [f"{done.answered} {'study' if done.answered == 1 else 'studies'} answered"]
        if done.kept:
            counts.append(f"{done.kept} answered before")
        if self.failures:
            counts.append(f"{len(self.failures)} failed")
        if self.left_out:
            counts.append(f"{len(self.left_out)} left out (--dry-run says why)")
        yield f"{', '.join(counts)}. See {self.output / 'index.html'}"
