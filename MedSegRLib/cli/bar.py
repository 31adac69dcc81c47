"""Bar: how far something long is, on stderr, and sentences that stay above it."""

from __future__ import annotations

from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import Progress, ProgressColumn

_Bar = TypeVar("_Bar", bound="TellingBar")


class TellingBar:
    """A bar that goes away at the end; where nobody watches, nothing but the sentences.

    Parameters
    ----------
    columns
        What the bar is made of.
    console
        Where; stderr if None.
    """

    def __init__(self, *columns: ProgressColumn, console: Console | None = None) -> None:
        self.console = Console(stderr=True) if console is None else console
        self._bar = Progress(
            *columns, console=self.console, transient=True, disable=not self.console.is_terminal
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self: _Bar) -> _Bar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, sentence: str) -> None:
        """Tell a sentence that stays."""
        self.console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    def update(self, **changes: Any) -> None:
        """Change description, completed or total."""
        self._bar.update(self._task, **changes)
