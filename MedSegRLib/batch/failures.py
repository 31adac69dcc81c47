"""Failures: studies that were not answered and what was left out, each with its sentence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from MedSegRLib.batch.found import LeftOut
from MedSegRLib.batch.study import Study
from MedSegRLib.imaging import atomic_path

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


def without_paths(sentence: str, study: Study, name: str) -> str:
    """A sentence about a study with its name in place of its paths, since patients have folders too."""
    places = {str(path) for path in study.paths} | {str(path.parent) for path in study.paths}
    for place in sorted(places, key=len, reverse=True):
        if len(place) > 1:
            sentence = sentence.replace(place, name)
    for file in {path.name for path in study.paths}:
        sentence = sentence.replace(f"{name}/{file}", name).replace(file, name)
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
