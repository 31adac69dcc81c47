"""Session: one conversation about one scan.

    session = Session(read_volume("scan.nii.gz"), open_model("mini"))
    answer = session.ask("Where is the left hippocampus?")
    other = session.ask("And the one on the other side?")

What was encoded for one question is remembered for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.answers import Answer, Event, Failed, Finished, Question
from MedSegRLib.errors import MedSegRError, MemoryFullError, QuestionError, UserInputError
from MedSegRLib.imaging import Plane, Volume, Window, window_for
from MedSegRLib.model import MedSegR, PrefixCache

from .answering import Answering, Bench
from .calibration import Calibration
from .ground import Grounder
from .laying_out import lay_out
from .memory import Memory, memory_key
from .plan import body_part_of, choose_plane, notes_about
from .room import is_memory_full
from .tell import corrected

__all__ = ["Session"]

# A question leans on the last few exchanges; the model would read all of a long day's anew for every answer.
_HEARD = 4


def _never() -> bool:
    return False


class Session:
    """A conversation about a scan.

    Parameters
    ----------
    volume
        The scan.
    model
        The model that is asked (`open_model`).
    plane
        Plane of the slices; None for the one that the model was trained on.
    window
        Grey values that the model sees; None for `window_for`.
    body_part
        What a CT shows, for its window; None for the model's own region if it knows CT and only that.
    cache_folder
        Where embeddings are kept from one process to the next; None for nowhere.
    calibration
        Thresholds; None for those that came with the model.
    table
        Names, codes and colours; None for the library's. Masks do not depend on it.
    temperature
        0 for the most likely words; above, words are drawn with the question's seed (in the mode "ground").
    memory_bytes
        How much is remembered in memory at most.

    Raises
    ------
    UserInputError
        If the model was not trained on the plane, or its calibration cannot be used.
    """

    def __init__(
        self,
        volume: Volume,
        model: MedSegR,
        *,
        plane: Plane | str | None = None,
        window: Window | None = None,
        body_part: str | None = None,
        cache_folder: Path | str | None = None,
        calibration: Calibration | None = None,
        table: AnatomyTable | None = None,
        temperature: float = 0.0,
        memory_bytes: int = 2 << 30,
    ) -> None:
        self.volume, self.model = volume, model
        self.plane = choose_plane(volume, model.config, _plane(plane))
        self.window = window or window_for(volume, body_part or body_part_of(volume, model.config))
        self._calibration = calibration or Calibration.of(model.calibration)
        self._cache_folder = None if cache_folder is None else Path(cache_folder)
        self._table, self._temperature, self._memory_bytes = table, temperature, memory_bytes
        self._bench: Bench | None = None
        self._answers: list[Answer] = []
        self._earlier: list[tuple[str, str]] = []
        self._prefix = PrefixCache()

    @property
    def history(self) -> tuple[Answer, ...]:
        """Answers so far, without those that were cancelled."""
        return tuple(self._answers)

    def forget(self) -> None:
        """Begin a new conversation; what is remembered of the scan stays."""
        self._answers, self._earlier = [], []
        self._prefix.clear()

    def take_over(self, earlier: Iterable[tuple[str, str, Collection[str]]]) -> None:
        """Go on with a conversation that was held elsewhere, in place of this one.

        Parameters
        ----------
        earlier
            Its exchanges, oldest first: `question.text`, `raw` and `absent` of each answer. They are
            remembered as if they had been asked here; `history` begins anew.
        """
        self._answers = []
        self._earlier = [(question, corrected(raw, absent)) for question, raw, absent in earlier]

    def ask(self, question: str | Question, **options: Any) -> Answer:
        """Answer a question.

        Parameters
        ----------
        question
            Free text, or a whole `Question`.
        **options
            plane, slices (first and last, both included, or one), mode ("ground" or "generate"), seed.

        Raises
        ------
        MedSegRError
            If it cannot be answered; the sentence says why.
        """
        for event in self.stream(question, **options):
            if isinstance(event, Finished):
                return event.answer
            if isinstance(event, Failed):
                raise event.error
        raise AssertionError("a stream of events ends with Finished, Cancelled or Failed")

    def ground(self, question: str | Question, raw: str) -> Answer:
        """Find what given words name, as if the model had answered so; nothing of it is remembered.

        Parameters
        ----------
        question
            As of `ask`.
        raw
            An answer with its tags, which names at least something.

        Raises
        ------
        UserInputError
            If the words are empty, or the model was not trained on the question's plane.
        """
        if not raw.strip():
            raise QuestionError("There are no words to find anything for; give an answer with its tags.")
        asked = _question(question, {})
        answering = Answering(self._laid_out(asked.plane), asked, (), PrefixCache(), _never, given=raw)
        (answer,) = (event.answer for event in answering.events() if isinstance(event, Finished))
        return answer

    def stream(
        self, question: str | Question, *, stop: Callable[[], bool] = _never, **options: Any
    ) -> Iterator[Event]:
        """Answer a question, telling what happens meanwhile; see `answering` for the order of events.

        Parameters
        ----------
        question, **options
            As of `ask`.
        stop
            Asked before every token and every slice; True ends the answer with `Cancelled`.
        """
        try:
            asked = _question(question, options)
            bench = self._laid_out(asked.plane)
            answering = Answering(
                bench, asked, tuple(self._earlier[-_HEARD:]), self._prefix, stop, self._temperature
            )
            for event in answering.events():
                if isinstance(event, Finished):
                    self._answers.append(event.answer)
                    self._earlier.append((asked.text, answering.remembered))
                yield event
        except MedSegRError as error:
            yield Failed(error)
        except (MemoryError, RuntimeError) as error:
            if not is_memory_full(error):
                raise
            yield Failed(MemoryFullError())

    def _laid_out(self, wanted: Plane | None) -> Bench:
        """The scan as the model sees it in a plane, laid out at the first question that wants it so.

        Only that of the last plane is kept, since memory is bounded for a session and not for each plane.
        """
        config = self.model.config
        plane = self.plane if wanted is None else choose_plane(self.volume, config, wanted)
        if self._bench is None or self._bench.stack.plane is not plane:
            laid_out = lay_out(self.volume, config, plane, self.window)
            folder = None
            if self._cache_folder is not None:
                folder = self._cache_folder / memory_key(self.volume, plane, self.window, self.model)
            self._bench = Bench(
                laid_out.stack,
                self.window,
                Grounder(self.model, laid_out.canvas, Memory(folder, self._memory_bytes)),
                tuple(laid_out.canvas.filled()),
                self._calibration,
                notes_about(self.volume, config, plane),
                self._table,
            )
        return self._bench


def _plane(value: Plane | str | None) -> Plane | None:
    try:
        return None if value is None else Plane(value)
    except ValueError as error:
        known = ", ".join(plane.value for plane in Plane)
        raise UserInputError(f"There is no plane '{value}'; choose one of {known}.") from error


def _question(question: str | Question, options: dict[str, Any]) -> Question:
    """Make a question of text and options."""
    values = dict(options)
    if "plane" in values:
        values["plane"] = _plane(values["plane"])
    if isinstance(values.get("slices"), int):
        values["slices"] = (values["slices"], values["slices"])
    return replace(question, **values) if isinstance(question, Question) else Question(question, **values)
