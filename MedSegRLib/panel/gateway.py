"""Gateway: what the panel asks of the world around it, and the small values that go to and fro.

The shell hands in one object for each protocol. Only the methods here are called, so a test or
another host can stand in for Slicer. Keys of scans and handles of drawn answers are the gateway's
own; the panel keeps them and looks into none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers import Answer, Event, Finding, Question
from MedSegRLib.imaging import Modality, Plane, Volume
from MedSegRLib.service import Earlier, Hello, WorkerState

__all__ = [
    "AskClient",
    "AskTicket",
    "Condition",
    "Drawn",
    "Installed",
    "Installer",
    "Part",
    "Scan",
    "SceneGateway",
    "Settings",
    "Visibility",
]

Position = tuple[float, float, float]


@dataclass(frozen=True)
class Scan:
    """A scan that can be chosen: the gateway's key and a name for people."""

    key: str
    name: str


@dataclass(frozen=True)
class Drawn:
    """Something that is drawn on a scan, by us or by others; millilitres where they are known."""

    name: str
    volume_ml: float | None = None


class Visibility(Enum):
    """Whether a finding can be seen; GONE once its segment or node was deleted."""

    SHOWN = "shown"
    HIDDEN = "hidden"
    GONE = "gone"


class SceneGateway(Protocol):
    """The scans, and what is drawn on them."""

    def scans(self) -> Sequence[Scan]:
        """The scans there are; asked for only where no selector was handed in to the view."""

    def volume(self, key: str) -> Volume:
        """The scan's voxels; the same object as long as they are the same.

        Raises
        ------
        MedSegRError
            If it is gone or cannot be asked about; the sentence says why.
        """

    def modality(self, key: str) -> Modality:
        """How the scan was made, without reading its voxels; UNKNOWN where nothing says or it is gone."""

    def slice_in_view(self, key: str, plane: Plane) -> tuple[int, int]:
        """The canonical slice that is looked at, and how many there are along the plane."""

    def begin(self, key: str, question: Question, update: bool) -> Any:
        """A handle for an answer that may be drawn; it stays with this scan, whatever takes its key.

        Parameters
        ----------
        key, question
            The scan, and what was asked.
        update
            True to redraw what was drawn before of the same structures, False to add to it.
        """

    def add_finding(self, shown: Any, finding: Finding) -> None:
        """Draw one finding; they are counted from 0 in this order."""

    def finish(self, shown: Any, answer: Answer | None) -> None:
        """All is drawn; None for an answer that failed on the way. From now on it can be undone."""

    def visibility(self, shown: Any, index: int) -> Visibility:
        """Whether a finding can be seen."""

    def set_visible(self, shown: Any, index: int, visible: bool) -> None:
        """Show or hide a finding."""

    def jump_to(self, shown: Any, index: int) -> bool:
        """Move the slice views to a finding; False where it is gone."""

    def delete(self, shown: Any, index: int) -> None:
        """Take a finding out of the scene."""

    def undo(self) -> bool:
        """Take back the last answer; False where there is none."""

    def redo(self) -> bool:
        """Draw again what was taken back last; False where there is none."""

    @property
    def can_undo(self) -> bool:
        """Whether there is an answer to take back."""

    @property
    def can_redo(self) -> bool:
        """Whether there is an answer to draw again."""

    def preview(
        self,
        shown: Any,
        plane: Plane,
        slice_index: int,
        masks: Mapping[str, npt.NDArray[np.bool_]],
        colours: Mapping[str, tuple[float, float, float]],
    ) -> None:
        """Outline on one slice what was seen on it; masks are bool [row, column]."""

    def clear_preview(self) -> None:
        """Remove the outlines of `preview`."""

    def show_3d(self, key: str, shown: bool) -> None:
        """Show or hide surfaces of what is drawn on a scan."""

    def drawn(self, key: str) -> Sequence[str]:
        """Names of everything that is drawn on a scan, in the scene's order."""

    def drawn_as(self, key: str, name: str) -> Sequence[Drawn]:
        """What is drawn on a scan under a name."""

    def drawn_at(self, key: str, position_ras_mm: Position) -> Sequence[Drawn]:
        """What is drawn at a point."""

    def pick_point(self, on_point: Callable[[Position], None]) -> None:
        """Call back once, with the point that the user clicks next in a slice view, in RAS millimetres."""

    def cancel_pick(self) -> None:
        """Wait for no click any more."""

    def save_conversation(self, key: str, entries: Sequence[dict[str, Any]]) -> None:
        """Keep a conversation with its scan."""

    def load_conversation(self, key: str) -> Sequence[dict[str, Any]]:
        """The entries kept with a scan; empty where there are none.

        Raises
        ------
        MedSegRError
            If what is kept is no conversation any more.
        """

    def segment_ids(self, shown: Any) -> Sequence[str]:
        """Ids of the drawn findings, in their order, for `recall` in another session."""

    def recall(self, key: str, segment_ids: Sequence[str]) -> Any:
        """The handle of an answer that came with the scene."""

    def masks(self, shown: Any) -> Sequence[npt.NDArray[np.bool_] | None]:
        """The masks as they are drawn now, bool [K, J, I], in the order of the findings; None for gone."""


