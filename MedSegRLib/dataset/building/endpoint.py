"""Endpoint: a language model behind an OpenAI-compatible address that the user named.

Facts leave the computer (never a voxel, never a name of a patient), and only to that address.
"""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from MedSegRLib.errors import DatasetError, MedSegRError

from .prompting import Message, reply_schema
from .spending import Spending

__all__ = ["Endpoint", "EndpointError", "EndpointSettings"]

# Statuses that pass by themselves.
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
# Letters to a token, about, where the endpoint does not tell.
_LETTERS_PER_TOKEN = 4
# More than any conversation; a reply that never ends is cut here.
_MOST_BYTES = 4 << 20


class EndpointError(MedSegRError):
    """The endpoint fails, never answers, or answers something that is no answer."""


@dataclass(frozen=True)
class EndpointSettings:
    """How an endpoint is spoken to.

    Attributes
    ----------
    url
        Up to and without "/chat/completions", such as "http://127.0.0.1:8000/v1".
    model
        The name that the endpoint knows the model by.
    key
        Sent as a bearer token; None for none.
    timeout_s
        How long it may be silent.
    tries, pause_s
        How often a request is sent at most, and the pause after the first failure, doubled each time.
    answer_tokens
        The longest answer.
    temperature
        0 for the most likely words.
    """

    url: str
    model: str
    key: str | None = None
    timeout_s: float = 120.0
    tries: int = 5
    pause_s: float = 1.0
    answer_tokens: int = 2000
    temperature: float = 0.8

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DatasetError(f"'{self.url}' is no address of an endpoint; write http://... or https://...")
        if self.timeout_s <= 0 or self.tries < 1 or self.answer_tokens < 1:
            raise DatasetError("timeout_s, tries and answer_tokens of the endpoint must be above 0.")


class Endpoint:
    """A `Writer` at an address.

    Parameters
    ----------
    settings
        Where and how.
    spending
        What is left.
    sleep
        How pauses are made.
    """

    def __init__(
        self, settings: EndpointSettings, spending: Spending, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.settings, self.spending, self._sleep = settings, spending, sleep

    @property
    def name(self) -> str:
        """The model's name; the address is nobody's business."""
        return self.settings.model

    def write(self, said: list[Message], seed: int) -> str:
        """Ask the endpoint, again and again after pauses where it fails in passing."""
        settings = self.settings
        asked = {
            "model": settings.model,
            "messages": said,
            "temperature": settings.temperature,
            "max_tokens": settings.answer_tokens,
            "seed": seed,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "conversation", "schema": reply_schema()},
            },
        }
        body = json.dumps(asked, ensure_ascii=False).encode()
        reason = ""
        for attempt in range(settings.tries):
            if attempt:
                # Not all at the same moment, should others have failed too.
                self._sleep(settings.pause_s * 2 ** (attempt - 1) * random.uniform(0.8, 1.2))
            self.spending.begin(len(body) // _LETTERS_PER_TOKEN + settings.answer_tokens)
            try:
                text, tokens = _text_of(self._send(body))
            except _PassingError as error:
                # What a failed request cost nobody tells; its prompt is counted.
                self.spending.end(len(body) // _LETTERS_PER_TOKEN)
                reason = str(error)
                continue
            self.spending.end(tokens or (len(body) + len(text)) // _LETTERS_PER_TOKEN)
            return text
        raise EndpointError(
            f"The endpoint {settings.url} {reason} ({settings.tries} tries); check it and run the same "
            "command again, the build goes on where it stopped."
        )

    def _send(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.settings.key:
            headers["Authorization"] = f"Bearer {self.settings.key}"
        url = self.settings.url.rstrip("/") + "/chat/completions"
        request = urllib.request.Request(url, body, headers, method="POST")
        try:
            with _OPENER.open(request, timeout=self.settings.timeout_s) as reply:
                return _within(reply, time.monotonic() + self.settings.timeout_s)
        except urllib.error.HTTPError as error:
            told = error.read(300).decode("utf-8", "replace").strip()
            if error.code in _PASSING:
                raise _PassingError(f"fails with status {error.code}") from error
            raise EndpointError(
                f"The endpoint {self.settings.url} refuses with status {error.code} ({told}); check the "
                "address, the model's name and the key."
            ) from error
        except TimeoutError as error:
            raise _PassingError(f"does not answer within {self.settings.timeout_s:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            if isinstance(cause, TimeoutError):
                raise _PassingError(f"does not answer within {self.settings.timeout_s:g} s") from error
            raise _PassingError(f"cannot be reached ({cause})") from error


class _PassingError(Exception):
    """A failure that the next try may not meet; the text goes on from "The endpoint ..."."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Facts go to the address that was named and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _within(reply: http.client.HTTPResponse, until: float) -> bytes:
    """Read a reply that may come in drops, but not for ever."""
    pieces: list[bytes] = []
    size = 0
    while True:
        piece = reply.read1(65536)
        size += len(piece)
        if time.monotonic() > until:
            raise TimeoutError
        if not piece or size > _MOST_BYTES:
            return b"".join(pieces)
        pieces.append(piece)


def _text_of(reply: bytes) -> tuple[str, int]:
    """The text of a reply, and its tokens; 0 where they are not told."""
    try:
        data = json.loads(reply)
        text = data["choices"][0]["message"]["content"]
        told = (data.get("usage") or {}).get("total_tokens", 0)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise _PassingError("answers something that is no chat completion") from error
    if not isinstance(text, str):
        raise _PassingError("answers something that is no chat completion")
    return text, told if isinstance(told, int) and not isinstance(told, bool) else 0
