"""Doubles of what other rooms and Slicer do for the panel: a head, a worker, a scene, an installer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from MedSegRLib.answers import (
    Answer,
    Cancelled,
    Event,
    Finding,
    FindingReady,
    Finished,
    Planned,
    Provenance,
    Question,
    SliceDone,
    Text,
    sentences,
)
from MedSegRLib.errors import MedSegRError
from MedSegRLib.imaging import Modality, Plane, Volume, window_for
from MedSegRLib.panel import Condition, Drawn, Installed, Part, Scan, Visibility
from MedSegRLib.service import Hello, ModelInfo, WorkerState

SHAPE_KJI = (12, 48, 40)
NC = "Licensed under CC BY-NC-SA 4.0, for non-commercial purposes."
MINI = ModelInfo(
    "mini", "1", ("brain",), ("MR",), ("cerebral_cortex", "caudate", "hippocampus", "amygdala"), NC
)
HELLO = Hello(1, "0.1.0", "3.12.10", "/python", "2.8.0", "5.2.0", "cpu", (MINI,))


def head(name: str = "T1 head", modality: Modality = Modality.MR) -> tuple[Volume, np.ndarray, np.ndarray]:
    """A scan and the masks of its left and right hippocampus, the left one larger."""
    left, right = np.zeros(SHAPE_KJI, bool), np.zeros(SHAPE_KJI, bool)
    # I runs to the patient's left here.
    left[4:8, 18:30, 26:32] = True
    right[4:8, 20:30, 8:14] = True
    voxels = np.random.default_rng(0).normal(100, 5, SHAPE_KJI)
    voxels[left | right] -= 40
    return Volume(voxels, np.diag([-1.5, -1.5, 4.0, 1.0]), modality, name), left, right


def answer_of(
    volume: Volume, masks: dict[str, np.ndarray], question: Question, complete: bool = True
) -> Answer:
    """The answer that finds these."""
    findings = tuple(
        Finding.of(phrase, mask, volume, Plane.AXIAL, 0.9 - 0.15 * number)
        for number, (phrase, mask) in enumerate(masks.items())
    )
    text = f"I see the {' and the '.join(masks)}. " if masks else "I do not see that on this scan."
    text += " ".join(sentences(findings, volume))
    raw = " ".join(f"<p>{phrase}</p>[SEG]" for phrase in masks) or "<p>that</p>[REJ]"
    provenance = Provenance(
        "medsegr-mini", "1", window_for(volume), Plane.AXIAL, tuple(range(12)), "ground", 0, "0.1.0",
        {"talk": 1.0}, ("A note of this answer.",),
    )  # fmt: skip
    absent = () if masks else ("that",)
    return Answer(question, text.strip(), findings, absent, provenance, volume, raw, complete)


def events_of(answer: Answer, slices: int = 3) -> list[Event]:
    """What a session tells on the way to an answer."""
    start, _, rest = answer.text.partition(". ")
    words = [Text(word + " ") for word in f"{start}.".split()]
    looks = [
        SliceDone(
            k + 1, slices, k + 4, {f.phrase: f.mask[k + 4] for f in answer.findings}, 2.0 * (slices - k)
        )
        for k in range(slices)
    ]
    found = [FindingReady(finding) for finding in answer.findings]
    end = Finished(answer) if answer.complete else Cancelled(answer)
    told = [Text(rest)] if rest and answer.complete else []
    return [Planned(tuple(range(12)), Plane.AXIAL), *words, *looks, *(found if told else []), *told, end]


@dataclass
class Ticket:
    """A question in the hands of `ScriptedClient`; it is given events one poll at a time."""

    volume: Volume
    question: Question
    model: str
    earlier: tuple
    script: list[Event]
    ready: list[Event] = field(default_factory=list)
    waiting: int = 0

    @property
    def done(self) -> bool:
        return not self.script and not self.ready

    def take(self) -> list[Event]:
        ready, self.ready = self.ready, []
        return ready


class ScriptedClient:
    """Stands in for the worker: answers with the events that a function gives for a question."""

    def __init__(self, script: Callable[[Volume, Question], list[Event]], batch: int = 1) -> None:
        self.script, self.batch = script, batch
        self.state, self.hello, self.problem = WorkerState.OFF, None, ""
        self.asked: list[Ticket] = []
        self.closed = False

    def start(self, model: str | None = None) -> None:
        self.state = WorkerState.STARTING

    def ask(self, volume: Volume, question: Question, *, model: str, earlier) -> Ticket:
        self.asked.append(Ticket(volume, question, model, tuple(earlier), self.script(volume, question)))
        return self.asked[-1]

    def poll(self) -> None:
        if self.state is WorkerState.STARTING:
            self.state, self.hello = WorkerState.READY, HELLO
            return
        for ticket in self.asked:
            ticket.ready += ticket.script[: self.batch]
            del ticket.script[: self.batch]

    def cancel(self, ticket: Ticket) -> None:
        masks = {f.phrase: f.mask for event in ticket.script if isinstance(event, Finished)
                 for f in event.answer.findings}  # fmt: skip
        ticket.script = [Cancelled(answer_of(ticket.volume, masks, ticket.question, complete=False))]

    def log(self) -> str:
        return "loading weights\n"

    def restart(self) -> None:
        self.state, self.hello = WorkerState.STARTING, None

    def close(self) -> None:
        self.closed, self.state = True, WorkerState.OFF


@dataclass
class Shown:
    """A drawn answer: one segment name for each finding."""

    key: str
    update: bool
    names: list[str] = field(default_factory=list)
    finished: list = field(default_factory=list)


class MemoryScene:
    """Stands in for the gateway: a scene of dictionaries, with one-step undo."""

    def __init__(self, *volumes: Volume) -> None:
        self.volumes = {f"node{number}": volume for number, volume in enumerate(volumes)}
        self.segments: dict[str, dict[str, np.ndarray]] = {key: {} for key in self.volumes}
        self.hidden: set[str] = set()
        self.kept: dict[str, list[dict]] = {}
        self.undone: list[tuple[Shown, dict]] = []
        self.drawn_answers: list[Shown] = []
        self.jumps: list[str] = []
        self.previews: list[tuple[int, dict]] = []
        self.surfaces = False
        self.on_point = None
        self.slice = 6

    def scans(self):
        return [Scan(key, volume.name) for key, volume in self.volumes.items()]

    def volume(self, key):
        return self.volumes[key]

    def modality(self, key):
        return self.volumes[key].modality if key in self.volumes else Modality.UNKNOWN

    def slice_in_view(self, key, plane):
        return self.slice, {Plane.AXIAL: 12, Plane.CORONAL: 48, Plane.SAGITTAL: 40}[plane]

    def begin(self, key, question, update):
        return Shown(key, update)

    def add_finding(self, shown, finding):
        if shown.key not in self.volumes:
            raise MedSegRError("The scan was deleted, so its outlines cannot be drawn; load it again.")
        if not shown.names:
            self.drawn_answers.append(shown)
            self.undone.clear()
        taken, name = self.segments[shown.key], finding.name
        while not shown.update and name in taken:
            name += " 2"
        taken[name] = finding.mask
        shown.names.append(name)

    def finish(self, shown, answer):
        shown.finished.append(answer)

    def visibility(self, shown, index):
        if index >= len(shown.names) or shown.names[index] not in self.segments.get(shown.key, {}):
            return Visibility.GONE
        return Visibility.HIDDEN if shown.names[index] in self.hidden else Visibility.SHOWN

    def set_visible(self, shown, index, visible):
        (self.hidden.discard if visible else self.hidden.add)(shown.names[index])

    def jump_to(self, shown, index):
        self.jumps.append(shown.names[index])
        return True

    def delete(self, shown, index):
        del self.segments[shown.key][shown.names[index]]

    @property
    def can_undo(self):
        return bool(self.drawn_answers)

    @property
    def can_redo(self):
        return bool(self.undone)

    def undo(self):
        if not self.drawn_answers:
            return False
        shown = self.drawn_answers.pop()
        here = self.segments[shown.key]
        self.undone.append((shown, {name: here.pop(name) for name in shown.names if name in here}))
        return True

    def redo(self):
        if not self.undone:
            return False
        shown, masks = self.undone.pop()
        self.segments[shown.key].update(masks)
        self.drawn_answers.append(shown)
        return True

    def preview(self, shown, plane, slice_index, masks, colours):
        assert set(colours) == set(masks)
        self.previews.append((slice_index, dict(masks)))

    def clear_preview(self):
        self.previews.clear()

    def show_3d(self, key, shown):
        self.surfaces = shown

    def drawn(self, key):
        return list(self.segments[key])

    def drawn_as(self, key, name):
        found = [mask for drawn, mask in self.segments[key].items() if drawn == name]
        return [Drawn(name, mask.sum() * self.volumes[key].voxel_ml) for mask in found]

    def drawn_at(self, key, position_ras_mm):
        i, j, k = (round(part / step) for part, step in zip(position_ras_mm, (-1.5, -1.5, 4.0), strict=True))
        there = [name for name, mask in self.segments[key].items() if mask[k, j, i]]
        return [drawn for name in there for drawn in self.drawn_as(key, name)]

    def pick_point(self, on_point):
        self.on_point = on_point

    def cancel_pick(self):
        self.on_point = None

    def save_conversation(self, key, entries):
        self.kept[key] = list(entries)

    def load_conversation(self, key):
        return self.kept.get(key, [])

    def segment_ids(self, shown):
        return list(shown.names)

    def recall(self, key, segment_ids):
        return Shown(key, False, list(segment_ids))

    def masks(self, shown):
        return [self.segments[shown.key].get(name) for name in shown.names]


class MemorySettings:
    """Settings that last as long as the object."""

    def __init__(self, **kept: str) -> None:
        self.kept = kept

    def get(self, name, default=""):
        return self.kept.get(name, default)

    def set(self, name, value):
        self.kept[name] = value


class ShelfInstaller:
    """Installs by putting a part's name on a shelf."""

    def __init__(self, missing: tuple[str, ...] = (), restart_first: bool = False, broken: str = "") -> None:
        self.missing, self.restart_first, self.broken = list(missing), restart_first, broken
        self.installed: list[str] = []
        self.restarts = 0

    def check(self):
        good = [Part("transformers", Condition.GOOD, "5.2.0, fits")]
        return [*good, *(Part(name, Condition.MISSING, "not installed", True) for name in self.missing)]

    def install(self, name):
        if self.broken:
            raise MedSegRError(self.broken)
        if self.restart_first:
            return Installed.RESTART
        self.installed.append(name)
        self.missing.remove(name)
        return Installed.DONE

    def restart(self):
        self.restarts += 1


def finds_hippocampi(volume: Volume, question: Question) -> list[Event]:
    """Answers every question with both hippocampi; with "left" in it, with that one."""
    _, left, right = head()
    masks = {"left hippocampus": left, "right hippocampus": right}
    if "left" in question.text:
        masks = {"left hippocampus": left}
    if "liver" in question.text:
        masks = {}
    return events_of(answer_of(volume, masks, question))
