"""Conversation: the exchanges about one scan, as they are shown, kept in the scene and told to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from MedSegRLib.answers import Answer
from MedSegRLib.answers.measure import format_ml
from MedSegRLib.errors import MedSegRError
from MedSegRLib.panel.gateway import SceneGateway, Visibility
from MedSegRLib.panel.kept import KeptAnswer
from MedSegRLib.panel.shown import ExchangeShown, Row, Stage
from MedSegRLib.service import Earlier

__all__ = ["Conversation", "Exchange", "row_of"]


@dataclass
class Exchange:
    """A question and what has come of it.

    Attributes
    ----------
    question, text, rows, stage, notes
        As of `ExchangeShown`.
    handle
        The gateway's, once a model is asked; None where nothing is drawn.
    entry
        What is kept with the scene; None for what is not worth it, such as a failure.
    answer
        The whole answer; None for one that came with the scene, and where no model was asked.
    """

    question: str
    text: str = ""
    rows: list[Row] = field(default_factory=list)
    stage: Stage = Stage.RUNNING
    notes: tuple[str, ...] = ()
    handle: Any = None
    entry: dict[str, Any] | None = None
    answer: KeptAnswer | None = None

    def shown(self, number: int) -> ExchangeShown:
        """The exchange as the view shows it."""
        return ExchangeShown(number, self.question, self.text, tuple(self.rows), self.stage, self.notes)

    @property
    def was_answered(self) -> bool:
        """Whether a model gave a whole answer."""
        return self.stage is Stage.FINISHED and self.told is not None

    @property
    def told(self) -> dict[str, Any] | None:
        """What `Answer.to_dict` gave; None where no model was asked or it has not answered."""
        return None if self.entry is None else self.entry.get("answer")

    def keep(self, answer: Answer, gateway: SceneGateway) -> None:
        """Take over an answer, and what is to be kept of it and of the notes."""
        segments = [] if self.handle is None else list(gateway.segment_ids(self.handle))
        self.answer, self.text = KeptAnswer(answer), answer.text
        self.entry = {"answer": self.answer.told, "segments": segments, "notes": list(self.notes)}

    def look(self, gateway: SceneGateway) -> bool:
        """Read from the scene which findings can be seen; whether that changed anything."""
        seen = [replace(row, visibility=self._visibility(i, gateway)) for i, row in enumerate(self.rows)]
        changed, self.rows = seen != self.rows, seen
        return changed

    def _visibility(self, index: int, gateway: SceneGateway) -> Visibility:
        return Visibility.GONE if self.handle is None else gateway.visibility(self.handle, index)


@dataclass
class Conversation:
    """The exchanges about one scan, first to last."""

    key: str
    exchanges: list[Exchange] = field(default_factory=list)

    @classmethod
    def of(cls, key: str, gateway: SceneGateway) -> Conversation:
        """The conversation that is kept with a scan.

        Raises
        ------
        MedSegRError
            If what is kept is no conversation any more.
        """
        try:
            return cls(key, [_exchange_of(entry, key, gateway) for entry in gateway.load_conversation(key)])
        except (KeyError, TypeError, ValueError) as error:
            raise MedSegRError(
                "The conversation that came with this scan cannot be read; the segments are not touched, "
                "and the next answer takes its place."
            ) from error

    def entries(self) -> list[dict[str, Any]]:
        """What JSON can hold of it."""
        return [exchange.entry for exchange in self.exchanges if exchange.entry is not None]

    def earlier(self) -> tuple[Earlier, ...]:
        """What the model is told of it: whole answers only."""
        return tuple(
            Earlier(told["question"]["text"], told["raw"], tuple(told["absent"]))
            for told in (exchange.told for exchange in self.exchanges if exchange.was_answered)
            if told is not None
        )

    def explained(self, question: str, text: str, notes: Sequence[str]) -> Exchange:
        """Add an exchange for which no model was asked."""
        entry = {"explained": {"question": question, "text": text, "notes": list(notes)}}
        exchange = Exchange(question, text, stage=Stage.FINISHED, notes=tuple(notes), entry=entry)
        self.exchanges.append(exchange)
        return exchange

    def last_found(self) -> tuple[Row, ...]:
        """The findings of the last exchange, if it is answered and they are still there."""
        last = self.exchanges[-1] if self.exchanges else None
        if last is None or not last.was_answered:
            return ()
        return tuple(row for row in last.rows if row.visibility is not Visibility.GONE)


def row_of(finding: Mapping[str, Any]) -> Row:
    """A row of what `Finding.to_dict` gave."""
    size = finding["measurements"]
    amount = f"{size['voxels']} px" if size["volume_ml"] is None else format_ml(size["volume_ml"])
    red, green, blue = finding["colour"]
    return Row(finding["name"], finding["phrase"], amount, finding["confidence"], (red, green, blue))


def _exchange_of(entry: Mapping[str, Any], key: str, gateway: SceneGateway) -> Exchange:
    if "explained" in entry:
        said = entry["explained"]
        notes = tuple(said["notes"])
        return Exchange(said["question"], said["text"], stage=Stage.FINISHED, notes=notes, entry=dict(entry))
    told, segments = entry["answer"], entry["segments"]
    exchange = Exchange(
        told["question"]["text"],
        told["text"],
        [row_of(finding) for finding in told["findings"]],
        Stage.FINISHED if told["complete"] else Stage.STOPPED,
        # The console keeps answers too, which have no notes of the panel's.
        tuple(entry.get("notes", told["provenance"]["notes"])),
        handle=gateway.recall(key, segments) if segments else None,
        entry=dict(entry),
    )
    exchange.look(gateway)
    return exchange