class AskTicket(Protocol):
    """A question that was handed to the worker (`service.Ticket`)."""

    @property
    def done(self) -> bool:
        """Whether its last event has been taken or lies ready."""

    @property
    def waiting(self) -> int:
        """How many questions are before it."""

    def take(self) -> list[Event]:
        """Events since the last call."""


class AskClient(Protocol):
    """The worker (`service.Client`); nothing in it blocks."""

    @property
    def state(self) -> WorkerState:
        """What the worker is doing."""

    @property
    def hello(self) -> Hello | None:
        """What the worker said of itself; None until it has."""

    @property
    def problem(self) -> str:
        """Why the last worker was lost or could not start; empty if nothing is wrong."""

    def start(self, model: str | None = None) -> None:
        """Launch the worker unless there is one, and load a model beforehand."""

    def ask(self, volume: Volume, question: Question, *, model: str, earlier: Sequence[Earlier]) -> AskTicket:
        """Hand in a question; it waits for those before it."""

    def cancel(self, ticket: Any) -> None:
        """Stop answering it."""

    def poll(self) -> None:
        """Read what has come."""

    def log(self) -> str:
        """What the worker has printed."""

    def restart(self) -> None:
        """End the worker and launch another."""

    def close(self) -> None:
        """End the worker."""


class Settings(Protocol):
    """What is remembered from one day to the next; texts by name."""

    def get(self, name: str, default: str = "") -> str:
        """The text kept under a name."""

    def set(self, name: str, value: str) -> None:
        """Keep a text."""


class Condition(Enum):
    """How one thing stands that an answer needs."""

    GOOD = "good"
    WAITING = "waiting"
    MISSING = "missing"
    WRONG = "wrong"


@dataclass(frozen=True)
class Part:
    """A package, extension or other thing that an answer needs.

    Attributes
    ----------
    name
        Its name, by which it is installed.
    condition
        How it stands.
    words
        The same in words, such as "2.8, fits" or "not installed, about 2 GB".
    installable
        Whether `Installer.install` can mend it.
    """

    name: str
    condition: Condition
    words: str
    installable: bool = False


class Installed(Enum):
    """How an installation ended."""

    DONE = "done"
    RESTART = "restart"  # it goes on after a restart of the application


class Installer(Protocol):
    """Looks for what an answer needs, and installs it; never by itself."""

    def check(self) -> Sequence[Part]:
        """How every part stands; quick, and without importing any of them."""

    def install(self, name: str) -> Installed:
        """Install a part; waits for it.

        Raises
        ------
        MedSegRError
            If it cannot be installed; the sentence says why and what to do.
        """

    def restart(self) -> None:
        """Restart the application."""
