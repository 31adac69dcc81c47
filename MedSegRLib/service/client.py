"""Client: questions to a worker process, without waiting and without a thread.

The owner calls `poll` every 20 to 50 ms, from a timer where there is an event loop: it reads what has come
and hands the events to their tickets. A worker that is lost is told in words and started anew; the question
that it was busy with has failed, those behind it go on.
"""

from __future__ import annotations

import os
import time
import zlib
from collections import deque
from collections.abc import Mapping, Sequence

from MedSegRLib.answers import Failed, MedSegRError, Question
from MedSegRLib.imaging import Volume

from . import endings
from .hello import Hello, why_not
from .interpreter import default_command, default_environment
from .limits import Limits, WorkerState
from .process import LOG_BYTES, WorkerProcess
from .protocol import Frame, ProtocolError, message
from .running import Running
from .ticket import Earlier, Ticket
from .voxel_files import VoxelFiles

# What a poll may take up, and what of the time between two polls counts as silence.
_POLL_S, _STEP_S = 0.015, 1.0


class Client:
    """Asks a worker, and keeps it alive.

    Parameters
    ----------
    command
        Program and arguments of the worker; None for `default_command()`, which is looked up at the start.
    environment
        The worker's whole environment; None for this process's own, cleaned for the interpreter.
    limits
        When patience ends.

    Attributes
    ----------
    hello
        What the worker said of itself; None until it is ready.
    problem
        Why the last worker was lost or could not start, in one sentence; "" once one has answered since.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.hello: Hello | None = None
        self.problem = ""
        self._command = None if command is None else list(command)
        self._environment = environment
        self._limits = limits or Limits()
        self._worker: WorkerProcess | None = None
        self._voxels: VoxelFiles | None = None
        self._dying: list[WorkerProcess] = []
        self._queue: deque[Ticket] = deque()
        self._running: Running | None = None
        self._number = self._losses = 0
        self._early: str | None = None
        self._is_loading = False
        self._polled_at = self._silence_s = 0.0
        self._last_log = b""

    @property
    def state(self) -> WorkerState:
        """What the worker is doing."""
        if self._worker is None:
            return WorkerState.LOST if self.problem else WorkerState.OFF
        if self.hello is None:
            return WorkerState.STARTING
        return WorkerState.READY if self._running is None else WorkerState.BUSY

    @property
    def worker_pid(self) -> int | None:
        """Number of the worker's process; None if there is none."""
        return None if self._worker is None else self._worker.pid

    def start(self, model: str | None = None) -> None:
        """Start a worker unless there is one; its hello comes with `poll`.

        Parameters
        ----------
        model
            Name or folder of a model to load beforehand, so that the first question need not wait for it.
        """
        if model is not None:
            self._early = _name_or_path(model)
        if self._worker is None:
            self._losses, self.problem = 0, ""
            self._launch()
        elif self.hello is not None:
            self._open_early()

    def ask(
        self, volume: Volume, question: Question, *, model: str = "mini", earlier: Sequence[Earlier] = ()
    ) -> Ticket:
        """Ask a question, behind those that are waiting; starts a worker if there is none.

        Parameters
        ----------
        volume, question
            What is asked of which scan.
        model
            Name of a model, or its folder.
        earlier
            The conversation that the question goes on with, oldest first.
        """
        ticket = Ticket(question, volume, _name_or_path(model), earlier)
        self._queue.append(ticket)
        self._count_waiting()
        if self._worker is None:
            self.start()
        self._ask_next()
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """Stop a question at its next token or slice; one that still waits is taken back, and fails."""
        running = self._running
        if running is not None and running.ticket is ticket:
            if running.stop_by is None and self._worker is not None:
                running.stop_by = time.monotonic() + self._limits.cancel_s
                self._worker.send(message("cancel", id=running.number))
        elif ticket in self._queue:
            self._queue.remove(ticket)
            ticket.add(Failed(MedSegRError("The question was taken back before its turn.")))
            self._count_waiting()

    def poll(self) -> None:
        """Take what has come, and see after the worker; call it every 20 to 50 ms."""
        self._dying = [worker for worker in self._dying if not worker.is_gone()]
        worker, now = self._worker, time.monotonic()
        if worker is None:
            return
        self._silence_s += min(now - self._polled_at, _STEP_S)
        self._polled_at = now
        try:
            took_all = self._listen(worker, now + _POLL_S)
        except (ProtocolError, KeyError, TypeError, ValueError, IndexError, StopIteration, zlib.error):
            self._lose(endings.garbled(), for_good=self.hello is None)
            return
        if took_all and self._worker is worker:
            self._see_after(worker, now)
        self._ask_next()

    def log(self) -> str:
        """The end of what the worker printed, behind what the one before it did; 200 kB at most."""
        now = b"" if self._worker is None else self._worker.log()
        return (self._last_log + now)[-LOG_BYTES:].decode("utf-8", errors="replace")

    def restart(self) -> None:
        """End the worker and start another one; the running question fails, waiting ones go on."""
        self._part("The model's process was restarted before the question was answered; ask it again.")
        self._losses, self.problem = 0, ""
        self._launch()

    def close(self) -> None:
        """End the worker and whatever is asked; its private folder is removed. It may be started again."""
        self._part("MedSeg-R was closed before the question was answered.")
        self._give_up("MedSeg-R was closed before the question was answered.")
        for worker in self._dying:
            worker.close()
        self._dying, self.problem = [], ""

    def _launch(self) -> None:
        try:
            command = self._command or default_command()
            environment = self._environment if self._environment is not None else default_environment(command)
            self._worker = WorkerProcess(command, environment)
        except MedSegRError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = (
                f"The model's process cannot be started ({error.strerror or error}: {command[0]}); "
                "choose another Python."
            )
        if self._worker is None:
            self._give_up(self.problem)
            return
        self._voxels = VoxelFiles(self._worker.folder)
        self._polled_at, self._silence_s, self._is_loading = time.monotonic(), 0.0, True

    def _ask_next(self) -> None:
        worker, voxels = self._worker, self._voxels
        while self.hello is not None and self._running is None and self._queue:
            assert worker is not None and voxels is not None
            ticket = self._queue.popleft()
            self._number += 1
            running = Running(self._number, ticket)
            try:
                worker.send(running.request(voxels.hand_over(ticket.volume)))
            except MedSegRError as error:
                ticket.add(Failed(error))
            else:
                self._running, self._early = running, ticket.model
            self._count_waiting()

    def _open_early(self) -> None:
        if self._worker is not None and self._early is not None and not self._queue:
            self._worker.send(message("open", model=self._early))
            self._is_loading = True

    def _listen(self, worker: WorkerProcess, until: float) -> bool:
        """Take what has come; False if there is more than the time allows."""
        while self._worker is worker:
            frame = worker.frame()
            if frame is not None:
                self._hear(frame)
            elif not worker.read():
                return True
            self._silence_s = 0.0
            if time.monotonic() > until:
                return False
        return True

    def _hear(self, frame: Frame) -> None:
        kind, running = frame.header["type"], self._running
        if kind == "refused":
            self._lose(str(frame.header["sentence"]), for_good=True)
        elif kind == "hello":
            sentence = why_not(frame.header)
            if sentence:
                self._lose(sentence, for_good=True)
                return
            self.hello, self._is_loading = Hello.from_header(frame.header), False
            self._open_early()
        elif kind == "opened":
            self._is_loading = False
        elif kind in ("begun", "event") and running is not None and frame.header["id"] == running.number:
            running.hear(frame)
            if running.ticket.done:
                self._running, self._losses, self.problem = None, 0, ""
                self._count_waiting()

    def _see_after(self, worker: WorkerProcess, now: float) -> None:
        limits, running = self._limits, self._running
        worker.flush()
        worker.shorten_log()
        code = worker.exit_code()
        loading = self._is_loading or (running is not None and running.is_loading)
        patience_s = limits.loading_silence_s if loading else limits.silence_s
        if code is not None:
            lines = worker.log().decode("utf-8", errors="replace").strip().splitlines()
            ready = self.hello is not None
            sentence = endings.ended(code, lines[-1][:200] if lines else "", ready=ready)
            # What ends by itself while it starts would do so again.
            self._lose(sentence, for_good=not ready and code > 0)
        elif running is not None and running.stop_by is not None and now > running.stop_by:
            self._drop()
            self.problem = endings.deaf(limits.cancel_s)
            running.stop_short(self.problem)
            self._launch()
        elif self._silence_s > patience_s:
            self._lose(endings.starved(patience_s))

    def _lose(self, sentence: str, *, for_good: bool = False) -> None:
        """End what there is of a worker, tell why, and start another one if that may help."""
        self._part(sentence)
        self.problem = sentence
        self._losses += 1
        if for_good or self._losses > self._limits.restarts:
            self._give_up(sentence)
        else:
            self._launch()

    def _part(self, sentence: str) -> None:
        """End the worker; its question fails with a sentence."""
        running = self._running
        self._drop()
        if running is not None:
            running.fail(sentence)

    def _drop(self) -> None:
        if self._worker is not None:
            self._last_log = self._worker.log()
            self._worker.kill()
            self._dying.append(self._worker)
        self._worker = self._voxels = self.hello = self._running = None
        self._count_waiting()

    def _give_up(self, sentence: str) -> None:
        while self._queue:
            self._queue.popleft().add(Failed(MedSegRError(sentence)))

    def _count_waiting(self) -> None:
        before = 0 if self._running is None else 1
        for place, ticket in enumerate(self._queue):
            ticket.waiting = before + place
        if self._running is not None:
            self._running.ticket.waiting = 0


def _name_or_path(model: str) -> str:
    """A folder as an absolute path, since the worker's own folder may be another one."""
    return os.path.abspath(model) if os.path.isdir(model) else model
