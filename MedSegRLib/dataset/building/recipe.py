"""Recipe: a build in one TOML file: which scans, how many conversations, whose words, which checks."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane

from .endpoint import EndpointSettings
from .round_trip import RoundTripSettings
from .spending import Bounds
from .units import Share

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["BuildRecipe", "read_recipe"]

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class BuildRecipe:
    """A recipe, read.

    Attributes
    ----------
    seed, turns, tries
        See `Builder`.
    shares
        What becomes of the scans of each origin.
    round_trip
        None where no model reads the questions.
    digest
        SHA-256 of the file, which tells builds apart.
    """

    seed: int
    turns: tuple[int, int]
    tries: int
    shares: tuple[Share, ...]
    round_trip: RoundTripSettings | None
    digest: str
    _endpoint: dict[str, Any] | None = None

    def endpoint(self, url: str) -> tuple[EndpointSettings, Bounds]:
        """How the endpoint at an address is spoken to, and what it may cost.

        Raises
        ------
        DatasetError
            If the recipe says neither, or the key's variable is not set.
        """
        said = dict(self._endpoint or {})
        missing = [key for key in ("model", "requests", "tokens") if key not in said]
        if missing:
            raise DatasetError(
                f"The recipe's [endpoint] lacks {', '.join(missing)}: name the model, and how many requests "
                "and tokens it may cost at most."
            )
        variable = said.pop("key_variable", None)
        if variable is not None and not os.environ.get(variable):
            raise DatasetError(f"The variable {variable} holds no key for the endpoint; set it.")
        bounds = _made(Bounds, {key: said.pop(key) for key in ("requests", "tokens")}, "[endpoint]")
        key = os.environ[variable] if variable else None
        return _made(EndpointSettings, {"url": url, "key": key, **said}, "[endpoint]"), bounds


def read_recipe(path: Path) -> BuildRecipe:
    """Read a recipe.

    Raises
    ------
    DatasetError
        If it cannot be read, or has a key that is unknown, missing or of the wrong kind.
    """
    try:
        text = path.read_bytes()
        values = tomllib.loads(text.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DatasetError(f"The recipe {path} cannot be read ({error}); correct it.") from error
    known = {"seed", "turns", "tries", "scans", "endpoint", "round_trip"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise DatasetError(f"The recipe {path} has the unknown key '{unknown[0]}'; remove it.")
    for key, kind in (("scans", list), ("endpoint", dict), ("round_trip", dict), ("turns", list)):
        if not isinstance(values.get(key, kind()), kind):
            raise DatasetError(f"'{key}' of {path} is not of the kind it must be; see the shipped recipe.")
    shares = [_share(entry) for entry in values.get("scans", [])]
    if not shares:
        raise DatasetError(f"The recipe {path} names no scans; write at least one [[scans]].")
    turns = values.get("turns", [2, 4])
    if len(turns) != 2 or not all(isinstance(n, int) for n in turns) or not 1 <= turns[0] <= turns[1]:
        raise DatasetError(f"turns of {path} is {turns}; write the fewest and the most, such as [2, 4].")
    tries, seed = values.get("tries", 3), values.get("seed", 0)
    if not isinstance(tries, int) or not isinstance(seed, int) or tries < 1:
        raise DatasetError(f"seed and tries of {path} must be whole numbers, tries above 0.")
    trip = values.get("round_trip")
    return BuildRecipe(
        seed=seed,
        turns=(turns[0], turns[1]),
        tries=tries,
        shares=tuple(shares),
        round_trip=None if trip is None else _made(RoundTripSettings, trip, "[round_trip]"),
        digest=hashlib.sha256(text).hexdigest(),
        _endpoint=values.get("endpoint"),
    )


def _share(entry: dict[str, Any]) -> Share:
    try:
        said = dict(entry)
        said["planes"] = tuple(Plane(name) for name in said.get("planes", ()))
        said["leave_out"] = tuple(said.get("leave_out", ()))
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"[[scans]] has a value of the wrong kind ({error}); planes are axial, coronal or sagittal, and "
            "both planes and leave_out are lists."
        ) from error
    return _made(Share, said, "[[scans]]")


def _made(kind: type[ValueT], said: dict[str, Any], place: str) -> ValueT:
    """A dataclass from a table of the recipe."""
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]
    unknown = [key for key in said if key not in names]
    if unknown:
        raise DatasetError(f"{place} has the unknown key '{unknown[0]}'; use {', '.join(names)}.")
    try:
        return kind(**said)
    except TypeError as error:
        raise DatasetError(f"{place} lacks a key or has one of the wrong kind ({error}).") from error
