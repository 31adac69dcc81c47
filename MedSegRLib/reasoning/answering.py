"""Answering: one question on its way from the plan to the told answer, as a stream of events.

Order: Planned; Text while the model writes; SliceDone for each slice; FindingReady for each finding;
Revised if the masks contradict the words; Text for each measured sentence; Finished. A stop is looked for
before every token and every slice, and ends the stream with Cancelled and what is done so far. In the
mode "generate" the words come after the slices, since they are written there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import numpy.typing as npt

from MedSegRLib import __version__
from MedSegRLib.anatomy import AnatomyTable, load_table
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
    Revised,
    SliceDone,
    Text,
    sentences,
    visible_text,
)
from MedSegRLib.imaging import SliceStack, Window
from MedSegRLib.model import PrefixCache

from .assemble import assemble
from .calibration import Calibration
from .evidence import Evidence, Look
from .generate import generate_on, told
from .ground import Grounder
from .plan import make_plan
from .room import in_halves
from .talk import Talk, conversation
from .tell import SILENCE, corrected, offer_sentence, phrases_of, revised

__all__ = ["Answering", "Bench"]

_SliceLooks = Sequence[tuple[str, Look]]


@dataclass(frozen=True)
class Bench:
    """A scan laid out for a model: what all questions about it share."""

    stack: SliceStack
    window: Window
    grounder: Grounder
    filled: tuple[int, ...]
    calibration: Calibration
    notes: tuple[str, ...] = ()
    table: AnatomyTable | None = None


@dataclass
class Answering:
    """One question; `events` is run through once.

    Attributes
    ----------
    bench
        The scan and the model.
    question
        What is asked.
    earlier
        Exchanges so far, (question, raw answer).
    prefix
        What earlier answers left in the language model's cache.
    stop
        Asked before every token and every slice; True ends the answer.
    temperature
        0 for the most likely words, else they are drawn with the question's seed.
    given
        A raw answer that takes the place of the model's own words, for the mode "ground"; empty for none.
    remembered
        After the end, the raw answer as the conversation should remember it.
    """

    bench: Bench
    question: Question
    earlier: Sequence[tuple[str, str]]
    prefix: PrefixCache
    stop: Callable[[], bool]
    temperature: float = 0.0
    given: str = ""
    remembered: str = ""
    _raw: str = ""
    _text: str = ""
    _stopped: bool = False
    _evidence: Evidence = field(default_factory=Evidence)
    _done: list[int] = field(default_factory=list)
    _seconds: dict[str, float] = field(default_factory=dict)

    def events(self) -> Iterator[Event]:
        """Answer the question."""
        bench, config = self.bench, self.bench.grounder.model.config
        plan = make_plan(self.question, bench.filled, bench.stack.count, config.key_slices)
        yield Planned(plan.slices, bench.stack.plane)
        if self.question.mode == "ground":
            if self.given:
                self._raw, self._text = self.given, visible_text(self.given)
            else:
                yield from self._talk(plan.key_slices, config.max_answer_tokens)
            if not self._stopped:
                yield from self._ground(plan.slices)
            looked_at = tuple(self._done) or plan.key_slices
        else:
            yield from self._generate(plan.slices)
            looked_at = tuple(self._done)
        yield from self._tell(looked_at)

    def _talk(self, key_slices: Sequence[int], max_new_tokens: int) -> Iterator[Event]:
        start = perf_counter()
        if self._must_stop():
            return
        grounder = self.bench.grounder
        talk = Talk(
            grounder.model.understanding,
            self.earlier,
            self.question.text,
            grounder.pictures(key_slices),
            max_new_tokens=max_new_tokens,
            prefix=self.prefix,
            temperature=self.temperature,
            seed=self.question.seed,
        )
        for delta in talk.deltas():
            self._raw = talk.raw
            if delta:
                self._text += delta
                yield Text(delta)
            if self._must_stop():
                break
        self._seconds["talk"] = perf_counter() - start

    def _ground(self, slices: Sequence[int]) -> Iterator[Event]:
        phrases, _ = phrases_of(self._raw)
        if not phrases:
            return
        # Earlier turns are in the words of the answer already; read on every slice they would only cost.
        spoken = conversation((), self.question.text, self._raw)
        grounder = self.bench.grounder

        def look(batch: list[int]) -> list[_SliceLooks]:
            found = grounder.ground(batch, spoken)
            return [tuple(zip(phrases, looks, strict=False)) for looks in found]

        yield from self._slice_by_slice(slices, len(phrases), look)

    def _generate(self, slices: Sequence[int]) -> Iterator[Event]:
        spoken = conversation(self.earlier, self.question.text)
        raws: dict[int, str] = {}

        def look(batch: list[int]) -> list[_SliceLooks]:
            written = generate_on(self.bench.grounder, batch, spoken, self._must_stop)
            raws.update({index: one.raw for index, one in zip(batch, written, strict=True)})
            return [one.looks for one in written]

        yield from self._slice_by_slice(slices, 1, look)
        self._raw = told([raws[index] for index in self._done])
        self._text = visible_text(self._raw)
        if self._text:
            yield Text(self._text)

    def _slice_by_slice(
        self, slices: Sequence[int], findings: int, look: Callable[[list[int]], list[_SliceLooks]]
    ) -> Iterator[Event]:
        start, seen = perf_counter(), 0
        for batch in self.bench.grounder.batches(slices, findings):
            if self._must_stop():
                break
            found = in_halves(look, batch)
            if self._stopped:
                break  # Stopped on the way, so what was found is half a look.
            seen += len(batch)
            left = (perf_counter() - start) / seen * (len(slices) - seen)
            for index, looks in zip(batch, found, strict=True):
                if self._must_stop():
                    break
                for phrase, one in looks:
                    self._evidence.add(phrase, index, one)
                self._done.append(index)
                yield SliceDone(len(self._done), len(slices), index, self._seen_on(index), left)
        self._seconds["ground"] = perf_counter() - start

    def _seen_on(self, index: int) -> dict[str, npt.NDArray[np.bool_]]:
        calibration = self.bench.calibration
        masks: dict[str, npt.NDArray[np.bool_]] = {}
        for phrase, look in self._evidence.on(index).items():
            if look.presence >= calibration.presence_low:
                logits = self.bench.grounder.restore(look.logits[None])[0]
                mask = (logits > calibration.mask_threshold_logit).cpu().numpy()
                if mask.any():
                    masks[phrase] = mask
        return masks

    def _tell(self, looked_at: tuple[int, ...]) -> Iterator[Event]:
        start, bench, volume = perf_counter(), self.bench, self.bench.stack.volume
        found = [
            Finding.of(one.phrase, one.mask, volume, bench.stack.plane, one.confidence, bench.table)
            for one in assemble(self._evidence, bench.stack, bench.grounder.restore, bench.calibration)
        ]
        self._seconds["assemble"] = perf_counter() - start
        sought, refused = phrases_of(self._raw)
        if self._stopped:
            yield Cancelled(self._answer(found, refused, looked_at))
            return
        for finding in found:
            yield FindingReady(finding)
        named = {finding.phrase for finding in found}
        empty = [phrase for phrase in dict.fromkeys(sought) if phrase not in named]
        notes: tuple[str, ...] = ()
        if empty:
            part = self.question.slices is not None
            self._text = revised(self._text, empty, bool(found), part=part)
            notes = ("The text was corrected, since no mask was found for a part of it.",)
            yield Revised(self._text)
        elif not self._text.strip():
            self._text = SILENCE
            yield Revised(self._text)
        absent = tuple(phrase for phrase in dict.fromkeys((*refused, *empty)) if phrase not in named)
        more = sentences(found, volume) if found or absent else (offer_sentence(self._offered()),)
        for sentence in filter(None, more):
            delta = f" {sentence}" if self._text else sentence
            self._text += delta
            yield Text(delta)
        self.remembered = corrected(self._raw, empty)
        yield Finished(self._answer(found, absent, looked_at, notes))

    def _offered(self) -> list[str]:
        """Names of what the model was taught, as far as the table knows them."""
        table = load_table() if self.bench.table is None else self.bench.table
        return [table[name].name for name in self.bench.grounder.model.config.offered if name in table]

    def _answer(
        self,
        findings: Sequence[Finding],
        absent: tuple[str, ...],
        looked_at: tuple[int, ...],
        notes: tuple[str, ...] = (),
    ) -> Answer:
        config = self.bench.grounder.model.config
        provenance = Provenance(
            config.name,
            config.version,
            self.bench.window,
            self.bench.stack.plane,
            looked_at,
            self.question.mode,
            self.question.seed,
            __version__,
            self._seconds,
            (*self.bench.notes, *notes),
        )
        return Answer(
            self.question,
            self._text,
            tuple(findings),
            absent,
            provenance,
            self.bench.stack.volume,
            self._raw,
            complete=not self._stopped,
        )

    def _must_stop(self) -> bool:
        self._stopped = self._stopped or self.stop()
        return self._stopped
