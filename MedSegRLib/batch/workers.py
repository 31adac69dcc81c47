"""Workers: models in processes of their own, lent to one study after the other."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from types import TracebackType

from MedSegRLib.answers import Answer, Failed, Finished, Question
from MedSegRLib.batch.asking import Asked, NoWorkerError, Stopped, WorkerLostError
from MedSegRLib.imaging import Volume
from MedSegRLib.service import Client, Earlier, WorkerState, default_command, stream
from MedSegRLib.service.interpreter import default_environment

__all__ = ["Workers"]

_PAUSE_S = 0.02
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Workers:
    """A number of workers; `lend` gives one that is free, and waits until there is one.

    Processes start when they are first needed. One that dies is started anew by its client, and the study
    that it was busy with learns it by `WorkerLostError`.

    Parameters
    ----------
    model
        Name of the model, or its folder.
    count
        How many processes.
    python
        The interpreter that they run in; None for the library's choice.
    make_client
        Makes a client; None for `service.Client` with the processor's cores shared among the workers.
    """

    def __init__(
        self,
        model: str,
        count: int = 1,
        python: str | None = None,
        make_client: Callable[[], Client] | None = None,
    ) -> None:
        self._model = model
        self._stopping = threading.Event()
        make = make_client or (lambda: _client(count, python))
        self._clients = [make() for _ in range(count)]
        self._free: queue.Queue[Client] = queue.Queue()
        for client in self._clients:
            self._free.put(client)
        self._proven: set[int] = set()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            client.close()

    @property
    def pids(self) -> list[int]:
        """Numbers of the processes that there are."""
        return [client.worker_pid for client in self._clients if client.worker_pid is not None]

    def stop(self) -> None:
        """Let nobody be asked any more: whoever asks, or waits for it, gets `Stopped`."""
        self._stopping.set()

    @contextmanager
    def lend(self, volume: Volume) -> Iterator[Asked]:
        """A worker for one scan.

        Raises
        ------
        NoWorkerError
            If none can be started at all.
        WorkerLostError
            If one that has worked cannot be started again now.
        Stopped
            If the batch is to stop.
        """
        client = self._wait_for_one()
        try:
            self._make_ready(client)
            yield _Served(client, volume, self._model, self._stopping)
        finally:
            self._free.put(client)

    def _wait_for_one(self) -> Client:
        while not self._stopping.is_set():
            try:
                return self._free.get(timeout=_PAUSE_S)
            except queue.Empty:
                continue
        raise Stopped

    def _make_ready(self, client: Client) -> None:
        if client.hello is None:
            client.start(self._model)
        while client.state is WorkerState.STARTING:
            if self._stopping.is_set():
                raise Stopped
            client.poll()
            time.sleep(_PAUSE_S)
        if client.hello is not None:
            self._proven.add(id(client))
        elif id(client) in self._proven:
            raise WorkerLostError(client.problem)
        else:
            # It never worked here, so no study would be answered.
            raise NoWorkerError(client.problem)


class _Served:
    """A worker in front of one scan."""

    def __init__(self, client: Client, volume: Volume, model: str, stopping: threading.Event) -> None:
        self._client, self._volume, self._model, self._stopping = client, volume, model, stopping

    def ask(self, question: Question, earlier: Sequence[Earlier]) -> Answer:
        """As of `Asked`."""
        client = self._client
        with closing(stream(client, self._volume, question, model=self._model, earlier=earlier)) as events:
            for event in events:
                if self._stopping.is_set():
                    raise Stopped
                if isinstance(event, Finished):
                    return event.answer
                if isinstance(event, Failed):
                    # A client that has a problem has lost its worker.
                    raise WorkerLostError(client.problem) if client.problem else event.error
        raise AssertionError("a stream of events ends with Finished, Cancelled or Failed")


def _client(count: int, python: str | None) -> Client:
    command = default_command(python)
    environment = default_environment(command)
    if count > 1:
        # Each would take all cores else, and wait for the others' threads most of the time.
        share = str(max(1, (os.cpu_count() or 1) // count))
        environment = {**{name: share for name in _THREADS}, **environment}
    return Client(command, environment=environment)
