"""Batch progress: a bar over the studies of a batch on stderr; plain lines where that is no terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from MedSegRLib.batch import Progress


class BatchProgress:
    """Shows how far a batch is, how fast, and how long it will take."""

    def __init__(self, console: Console | None = None) -> None:
        from MedSegRLib.batch import PlainLines

        self._console = Console(stderr=True) if console is None else console
        self._bar = Bar(
            BarColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("Reading", total=None)
        self._lines = PlainLines(self.tell)

    def __enter__(self) -> BatchProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, sentence: str) -> None:
        """Tell a sentence that stays."""
        self._console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        if not self._console.is_terminal:
            self._lines.show(progress)
            return
        self._bar.update(
            self._task, description=progress.in_words(), completed=progress.done, total=progress.total
        )
