"""Build progress: scans done, items written, rate and time left, on stderr, only where that is a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from MedSegRLib.cli.bar import TellingBar

if TYPE_CHECKING:
    from MedSegRLib.dataset.building.builder import Progress as Done


class BuildProgress(TellingBar):
    """A bar over the scans of a build."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("scans"),
            TimeRemainingColumn(), console=console,
        )  # fmt: skip
        self._begun: tuple[float, int] | None = None

    def say(self, what: str) -> None:
        """Show what is under way before there is anything to count."""
        self.update(description=what)

    def show(self, done: Done) -> None:
        """Show how far it is."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = (now, done.items)
        self.update(
            description=progress_text(done, now - self._begun[0], done.items - self._begun[1]),
            completed=done.scans,
            total=done.of_scans,
        )


def progress_text(done: Done, seconds: float, items_since: int) -> str:
    """How much is written and how fast: "1200 items (95 % accepted), 40 a second"."""
    text = f"{done.items} items"
    if done.written:
        text += f" ({100 * done.items / done.written:.0f} % accepted)"
    if seconds > 1 and items_since:
        rate = items_since / seconds
        text += f", {rate:.0f} a second" if rate >= 2 else f", {60 * rate:.0f} a minute"
    return text
