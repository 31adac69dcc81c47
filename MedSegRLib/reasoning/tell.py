"""Tell: what the words become once the masks are known; numbers come from the masks alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from MedSegRLib.answers import Mention, parse

__all__ = [
    "SILENCE", "UNNAMED", "absent_sentence", "corrected", "offer_sentence", "phrases_of", "revised",
]  # fmt: skip

UNNAMED = "unnamed finding"
SILENCE = "I have no answer to that; ask where a structure is, or how large it is."

_FOUND = re.compile(r"(?:<p>((?:(?!</?p>|\[SEG\]|\[REJ\]).)*)</p>)?\s*\[SEG\]", re.DOTALL)


def phrases_of(raw: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Phrases of the findings, one for each `[SEG]` in order, and those refused, once each."""
    mentions = [piece for piece in parse(raw) if isinstance(piece, Mention)]
    found = tuple(mention.phrase or UNNAMED for mention in mentions if mention.found)
    refused = [mention.phrase for mention in mentions if not mention.found and mention.phrase]
    return found, tuple(dict.fromkeys(phrase for phrase in refused if phrase not in found))


def absent_sentence(phrases: Sequence[str], *, part: bool) -> str:
    """Say that things are not there.

    Parameters
    ----------
    phrases
        Of what was looked for.
    part
        Whether only a part of the scan was looked at.

    Examples
    --------
    >>> absent_sentence(["left hippocampus", "the heart"], part=False)
    'I do not see the left hippocampus or the heart on this scan.'
    """
    named = [f"the {re.sub('^[Tt]he ', '', phrase)}" if phrase != UNNAMED else "it" for phrase in phrases]
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"
    return f"I do not see {listed} on {'the slices that were asked about' if part else 'this scan'}."


def offer_sentence(names: Sequence[str]) -> str:
    """Say what can be asked; "" of no names.

    Examples
    --------
    >>> offer_sentence(["thalamus", "caudate", "putamen", "brainstem"])
    'You can ask me about 4 structures, such as the thalamus, putamen and brainstem.'
    """
    if not names:
        return ""
    some = list(dict.fromkeys((names[0], names[len(names) // 2], names[-1])))
    listed = some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"
    count = "one structure, the" if len(names) == 1 else f"{len(names)} structures, such as the"
    return f"You can ask me about {count} {listed}."


def revised(text: str, empty: Sequence[str], anything_found: bool, *, part: bool) -> str:
    """Correct a text that names what no mask was found for."""
    sentence = absent_sentence(empty, part=part)
    return f"{text} But on looking closely: {sentence}" if anything_found else sentence


def corrected(raw: str, empty: Collection[str]) -> str:
    """The raw text as the conversation remembers it: what came out empty is refused."""
    return _FOUND.sub(
        lambda found: (
            found[0][: -len("[SEG]")] + "[REJ]"
            if (" ".join((found[1] or "").split()) or UNNAMED) in empty
            else found[0]
        ),
        raw,
    )
