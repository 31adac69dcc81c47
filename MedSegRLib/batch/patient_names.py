"""Patient names: kept out of what is told of a batch, where headers say what they are.

Archives often name folders after patients. A name that a header states is taken out of paths, descriptions
and the names of results; one that no header states cannot be known for a name, and `--deidentify` is for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["name_words", "without_names"]

# As short as "Li" is a name too; such a word counts only by itself, a longer one also within another.
_SHORTEST, _BY_ITSELF = 2, 4
# Codes of modalities, which some phantoms are called by.
_NO_NAMES = ("ct", "mr", "pt", "nm", "us", "ot")


def name_words(patient: str, texts: Iterable[str]) -> frozenset[str]:
    """The words of a patient's name that are told in texts, such as the paths of the patient's files.

    >>> sorted(name_words("Mustermann^Erika", ["/archive/ERIKA_MUSTERMANN/1.dcm"]))
    ['erika', 'mustermann']
    >>> sorted(name_words("Mustermann^Erika", ["/archive/0815/1.dcm"]))
    []
    """
    told = "\n".join(texts)
    words = {
        word for word in re.findall(rf"[^\W\d_]{{{_SHORTEST},}}", _plain(patient)) if word not in _NO_NAMES
    }
    return frozenset(word for word in words if re.search(_pattern([word]), _plain(told)))


def without_names(text: str, words: Iterable[str], instead: str = "[patient]") -> str:
    """A text without words of names; several that stand together become one `instead`.

    >>> without_names("/archive/Mustermann_Erika/1.dcm", {"erika", "mustermann"})
    '/archive/[patient]/1.dcm'
    """
    known = sorted(words, key=lambda word: (-len(word), word))
    if not known:
        return text
    one = _pattern(known)
    return re.sub(
        rf"{one}(?:[-_ .,^]*{one})*", lambda _: instead, unicodedata.normalize("NFC", text), flags=re.I
    )


def _pattern(words: Iterable[str]) -> str:
    bounded = (
        re.escape(word) if len(word) >= _BY_ITSELF else rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])"
        for word in words
    )
    return f"(?:{'|'.join(bounded)})"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()
