"""Progress of a training on stderr: a live table on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table

from MedSegRLib.duration import duration

if TYPE_CHECKING:
    from MedSegRLib.training.events import Scored, StepDone

_EVERY_S = 30.0


class TrainingProgress:
    """Shows steps and scores as they come.

    Parameters
    ----------
    console
        Where; stderr if omitted.
    clock
        Seconds.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = Console(stderr=True, highlight=False) if console is None else console
        self._clock, self._told = clock, -_EVERY_S
        self._live: Live | None = None
        self._rows: dict[str, StepDone] = {}
        self._scores: dict[str, str] = {}

    def __enter__(self) -> TrainingProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def watch(self, event: StepDone | Scored) -> None:
        """Show a step or a score."""
        from MedSegRLib.training.events import Scored

        # Of several processes only the one that is told anything shows something.
        if self._console.is_terminal and self._live is None:
            self._live = Live(self.table(), console=self._console, refresh_per_second=4)
            self._live.start()
        if isinstance(event, Scored):
            self._score(event)
        else:
            self._step(event)

    def _step(self, event: StepDone) -> None:
        first = event.stage not in self._rows
        self._rows[event.stage] = event
        if self._live is not None:
            self._live.update(self.table())
        elif first or event.step == event.steps or self._clock() - self._told >= _EVERY_S:
            self._told = self._clock()
            terms = ", ".join(f"{name} {value:.4g}" for name, value in event.terms.items())
            self._line(
                f"{event.stage}: step {event.step} of {event.steps}, loss {event.loss:.4g} ({terms}), "
                f"{pace(event.seconds_per_step)}, {duration(event.seconds_left)} left"
            )

    def _score(self, event: Scored) -> None:
        told = f"{event.score:.4g} after step {event.step}"
        if event.is_best:
            self._scores[event.stage] = told
        if self._live is not None:
            self._live.update(self.table())
        else:
            best = ", the best so far" if event.is_best else ""
            self._line(f"{event.stage}: development score {told}{best}")

    def table(self) -> Table:
        """A row for each stage that has begun."""
        table = Table(box=None, pad_edge=False)
        for title in ("stage", "step", "loss", "terms", "rate", "left", "best score"):
            table.add_column(title)
        for name, event in self._rows.items():
            table.add_row(
                name,
                f"{event.step} of {event.steps}",
                f"{event.loss:.4g}",
                ", ".join(f"{term} {value:.3g}" for term, value in event.terms.items()),
                pace(event.seconds_per_step),
                duration(event.seconds_left),
                self._scores.get(name, ""),
            )
        return table

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)


def pace(seconds_per_step: float) -> str:
    """How fast it goes, in whichever unit has no leading zeros.

    >>> pace(0.05), pace(4.2), pace(0.0)
    ('20 steps a second', '4.2 s a step', 'more than 1000 steps a second')
    """
    # Faster than that, it is the clock that is read and not the step.
    if seconds_per_step < 1e-3:
        return "more than 1000 steps a second"
    if seconds_per_step < 1:
        rate = 1 / seconds_per_step
        return f"{rate:.3g} steps a second" if rate < 100 else f"{rate:.0f} steps a second"
    return f"{seconds_per_step:.3g} s a step"
