"""Conversation: the turns of a question and answer, and how a chat template writes them down.

Pictures always go before the first user text. What a person types never becomes a control token: a
question that holds "[SEG]" or "<|end|>" is written with a space inside, so that it stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Conversation", "Turn", "neutralise", "plain_template", "to_messages"]


@dataclass(frozen=True)
class Turn:
    """One turn; an assistant's text is markup such as ``<p>left hippocampus</p>[SEG]``."""

    role: Literal["user", "assistant"]
    text: str


Conversation = tuple[Turn, ...]


def neutralise(text: str, control_tokens: Iterable[str]) -> str:
    """Put a space into every control token of a text, so that the tokenizer reads it as plain text.

    Case is no protection, since a chat template may write a question in small letters.
    """
    for token in control_tokens:
        if len(token) > 1:
            text = re.sub(
                re.escape(token), lambda found: f"{found[0][0]} {found[0][1:]}", text, flags=re.IGNORECASE
            )
    return text


def to_messages(
    conversation: Sequence[Turn], pictures: int, control_tokens: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Turn a conversation into the messages that chat templates read.

    Parameters
    ----------
    conversation
        Turns, the first of them the user's.
    pictures
        Number of pictures, all put before the first user text.
    control_tokens
        Tokens that user text must not become.

    Raises
    ------
    ValueError
        If the conversation is empty or does not begin with the user.
    """
    if not conversation or conversation[0].role != "user":
        raise ValueError("A conversation begins with a turn of the user.")
    tokens = tuple(control_tokens)
    messages: list[dict[str, Any]] = []
    for number, turn in enumerate(conversation):
        text = neutralise(turn.text, tokens) if turn.role == "user" else turn.text
        content: list[dict[str, str]] = [{"type": "image"}] * pictures if number == 0 else []
        messages.append({"role": turn.role, "content": [*content, {"type": "text", "text": text}]})
    return messages


def plain_template(
    *, start: str, user: str, assistant: str, end: str, image: str, lower_questions: bool = False
) -> str:
    """Build a plain chat template: start, then role mark, pictures, text and end mark of each turn.

    With `lower_questions` what the user says is written in small letters after a space, so that its first
    word is the same token as anywhere else.
    """

    def quoted(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    text = (
        "(' ' ~ part['text'] | lower) if message['role'] == 'user' else part['text']"
        if lower_questions
        else "part['text']"
    )
    return (
        f"{{{{- {quoted(start)} -}}}}"
        "{%- for message in messages -%}"
        f"{{{{- {quoted(user)} if message['role'] == 'user' else {quoted(assistant)} -}}}}"
        "{%- for part in message['content'] -%}"
        f"{{{{- {quoted(image)} if part['type'] == 'image' else ({text}) -}}}}"
        "{%- endfor -%}"
        f"{{{{- {quoted(end)} -}}}}"
        "{%- endfor -%}"
        f"{{%- if add_generation_prompt -%}}{{{{- {quoted(assistant)} -}}}}{{%- endif -%}}"
    )
