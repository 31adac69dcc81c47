"""Batch progress: a bar over the studies of a batch on stderr; plain lines where that is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn

from MedSegRLib.cli.bar import TellingBar

if TYPE_CHECKING:
    from MedSegRLib.batch import Progress


class BatchProgress(TellingBar):
    """Shows how far a batch is, how fast, and how long it will take."""

    def __init__(self, console: Console | None = None) -> None:
        from MedSegRLib.batch import PlainLines

        super().__init__(BarColumn(), TextColumn("{task.description}"), console=console)
        self.update(description="Reading")
        self._lines = PlainLines(self.tell)

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        if not self.console.is_terminal:
            self._lines.show(progress)
            return
        self.update(description=progress.in_words(), completed=progress.done, total=progress.total)
