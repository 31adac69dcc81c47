"""The client's own manners: queue, private folder, log, starting, restarting and closing."""

from __future__ import annotations

import stat
import sys
import tempfile

import numpy as np

from MedSegRLib.answers import Failed, Finished, OutputError, Question
from MedSegRLib.imaging import Volume
from MedSegRLib.service import Client, WorkerState, stream

from .conftest import events_of, wait


def folder_of(client: Client):
    return client._worker.folder


def test_questions_queue_in_their_order_and_one_may_be_taken_back(misbehaving, scan):
    client = misbehaving("behaves")
    tickets = [client.ask(scan, Question(f"Question {n}?")) for n in range(5)]
    assert client.state is WorkerState.STARTING
    assert [ticket.waiting for ticket in tickets] == [0, 1, 2, 3, 4]
    client.cancel(tickets[2])
    assert [ticket.waiting for ticket in tickets if not ticket.done] == [0, 1, 2, 3]
    (event,) = tickets[2].take()
    assert isinstance(event, Failed) and "taken back" in str(event.error)
    ended: list[int] = []

    def all_done():
        ended.extend(n for n, ticket in enumerate(tickets) if ticket.done and n not in ended)
        return len(ended) == 5

    wait(client, all_done)
    assert ended == [2, 0, 1, 3, 4]
    answers = [ticket.take()[-1].answer for ticket in tickets if ticket is not tickets[2]]
    assert [answer.question.text for answer in answers] == [f"Question {n}?" for n in (0, 1, 3, 4)]
    assert all(answer.volume is scan for answer in answers)
    client.cancel(tickets[0])
    assert tickets[0].take() == []


def test_voxels_go_into_a_private_folder_once_and_go_away_with_it(misbehaving, scan, question):
    client = misbehaving("behaves")
    events_of(client, client.ask(scan, question))
    folder = folder_of(client)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (file,) = folder.glob("*.npy")
    np.testing.assert_array_equal(np.load(file), scan.voxels)
    written = file.stat().st_mtime_ns
    same = Volume(scan.voxels, scan.ijk_to_ras, scan.modality, "by another name")
    assert isinstance(events_of(client, client.ask(same, question))[-1], Finished)
    assert [path.stat().st_mtime_ns for path in folder.glob("*.npy")] == [written]
    for n in range(6):
        other = Volume(scan.voxels + n + 1, scan.ijk_to_ras)
        assert isinstance(events_of(client, client.ask(other, question))[-1], Finished)
    assert len(list(folder.glob("*.npy"))) == 4
    client.close()
    assert not folder.exists() and client.state is WorkerState.OFF


def test_a_folder_that_takes_no_scan_fails_that_question_alone(misbehaving, scan, question):
    client = misbehaving("behaves")
    events_of(client, client.ask(scan, question))
    other = Volume(scan.voxels + 1, scan.ijk_to_ras)
    (folder_of(client) / f"{other.fingerprint()}.npy").mkdir()
    (event,) = events_of(client, client.ask(other, question))
    assert isinstance(event, Failed) and isinstance(event.error, OutputError)
    assert "make room on that disk" in str(event.error)
    assert isinstance(events_of(client, client.ask(scan, question))[-1], Finished)


def test_a_restart_fails_the_running_question_and_goes_on_with_the_others(misbehaving, scan, question):
    client = misbehaving("deaf")
    first, second = client.ask(scan, question), client.ask(scan, question)
    wait(client, lambda: "child" in client.log())
    pid = client.worker_pid
    client.restart()
    assert first.done and "restarted" in str(first.take()[-1].error)
    wait(client, lambda: second.take())
    assert client.worker_pid != pid and client.problem == ""


def test_closing_ends_what_is_asked_and_the_client_can_be_used_again(misbehaving, scan, question):
    client = misbehaving("behaves")
    running, waiting = client.ask(scan, question), client.ask(scan, question)
    client.close()
    for ticket in (running, waiting):
        assert "closed" in str(ticket.take()[-1].error)
    client.poll()
    assert client.state is WorkerState.OFF
    assert isinstance(events_of(client, client.ask(scan, question))[-1], Finished)


def test_a_program_that_is_not_there_is_told_in_a_sentence(scan, question):
    client = Client(["/nowhere/python"])
    ticket = client.ask(scan, question)
    assert client.state is WorkerState.LOST
    assert "/nowhere/python" in client.problem and "choose another Python" in client.problem
    assert str(ticket.take()[-1].error) == client.problem


def test_a_temporary_folder_that_cannot_be_written_is_told_and_not_blamed_on_the_python(
    monkeypatch, tmp_path, scan, question
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    client = Client()
    (event,) = client.ask(scan, question).take()
    assert client.state is WorkerState.LOST and isinstance(event, Failed)
    assert "no temporary folder can be written" in client.problem and "Python" not in client.problem


def test_without_any_python_the_client_opens_and_says_so_when_it_is_started(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/opt/Slicer/SlicerApp-real")
    client = Client()
    assert client.state is WorkerState.OFF and client.problem == ""
    client.start()
    assert client.state is WorkerState.LOST and "choose one in the settings" in client.problem


def test_a_generator_that_is_closed_stops_the_question(misbehaving, scan, question):
    client = misbehaving("deaf", cancel_s=0.2)
    events = stream(client, scan, question)
    next(events)
    assert client.state is WorkerState.BUSY
    events.close()
    assert "did not stop" in client.problem
    assert client.state is WorkerState.STARTING
