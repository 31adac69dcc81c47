"""Failures: studies that were not answered and what was left out, each with its sentence."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from MedSegRLib.batch.found import LeftOut
from MedSegRLib.imaging import atomic_path
from MedSegRLib.imaging.itk import printable

__all__ = ["Failure", "without_paths", "write_failures"]


@dataclass(frozen=True)
class Failure:
    """A study that was not answered, or a scan that could not even become one.

    Attributes
    ----------
    study
        Its key, or the path of what is no study; neither where the batch keeps names out.
    why
        One sentence.
    """

    study: str
    why: str


def without_paths(sentence: str, paths: Iterable[Path], name: str, called: Iterable[str] = ()) -> str:
    """A sentence about a scan with a name in place of its paths, since patients have folders too.

    Parameters
    ----------
    sentence
        What is to be told.
    paths
        Of the scan's files.
    name
        What the scan is called instead.
    called
        What a reader may call it at the beginning of a sentence, such as its description.
    """
    files, sentence = tuple(paths), printable(sentence)
    written = {place for path in files for place in (path, path.parent)}
    spelt = {str(change(place)) for place in written for change in (str, os.path.abspath, os.path.realpath)}
    places = spelt | {printable(place) for place in spelt}
    for place in sorted(places, key=len, reverse=True):
        # A folder of one word, seen from here, is told only where something of it follows.
        if os.sep in place.rstrip(os.sep):
            sentence = sentence.replace(place, name)
        else:
            sentence = re.sub(rf"(?<![\w.]){re.escape(place)}(?=[/\\]\w)", lambda _: name, sentence)
    for file in sorted({printable(path.name) for path in files}, key=len, reverse=True):
        # By itself: a file may be called "a".
        if len(file) > 1 and not file.isdigit():
            pattern = rf"(?<!\w)(?:{re.escape(name)}[/\\])?{re.escape(file)}(?!\w)"
            sentence = re.sub(pattern, lambda found: "one of its files" if found.start() else name, sentence)
    for word in sorted(filter(None, called), key=len, reverse=True):
        if re.match(rf"{re.escape(word)}(?!\w)", sentence):
            return name + sentence[len(word) :]
    return sentence


def write_failures(failures: Sequence[Failure], left_out: Sequence[LeftOut], path: Path) -> None:
    """Write both lists as JSON, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    lists = {
        "failures": [asdict(one) for one in failures],
        "left_out": [{"what": one.what, "why": one.why} for one in left_out],
    }
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(lists, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
