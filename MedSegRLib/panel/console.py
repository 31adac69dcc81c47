"""Console: questions about volume nodes without the panel, from Slicer's Python console or a script.

Answers go into the scene as the panel's do, and into the same conversation: a question may go on with what
was asked before, here or in the panel.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from MedSegRLib.answers import Answer, Cancelled, Event, Failed, FindingReady, Finished, Question
from MedSegRLib.errors import MedSegRError
from MedSegRLib.imaging import Plane
from MedSegRLib.scene import AnswerScene, ConversationStore, VolumeCache, entry_of
from MedSegRLib.scene.packages import environment_outside
from MedSegRLib.service import Client, Earlier, default_command

__all__ = ["Asked", "Console"]

_PAUSE_S = 0.02


class Asked:
    """A question on its way; `poll` it until it is done.

    Attributes
    ----------
    answer
        The answer once there is one, whole or stopped.
    error
        Why there is none.
    """

    def __init__(
        self,
        console: Console,
        client: Client,
        volume_node: Any,
        question: Question,
        model: str,
        update: bool,
        on_event: Callable[[Event], None],
    ) -> None:
        self._console, self._client, self._on_event = console, client, on_event
        volume, entries = console.volumes.of(volume_node), console.store.load(volume_node)
        self._shown = console.answers.begin(volume_node, question, update=update)
        earlier = [_earlier(entry["answer"]) for entry in entries if entry.get("answer", {}).get("complete")]
        self._ticket = client.ask(volume, question, model=model, earlier=earlier)
        self._coming: deque[Event] = deque()
        self.answer: Answer | None = None
        self.error: MedSegRError | None = None

    @property
    def done(self) -> bool:
        """Whether its last event was handed on."""
        return self.answer is not None or self.error is not None

    def poll(self) -> None:
        """Take what has come: findings go into the scene, every event to `on_event`."""
        self._client.poll()
        # One by one: what `on_event` raises goes on to the caller, and the next call with the next event.
        self._coming.extend(self._ticket.take())
        while self._coming and not self.done:
            event = self._coming.popleft()
            try:
                self._take(event)
            except MedSegRError as error:
                event = Failed(error)
                self._fail(event)
            self._on_event(event)

    def cancel(self) -> None:
        """Stop at the next token or slice; what is done is kept."""
        self._client.cancel(self._ticket)

    def _take(self, event: Event) -> None:
        if isinstance(event, FindingReady):
            self._console.answers.add_finding(self._shown, event.finding)
        elif isinstance(event, Finished | Cancelled):
            self._keep(event.answer)
        elif isinstance(event, Failed):
            self._fail(event)

    def _fail(self, event: Failed) -> None:
        self.error = event.error
        self.cancel()
        self._console.answers.finish(self._shown, None)

    def _keep(self, answer: Answer) -> None:
        self._console.answers.finish(self._shown, answer)
        volume_node, store = self._shown.volume_node, self._console.store
        if volume_node is not None:
            # Read again: the panel may have added to it meanwhile.
            store.save(volume_node, [*store.load(volume_node), entry_of(answer, self._shown)])
        self.answer = answer
        if volume_node is not None:
            self._console.on_kept(volume_node.GetID())


class Console:
    """Asks workers about volume nodes; each interpreter has one, which the panel uses too.

    Parameters
    ----------
    answers
        Writes into the scene.
    python
        Gives the path of the interpreter that is chosen now; empty for the application's own.

    Attributes
    ----------
    volumes
        Takes scans out of the scene; the panel's too, so that a scan is copied once.
    clients
        Those that were made, by interpreter; "" is the application's own.
    on_kept
        Called with a volume node's ID when an answer was added to its conversation.
    """

    def __init__(self, answers: AnswerScene, python: Callable[[], str] = lambda: "") -> None:
        self.answers, self.store = answers, ConversationStore(answers.scene)
        self.volumes = VolumeCache()
        self.on_kept: Callable[[str], None] = lambda key: None
        self._python = python
        self.clients: dict[str, Client] = {}
        self._running: list[Asked] = []

    def client(self, python: str = "") -> Client:
        """The client of an interpreter's worker; the worker is started by the first question.

        Raises
        ------
        UserInputError
            If there is no such interpreter.
        """
        if python not in self.clients:
            chosen = (
                Client(default_command(python), environment=environment_outside()) if python else Client()
            )
            self.clients[python] = chosen
        return self.clients[python]

    def begin(
        self,
        volume_node: Any,
        text: str,
        on_event: Callable[[Event], None] = lambda event: None,
        *,
        model: str = "mini",
        update: bool = False,
        plane: Plane | str | None = None,
        slices: tuple[int, int] | int | None = None,
        seed: int = 0,
    ) -> Asked:
        """Ask without waiting.

        Parameters
        ----------
        volume_node
            A vtkMRMLScalarVolumeNode.
        text
            The question in free text.
        on_event
            Called with each event as it comes.
        model
            Name of a model, or its folder.
        update
            Whether a finding takes the place of an earlier one of the same structure; else it is added.
        plane
            "axial", "coronal" or "sagittal"; None for the one that the model was trained on.
        slices
            Canonical slices, the first and the last or a single one; None for the whole volume.
        seed
            The same seed gives the same answer.

        Raises
        ------
        MedSegRError
            If nothing is asked, or the volume cannot be asked about.
        """
        along = None if plane is None else Plane(plane)
        part = (slices, slices) if isinstance(slices, int) else slices
        question, client = Question(text, along, part, seed=seed), self.client(self._python())
        asked = Asked(self, client, volume_node, question, model, update, on_event)
        self._running.append(asked)
        return asked

    def poll(self) -> bool:
        """Go on with what was begun; False when nothing is left."""
        for asked in self._running:
            asked.poll()
        self._running = [asked for asked in self._running if not asked.done]
        return bool(self._running)

    def ask(self, volume_node: Any, text: str, **options: Any) -> Answer:
        """Ask and wait; options as of `begin`.

        Raises
        ------
        MedSegRError
            If it cannot be answered.
        """
        asked = self.begin(volume_node, text, **options)
        try:
            while not asked.done:
                self.poll()
                time.sleep(_PAUSE_S)
        finally:
            asked.cancel()
        if asked.answer is None:
            assert asked.error is not None
            raise asked.error
        return asked.answer

    def close(self) -> None:
        """End the workers."""
        for client in self.clients.values():
            client.close()


def _earlier(told: dict[str, Any]) -> Earlier:
    return Earlier(told["question"]["text"], told["raw"], tuple(told["absent"]))
