"""Spending: a bound on what an endpoint may cost, in requests and in tokens, kept over stops."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from MedSegRLib.errors import DatasetError, MedSegRError

from .journal import write_json

__all__ = ["Bounds", "Spending", "SpendingError"]


class SpendingError(MedSegRError):
    """The bound that the user set is reached; nothing more is sent."""


@dataclass(frozen=True)
class Bounds:
    """How many requests and tokens (of prompts and answers together) a build may spend at most."""

    requests: int
    tokens: int

    def __post_init__(self) -> None:
        if self.requests < 1 or self.tokens < 1:
            raise DatasetError("A bound on requests and tokens must be above 0; correct the recipe.")


class Spending:
    """Counts what was sent and refuses what would go over the bounds.

    Parameters
    ----------
    bounds
        The most that may be spent.
    path
        Where the count is kept, so that a build that is resumed does not begin to count anew; None for
        nowhere.
    """

    def __init__(self, bounds: Bounds, path: Path | None = None) -> None:
        self.bounds, self._path = bounds, path
        self.requests = self.tokens = 0
        if path is not None and path.exists():
            kept = _read(path)
            self.requests, self.tokens = kept.requests, kept.tokens

    def begin(self, likely_tokens: int) -> None:
        """Count a request before it is sent.

        Raises
        ------
        SpendingError
            If it would go over a bound.
        """
        if self.requests + 1 > self.bounds.requests or self.tokens + likely_tokens > self.bounds.tokens:
            raise SpendingError(
                f"The bound on spending is reached ({self.requests} of {self.bounds.requests} requests, "
                f"{self.tokens} of {self.bounds.tokens} tokens); raise it in the recipe and run again."
            )
        self.requests += 1
        self._keep()

    def end(self, tokens: int) -> None:
        """Count the tokens of a request, as the endpoint told them or as they were guessed."""
        self.tokens += max(tokens, 0)
        self._keep()

    def _keep(self) -> None:
        if self._path is not None:
            write_json(self._path, asdict(_Kept(self.requests, self.tokens)))


@dataclass(frozen=True)
class _Kept:
    requests: int
    tokens: int


def _read(path: Path) -> _Kept:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return _Kept(int(kept["requests"]), int(kept["tokens"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path} does not say what was spent; restore it, or begin in another folder."
        ) from error
