"""Workers that misbehave: each is told in a sentence, ended with all it started, and never waited for."""

from __future__ import annotations

import os
import signal
import time

import pytest

from MedSegRLib.answers import Cancelled, Failed, Finished, Question, Text
from MedSegRLib.service import Client, WorkerState

from .conftest import events_of, wait


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A child of this very process that has ended stays listed until it is asked after.
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


def folder_of(client: Client):
    return client._worker.folder


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("other protocol", "speaks protocol 2 and this program 1"),
        ("other version", r"runs MedSeg-R 0\.0\.0 and this program"),
        ("other library", "took MedSeg-R from /somewhere/else and not from"),
        ("chatters only", "not MedSeg-R's protocol"),
        ("dies at once", r"before it was ready \(exit code 1: Traceback: the Python is broken\)"),
    ],
)
def test_a_worker_that_cannot_be_worked_with_is_told_and_not_tried_again(
    misbehaving, scan, question, way, sentence
):
    client = misbehaving(way)
    tickets = [client.ask(scan, question) for _ in range(2)]
    for ticket in tickets:
        (event,) = events_of(client, ticket)
        assert isinstance(event, Failed)
        with pytest.raises(type(event.error), match=sentence):
            raise event.error
    assert client.state is WorkerState.LOST and client.hello is None
    assert client.problem == str(event.error)


@pytest.mark.parametrize("way", ["garbage", "nonsense"])
def test_garbage_after_the_hello_is_told_and_tried_again_so_often(misbehaving, scan, question, way):
    client = misbehaving(way, restarts=1)
    tickets, pids = [client.ask(scan, question) for _ in range(3)], set()

    def is_given_up():
        pids.add(client.worker_pid)
        return client.state is WorkerState.LOST

    wait(client, is_given_up)
    assert len(pids - {None}) == 2
    assert all("not MedSeg-R's protocol" in str(ticket.take()[-1].error) for ticket in tickets)
    assert not any(is_alive(pid) for pid in pids - {None})


def test_noise_before_the_first_frame_is_passed_over_and_kept_in_the_log(misbehaving, scan, question):
    client = misbehaving("chatters first")
    events = events_of(client, client.ask(scan, question))
    assert isinstance(events[-1], Finished)
    assert "your shell says hello" in client.log()


def test_a_flood_of_output_and_of_events_reaches_a_client_that_was_away(misbehaving, scan, question):
    client = misbehaving("floods", silence_s=3.0)
    ticket = client.ask(scan, question)
    wait(client, lambda: ticket.take())
    pid = client.worker_pid
    # Longer than the worker may be silent; the pipe is full, so it waits as well.
    time.sleep(3.5)
    events = events_of(client, ticket)
    assert isinstance(events[-1], Finished) and client.worker_pid == pid
    told = [event.delta for event in events if isinstance(event, Text)]
    numbers = [delta for delta in told if delta != "This is"]
    assert numbers == [f" {n}" for n in range(5000)]
    log = client.log()
    assert len(log) == 200_000 and set(log) <= set("xy\n")
    # 24 MB were printed; what lies on the disk has an end.
    assert (folder_of(client) / "worker.log").stat().st_size <= 10_000_000


def test_a_worker_that_is_lost_again_and_again_is_given_up_after_three_restarts(misbehaving, scan, question):
    client = misbehaving("dies")
    tickets = [client.ask(scan, question) for _ in range(6)]
    pids = set()

    def all_done():
        pids.add(client.worker_pid)
        return all(ticket.done for ticket in tickets)

    wait(client, all_done)
    assert len(pids - {None}) == 4 and client.state is WorkerState.LOST
    for ticket in tickets:
        (event,) = ticket.take()
        assert isinstance(event, Failed)
        assert "ended (exit code 3: RuntimeError: shapes do not fit)" in str(event.error)
    # A new question is a new beginning.
    again = client.ask(scan, question)
    assert client.state is WorkerState.STARTING
    assert isinstance(events_of(client, again)[-1], Failed)


def test_a_crash_is_told_by_the_name_of_its_signal(misbehaving, scan, question):
    client = misbehaving("crashes")
    (event,) = events_of(client, client.ask(scan, question))
    assert "crashed (SIGABRT)" in str(event.error) and "not from the scan" in str(event.error)
    assert client.state is WorkerState.STARTING and client.problem == str(event.error)


def test_a_worker_deaf_to_a_stop_is_killed_with_its_children_and_what_came_is_kept(
    misbehaving, scan, question
):
    client = misbehaving("deaf", cancel_s=0.5)
    ticket, next_one = client.ask(scan, question), client.ask(scan, Question("And the right one?"))
    wait(client, lambda: "child" in client.log())
    worker, folder = client.worker_pid, folder_of(client)
    child = int(client.log().split()[1])
    assert is_alive(worker) and is_alive(child)
    started = time.monotonic()
    for _ in range(1000):
        client.cancel(ticket)
    *_, last = events_of(client, ticket)
    assert time.monotonic() - started > 0.5
    assert isinstance(last, Cancelled) and last.answer.text == "This is" and last.answer.volume is scan
    (finding,) = last.answer.findings
    assert (finding.mask == (scan.voxels > 100)).all()
    assert "did not stop within 0.5 s" in last.answer.provenance.notes[-1]
    wait(client, lambda: not is_alive(worker) and not is_alive(child) and not folder.exists())
    # The next question goes to another worker, which is as deaf.
    wait(client, lambda: client.state is WorkerState.BUSY)
    client.cancel(next_one)
    assert isinstance(events_of(client, next_one)[-1], Cancelled)


def test_a_stop_before_anything_was_begun_fails_in_a_sentence(misbehaving, scan, question):
    client = misbehaving("never begins", cancel_s=0.2)
    ticket = client.ask(scan, question)
    wait(client, lambda: client.state is WorkerState.BUSY)
    client.cancel(ticket)
    (event,) = events_of(client, ticket)
    assert isinstance(event, Failed) and "did not stop within 0.2 s" in str(event.error)


def test_a_worker_without_signs_of_life_is_starved_which_is_told_while_nothing_waits_for_it(
    misbehaving, scan, question
):
    client = misbehaving("deaf", silence_s=2.5)
    tickets = [client.ask(scan, question) for _ in range(3)]
    wait(client, lambda: "child" in client.log())
    worker = client.worker_pid
    os.kill(worker, signal.SIGSTOP)
    # More than any pipe holds: writing to a worker that reads nothing must not wait either.
    for _ in range(30):
        client._worker.send(client._running.request({"filler": "x" * 10_000}))
        client.poll()
    *_, last = events_of(client, tickets[0])
    assert isinstance(last, Failed) and "no sign of life for 2.5 s" in str(last.error)
    wait(client, lambda: not is_alive(worker))
    wait(client, lambda: client.state is WorkerState.BUSY)
    assert not tickets[1].done and client.worker_pid not in (None, worker)


def test_time_in_which_nobody_polls_is_no_silence(misbehaving, scan, question):
    client = misbehaving("behaves", silence_s=1.5)
    client.start()
    wait(client, lambda: client.state is WorkerState.READY)
    worker = client.worker_pid
    os.kill(worker, signal.SIGSTOP)
    # A computer that slept, or a program that was busy: the worker slept, too.
    time.sleep(2.5)
    os.kill(worker, signal.SIGCONT)
    assert isinstance(events_of(client, client.ask(scan, question))[-1], Finished)
    assert client.worker_pid == worker
