"""The annotator that lets a language model write: facts in, one JSON object out, read strictly.

Where the model runs is not its business: at an endpoint (`endpoint`) or here (`local`).
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Protocol

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.resources import resource_path

from ..conversation import Exchange, QuestionType, Target
from ..extra import extra
from .annotator import UnusableConversation
from .facts import Facts
from .prompting import Message, messages, reply_schema

__all__ = ["LanguageAnnotator", "Writer", "read_reply"]

# How often a reply that cannot be read is answered with what is wrong with it.
_AGAIN = 2


class Writer(Protocol):
    """A language model that answers messages."""

    @property
    def name(self) -> str:
        """What provenance calls it."""

    def write(self, said: list[Message], seed: int) -> str:
        """Answer messages with a text.

        Raises
        ------
        MedSegRError
            If it cannot.
        """


class LanguageAnnotator:
    """Writes conversations with a language model; see `Annotator`.

    Parameters
    ----------
    writer
        The model.
    table
        The anatomy table.
    """

    def __init__(self, writer: Writer, table: AnatomyTable) -> None:
        self.writer, self.table = writer, table

    @property
    def name(self) -> str:
        """What provenance calls it."""
        return self.writer.name

    def converse(self, facts: Facts, turns: int, rng: random.Random) -> tuple[Exchange, ...]:
        """Write a conversation; a reply that is no conversation is sent back with what is wrong with it."""
        said = messages(facts, turns, self.table, rng)
        problem = ""
        for _ in range(1 + _AGAIN):
            reply = self.writer.write(said, rng.randrange(2**31))
            try:
                return read_reply(reply, turns)
            except UnusableConversation as error:
                problem = str(error)
                again = Path(resource_path("Prompts", "annotate", "again.txt")).read_text(encoding="utf-8")
                said = [
                    *said[:2],
                    {"role": "assistant", "content": reply[:4000] or "-"},
                    {"role": "user", "content": again.format(problem=problem)},
                ]
        raise UnusableConversation(problem)


def read_reply(reply: str, turns: int) -> tuple[Exchange, ...]:
    """Read a conversation from a language model's reply, which may stand between other words.

    Raises
    ------
    UnusableConversation
        If there is no JSON object in it, or one that does not obey the schema; the sentence says where.
    """
    start, end = reply.find("{"), reply.rfind("}")
    if start < 0 or end < start:
        raise UnusableConversation("The reply holds no JSON object.")
    try:
        data = json.loads(reply[start : end + 1])
    except (json.JSONDecodeError, RecursionError) as error:
        raise UnusableConversation(f"The reply is not JSON ({str(error)[:80]}).") from error
    schemas = extra("jsonschema", "Reading what a language model writes")
    wrong = schemas.Draft202012Validator(reply_schema()).iter_errors(data)
    first = min(wrong, key=lambda one: list(map(str, one.absolute_path)), default=None)
    if first is not None:
        place = "/".join(str(step) for step in first.absolute_path) or "the object"
        raise UnusableConversation(f"The reply does not follow the schema at {place}: {first.message[:120]}.")
    if len(data["exchanges"]) != turns:
        raise UnusableConversation(f"The reply has {len(data['exchanges'])} exchanges instead of {turns}.")
    return tuple(
        Exchange(
            entry["question"].strip(),
            entry["answer"].strip(),
            QuestionType(entry["question_type"]),
            tuple(
                Target(t["phrase"], t["structure"], Side(t["side"]), t["present"]) for t in entry["targets"]
            ),
        )
        for entry in data["exchanges"]
    )
