"""A language model of this computer as a writer; nothing leaves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .prompting import Message

if TYPE_CHECKING:
    from MedSegRLib.model.chat import ChatModel

__all__ = ["LocalWriter"]


class LocalWriter:
    """A `Writer` from the folder of a Hugging Face model that holds conversations.

    Parameters
    ----------
    folder
        Holds config.json, the weights and the tokenizer with its chat template.
    answer_tokens
        The longest answer.

    Raises
    ------
    CheckpointError
        If the folder holds no such model.
    """

    def __init__(self, folder: Path, answer_tokens: int = 2000) -> None:
        # Here, since it brings torch, which no other annotator needs.
        from MedSegRLib.model.chat import open_chat_model

        self._model: ChatModel = open_chat_model(folder)
        self._answer_tokens = answer_tokens

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._model.name

    def write(self, said: list[Message], seed: int) -> str:
        """Let the model answer; the same seed draws the same words."""
        return self._model.reply(said, most_tokens=self._answer_tokens, seed=seed)
