"""The shipped model in a real worker: the same events, stopped anywhere, killed, and gone with its parent."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MedSegRLib import Session, open_model
from MedSegRLib.answers import (
    Cancelled,
    CheckpointError,
    Failed,
    FindingReady,
    Finished,
    Planned,
    Question,
    Revised,
    SliceDone,
    Text,
    UserInputError,
)
from MedSegRLib.imaging import Plane
from MedSegRLib.resources import resource_path
from MedSegRLib.service import Client, Earlier, Limits, WorkerState, stream

from .conftest import events_of, wait
from .test_misbehaving_workers import is_alive

ROOT = Path(__file__).resolve().parents[3]
LEFT = Question("Where is the left hippocampus?", slices=(64, 69))
OTHER_SIDE = Question("And the one on the other side?", slices=(64, 69))
ABOVE_IT = Question("Where is the left hippocampus?", slices=(110, 111))
EVERY_SLICE = Question("Where are the thalami?", slices=(66, 67), mode="generate")
WHOLE = Question("Where is the left hippocampus?")


@pytest.fixture(scope="module")
def session(brain) -> Session:
    return Session(brain, open_model("mini"))


def plain(event):
    """An event as values that can be compared, without seconds."""
    if isinstance(event, SliceDone):
        masks = {name: (mask.dtype, mask.tolist()) for name, mask in event.masks.items()}
        return SliceDone, event.done, event.total, event.slice_index, masks
    if isinstance(event, FindingReady):
        return FindingReady, event.finding.to_dict(), event.finding.mask.tobytes()
    if isinstance(event, Finished | Cancelled):
        answer = replace(event.answer, provenance=replace(event.answer.provenance, seconds={}))
        return type(event), answer.to_dict(), [finding.mask.tobytes() for finding in answer.findings]
    return event


def test_the_worker_yields_the_same_events_as_the_session_in_process(served, session, brain):
    earlier: list[Earlier] = []
    kinds = set()
    for question in (LEFT, OTHER_SIDE, ABOVE_IT, EVERY_SLICE):
        here = list(session.stream(question))
        there = events_of(served, served.ask(brain, question, earlier=earlier))
        assert [plain(event) for event in there] == [plain(event) for event in here]
        answer = there[-1].answer
        assert answer.volume is brain and answer.question is question
        ready = [event.finding for event in there if isinstance(event, FindingReady)]
        assert ready == list(answer.findings)
        earlier.append(Earlier.of(answer))
        kinds |= {type(event) for event in there}
    assert kinds == {Planned, Text, SliceDone, FindingReady, Revised, Finished}
    assert [finding.name for finding in session.history[1].findings] == ["right hippocampus"]
    assert session.history[2].absent == ("left hippocampus",)


def test_the_hello_tells_versions_and_models(served):
    import torch
    import transformers

    hello = served.hello
    assert (hello.torch, hello.transformers) == (torch.__version__, transformers.__version__)
    assert os.path.samefile(hello.executable, sys.executable)
    (mini,) = hello.models
    assert (mini.name, mini.regions, mini.modalities) == ("mini", ("brain",), ("MR",))
    assert "hippocampus" in mini.offered and "NonCommercial" in mini.licence


def test_a_stop_among_the_words_ends_before_the_first_slice(served, brain):
    pid, ticket = served.worker_pid, served.ask(brain, WHOLE)
    events = []
    wait(served, lambda: events.extend(ticket.take()) or any(isinstance(e, Text) for e in events))
    served.cancel(ticket)
    events += events_of(served, ticket)
    # It obeyed, and did not have to be killed.
    assert served.worker_pid == pid and served.problem == ""
    assert isinstance(events[-1], Cancelled) and not events[-1].answer.complete
    assert not any(isinstance(event, SliceDone) for event in events)
    said = "".join(event.delta for event in events if isinstance(event, Text))
    assert events[-1].answer.text == said and events[-1].answer.volume is brain


def test_a_stop_among_the_slices_keeps_what_is_done_and_the_worker(served, brain):
    pid, ticket = served.worker_pid, served.ask(brain, WHOLE)
    events = []
    wait(served, lambda: events.extend(ticket.take()) or any(isinstance(e, SliceDone) for e in events))
    served.cancel(ticket)
    events += events_of(served, ticket)
    last, done = events[-1], [event for event in events if isinstance(event, SliceDone)]
    assert isinstance(last, Cancelled) and 0 < len(done) < done[0].total / 2
    assert last.answer.provenance.slices_looked_at == tuple(event.slice_index for event in done)
    assert served.worker_pid == pid and served.problem == ""
    assert isinstance(events_of(served, served.ask(brain, LEFT))[-1], Finished)


def test_a_question_that_cannot_be_answered_fails_alone_with_its_own_error(served, brain):
    pid = served.worker_pid
    unknown, coronal, beyond, good = (
        served.ask(brain, LEFT, model="maxi"),
        served.ask(brain, Question("Where?", plane=Plane.CORONAL)),
        served.ask(brain, Question("Where?", slices=(0, 9999))),
        served.ask(brain, LEFT),
    )
    for ticket, kind, words in (
        (unknown, CheckpointError, "no model maxi"),
        (coronal, UserInputError, "axial slices only"),
        (beyond, UserInputError, "9999"),
    ):
        (event,) = events_of(served, ticket)
        assert isinstance(event, Failed) and isinstance(event.error, kind) and words in str(event.error)
    assert isinstance(events_of(served, good)[-1], Finished) and served.worker_pid == pid


def test_a_model_in_another_folder_answers_too(served, brain, tmp_path, monkeypatch):
    folder = tmp_path / "mon modèle à moi"
    shutil.copytree(resource_path("Models", "medsegr-mini"), folder)
    config = json.loads((folder / "config.json").read_text())
    config["medsegr"]["name"] = "mine"
    (folder / "config.json").write_text(json.dumps(config))
    # The worker runs in a folder of its own, so what is near to us must be far for it.
    monkeypatch.chdir(tmp_path)
    own = events_of(served, served.ask(brain, LEFT, model=folder.name))[-1].answer
    shipped = events_of(served, served.ask(brain, LEFT))[-1].answer
    assert (own.provenance.model, shipped.provenance.model) == ("mine", "medsegr-mini")
    assert own.text == shipped.text
    np.testing.assert_array_equal(own.findings[0].mask, shipped.findings[0].mask)


def test_a_worker_that_is_killed_is_told_and_the_conversation_goes_on_in_another_one(served, brain):
    first = events_of(served, served.ask(brain, LEFT))[-1].answer
    pid, folder = served.worker_pid, served._worker.folder
    lost = served.ask(brain, WHOLE)
    follow_up = served.ask(brain, OTHER_SIDE, earlier=[Earlier.of(first)])
    wait(served, lambda: any(isinstance(event, SliceDone) for event in lost.take()))
    os.kill(pid, signal.SIGKILL)
    event = events_of(served, lost)[-1]
    assert isinstance(event, Failed)
    assert "was killed from outside" in str(event.error) and "ask again" in str(event.error)
    assert served.state is WorkerState.STARTING and served.problem == str(event.error)
    assert follow_up.waiting == 0
    answer = events_of(served, follow_up)[-1].answer
    assert [finding.name for finding in answer.findings] == ["right hippocampus"]
    assert served.worker_pid != pid and served.problem == ""
    assert not folder.exists()


def test_a_worker_that_is_stopped_while_it_loads_is_starved():
    client = Client(limits=Limits(loading_silence_s=2.0, restarts=0))
    client.start()
    os.kill(client.worker_pid, signal.SIGSTOP)
    wait(client, lambda: client.state is WorkerState.LOST)
    assert "no sign of life for 2 s" in client.problem
    client.close()


PARENT = """
import os, sys, time
from MedSegRLib.answers import Question, Text
from MedSegRLib.cli.demo import mni152
from MedSegRLib.service import Client
client = Client()
ticket = client.ask(mni152(), Question("Where are the thalami?"))
while not any(isinstance(event, Text) for event in ticket.take()):
    client.poll()
    time.sleep(0.02)
    assert not client.problem, client.problem
print(client.worker_pid, client._worker.folder, sep="\\n", flush=True)
time.sleep(60)
"""


def test_a_worker_ends_with_its_parent_and_leaves_no_scan_behind_also_where_folders_have_odd_names(tmp_path):
    home = tmp_path / "Lékař's programs 医"
    shutil.copytree(ROOT / "MedSegRLib", home / "MedSegRLib", ignore=shutil.ignore_patterns("__pycache__"))
    (home / "Resources").symlink_to(ROOT / "Resources")
    temporary = tmp_path / "tempo raire é"
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(home), "TMPDIR": str(temporary)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    pid, folder = int(parent.stdout.readline()), Path(parent.stdout.readline().strip())
    assert is_alive(pid) and list(folder.glob("*.npy")) and folder.parent == temporary
    parent.kill()
    parent.communicate()
    give_up = time.monotonic() + 10
    while is_alive(pid) or folder.exists():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_a_stream_waits_for_its_events(served, brain):
    *_, last = stream(served, brain, LEFT)
    assert isinstance(last, Finished)
    assert served.state is WorkerState.READY
