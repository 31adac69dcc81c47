"""What the tests of the service share: a scan, a client with a real worker, and workers that misbehave.

The shipped model is loaded into one worker for all tests that only ask. Workers that misbehave are real
processes on real pipes too, and speak through the worker's own `Pipe`; see `misbehaving.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from MedSegRLib.answers import Event, Question
from MedSegRLib.cli.demo import mni152
from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.service import Client, Limits, Ticket, WorkerState

MISBEHAVING = Path(__file__).with_name("misbehaving.py")
PATIENCE_S = 120.0


def wait(client: Client, until: Callable[[], object]) -> None:
    """Poll as a panel does until something is so."""
    give_up = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < give_up, f"{client.state}, {client.problem}\n{client.log()}"
        client.poll()
        time.sleep(0.02)


def events_of(client: Client, ticket: Ticket) -> list[Event]:
    """All events of a question, waiting for the last one."""
    wait(client, lambda: ticket.done)
    return ticket.take()


@pytest.fixture(scope="session")
def brain() -> Volume:
    return mni152()


@pytest.fixture(scope="session")
def served() -> Iterator[Client]:
    """A client whose worker has the shipped model loaded."""
    client = Client()
    client.start("mini")
    wait(client, lambda: client.state is not WorkerState.STARTING)
    assert client.state is WorkerState.READY, client.problem
    yield client
    client.close()


@pytest.fixture
def scan() -> Volume:
    """A small scan for workers without a model."""
    voxels = np.random.default_rng(0).normal(100, 10, (4, 5, 6))
    return Volume(voxels, np.diag([-1.0, -2.0, 3.0, 1.0]), Modality.MR, "small")


@pytest.fixture
def misbehaving() -> Iterator[Callable[..., Client]]:
    """Make a client of a worker that misbehaves in a way of `misbehaving.py`."""
    clients: list[Client] = []

    def make(way: str, **limits: float) -> Client:
        command = [sys.executable, "-u", str(MISBEHAVING), way]
        clients.append(Client(command, limits=Limits(**limits)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def question() -> Question:
    return Question("Where is the left hippocampus?")
