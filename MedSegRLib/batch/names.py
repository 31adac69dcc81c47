"""Names: of studies and questions, which become names of folders and files on any system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

__all__ = ["is_safe_name", "unique_keys"]

_LONGEST = 80
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789")}
_HASH_DIGITS = 8


def is_safe_name(name: str) -> bool:
    """Whether a name can be that of a file on any system: letters, digits, hyphens, underscores and dots."""
    return (
        len(name) <= _LONGEST
        and re.fullmatch(r"[^\W_][\w.-]*", name) is not None
        and not name.endswith(".")
        and unicodedata.normalize("NFC", name) == name
        and name.partition(".")[0].casefold() not in _RESERVED
    )


def unique_keys(names: Sequence[str], places: Sequence[str]) -> list[str]:
    """Keys of studies: safe, and no two alike even where capitals do not count.

    Parameters
    ----------
    names
        How each is called: its path with slashes.
    places
        What tells studies of one name apart, such as their absolute paths.

    Returns
    -------
    In the order given, on which they do not depend. A name that changes on the way, or that two have, ends in
    a hash.

    Examples
    --------
    >>> unique_keys(["sub-01/t1", "sub-02/t1"], ["/a", "/b"])
    ['sub-01_t1', 'sub-02_t1']
    >>> unique_keys(["t1", "T1"], ["/a/t1.nii", "/b/T1.nii"])
    ['t1_570dbdd6', 'T1_62d81ff7']
    """
    keys = [_safe(name) for name in names]
    count = Counter(key.casefold() for key in keys)
    return [
        f"{key}_{_hash(place)}" if count[key.casefold()] > 1 else key
        for key, place in zip(keys, places, strict=True)
    ]


def _safe(name: str) -> str:
    key = unicodedata.normalize("NFC", name).replace("/", "_")
    if is_safe_name(key):
        return key
    words = re.sub(r"[^\w.-]+", "-", key).strip("._-")[: _LONGEST - 3 * (_HASH_DIGITS + 1)]
    safe = f"{words}_{_hash(name)}"
    return safe if is_safe_name(safe) else f"study-{safe}"


def _hash(text: str) -> str:
    # Names of files need not be valid text.
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_HASH_DIGITS]
