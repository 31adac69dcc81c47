"""Pool: transactions on this machine, a few at a time, in the order of the plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from MedSegRLib.batch.asking import Stopped
from MedSegRLib.batch.plan import Task
from MedSegRLib.batch.transaction import Outcome

__all__ = ["run_all"]

_TICK_S = 0.1


def run_all(
    tasks: Sequence[Task],
    answer: Callable[[Task], Outcome],
    at_once: int,
    *,
    done: Callable[[int, Outcome], None],
    wants_stop: Callable[[], bool],
    halt: Callable[[], None],
) -> None:
    """Answer every study; no more than `at_once` are in memory at any time.

    Parameters
    ----------
    tasks
        What is answered.
    answer
        The transaction; called in threads.
    at_once
        Twice the number of models: while one study of each is asked, another is read or written.
    done
        Called with the place in `tasks` and the outcome of each study, in this thread.
    wants_stop
        Asked ten times a second whether to stop.
    halt
        Called once when no more is to be asked, so that transactions under way come to an end.

    Raises
    ------
    Stopped
        If `wants_stop` said so.
    MedSegRError
        What `answer` raised; the rest was not asked then.
    """
    upcoming = iter(enumerate(tasks))
    running: dict[Future[Outcome], int] = {}
    with ThreadPoolExecutor(at_once, thread_name_prefix="study") as pool:
        try:
            while True:
                while len(running) < at_once and (following := next(upcoming, None)) is not None:
                    running[pool.submit(answer, following[1])] = following[0]
                if not running:
                    return
                finished, _ = wait(running, timeout=_TICK_S, return_when=FIRST_COMPLETED)
                for future in sorted(finished, key=running.__getitem__):
                    done(running.pop(future), future.result())
                if wants_stop():
                    raise Stopped
        finally:
            halt()
