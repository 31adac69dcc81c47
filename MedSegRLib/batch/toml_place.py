"""Where a value stands in a TOML file: the reader gives values without their lines.

The reader itself is the judge of what is a key and what is text: a key stands on the line with which the
beginning of the file has it, and without which it has not.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["error_place", "place_of"]

_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")


def place_of(text: str, keys: Sequence[str | int], *, value: bool = False) -> tuple[int, int]:
    """Find the line and column of a key, both counted from 1.

    Parameters
    ----------
    text
        A whole file without an error.
    keys
        The way to it, such as "questions", 2, "after"; it must be there.
    value
        For the column of what the key is set to.

    Examples
    --------
    >>> place_of('a = 1\\n[[b]]\\n[[b]]\\nc = "a"\\n', ("b", 1, "c"), value=True)
    (4, 5)
    """
    lines = text.split("\n")

    def is_there(count: int) -> bool:
        # What ends within a value of several lines cannot be read, so the next beginning that can decides.
        readable = (_parsed(lines[:end]) for end in range(count, len(lines) + 1))
        return _has(next((values for values in readable if values is not None), None), keys)

    number = bisect_left(range(1, len(lines)), True, key=is_there)
    line = lines[number]
    name = re.escape(str(keys[-1]))
    found = re.search(rf"""(["']?)\b{name}\1(?:\s*=\s*)""", line) if isinstance(keys[-1], str) else None
    if found is None:
        return number + 1, len(line) - len(line.lstrip()) + 1
    return number + 1, (found.end() if value else found.start()) + 1


def error_place(text: str, error: tomllib.TOMLDecodeError) -> tuple[int, int, str]:
    """Line and column of what the reader could not read, and what it said of it."""
    said = str(error)
    at = _AT.search(said)
    what = _AT.sub("", said)
    if at is None or at.group(1) is None:
        lines = text.split("\n")
        return len(lines), len(lines[-1]) + 1, what
    return int(at.group(1)), int(at.group(2)), what


def _parsed(lines: list[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return None


def _has(values: Any, keys: Sequence[str | int]) -> bool:
    for key in keys:
        if isinstance(key, int):
            if not isinstance(values, list) or key >= len(values):
                return False
        elif not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True
