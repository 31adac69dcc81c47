"""Rendering: a conversation as the text that the language model reads, and where the assistant speaks.

The processor's own chat template is used; a processor without one gets a plain template.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .conversation import Turn, plain_template, to_messages

__all__ = ["Rendered", "Renderer"]


@dataclass(frozen=True)
class Rendered:
    """A written-down conversation.

    `text` holds one placeholder a picture. `spans` are the (start, end) characters that the assistant
    wrote, end-of-turn mark included, one span an assistant turn.
    """

    text: str
    spans: tuple[tuple[int, int], ...]


class Renderer:
    """Writes conversations down with a processor's chat template."""

    def __init__(self, processor: Any, control_tokens: Sequence[str]) -> None:
        self._processor, self._control_tokens = processor, tuple(control_tokens)
        tokenizer = processor.tokenizer
        self._template: str | None = None
        if not (getattr(processor, "chat_template", None) or getattr(tokenizer, "chat_template", None)):
            self._template = plain_template(
                start=tokenizer.bos_token or "",
                user="USER: ",
                assistant="ASSISTANT: ",
                end=tokenizer.eos_token or "\n",
                image=getattr(processor, "boi_token", None) or processor.image_token,
            )

    def render(self, conversation: Sequence[Turn], pictures: int, *, answer_open: bool) -> Rendered:
        """Write a conversation down.

        Parameters
        ----------
        conversation
            Turns, the first of them the user's.
        pictures
            Number of pictures before the first user text.
        answer_open
            True if the assistant is to speak next, or to go on with the last turn if that is its own;
            the text then ends where the model continues.

        Raises
        ------
        ValueError
            If the template writes a turn differently once another follows, so that the assistant's
            words cannot be found again.
        """
        messages = to_messages(conversation, pictures, self._control_tokens)
        going_on = answer_open and conversation[-1].role == "assistant"
        if going_on:
            whole = self._apply(messages[:-1], prompt=True) + conversation[-1].text
        else:
            whole = self._apply(messages, prompt=answer_open)
        spans = []
        for number, turn in enumerate(conversation):
            if turn.role != "assistant":
                continue
            start = len(self._prefix(messages[:number], whole, prompt=True))
            last_open = going_on and number == len(conversation) - 1
            end = len(whole) if last_open else len(self._prefix(messages[: number + 1], whole, prompt=False))
            spans.append((start, end))
        return Rendered(whole, tuple(spans))

    def _prefix(self, messages: list[dict[str, Any]], whole: str, *, prompt: bool) -> str:
        text = self._apply(messages, prompt=prompt)
        if not whole.startswith(text):
            raise ValueError("The chat template rewrites earlier turns; give the processor another template.")
        return text

    def _apply(self, messages: list[dict[str, Any]], *, prompt: bool) -> str:
        text = self._processor.apply_chat_template(
            messages, chat_template=self._template, add_generation_prompt=prompt, tokenize=False
        )
        return str(text)
