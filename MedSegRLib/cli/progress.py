"""Progress: slice k of n with the time left, on stderr, only where that is a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from MedSegRLib.duration import duration

if TYPE_CHECKING:
    from MedSegRLib.answers import SliceDone


class SliceProgress:
    """A bar that goes away when it is cleared; nothing at all where nobody watches."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = Console(stderr=True) if console is None else console
        self._bar: Progress | None = None

    def __enter__(self) -> SliceProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, event: SliceDone) -> None:
        """Show how far it is."""
        if not self._console.is_terminal:
            return
        if self._bar is None:
            columns = (BarColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=self._console, transient=True, auto_refresh=False)
            self._bar.add_task("", total=event.total)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=event.done, description=progress_text(event))
        self._bar.refresh()

    def clear(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def progress_text(event: SliceDone) -> str:
    """How far it is, in words: "12 of 180 slices, about 8 s left"."""
    text = f"{event.done} of {event.total} slices"
    if event.seconds_left is None:
        return text
    return f"{text}, about {duration(event.seconds_left)} left"
