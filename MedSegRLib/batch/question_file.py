"""Question file: what a batch asks, as TOML; Examples/batch/questions.toml shows all that can be said.

Whatever makes no sense is told with its line and column, before any study is opened.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from MedSegRLib.batch.names import is_safe_name
from MedSegRLib.batch.questions import BatchQuestion, QuestionFile, SeriesRules
from MedSegRLib.batch.regions import regions_of
from MedSegRLib.batch.toml_place import error_place, place_of
from MedSegRLib.errors import BatchError, QuestionError
from MedSegRLib.imaging import Plane

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["MODALITIES", "read_questions"]

# DICOM's codes of what has pictures in it.
MODALITIES = ("CT", "MR", "PT", "NM", "US", "XA", "RF", "CR", "DX", "MG", "OT")
_SERIES_KEYS = ("modality", "include", "exclude", "fewest_slices", "most_slices")
_QUESTION_KEYS = ("id", "text", "after", "modality", "body_part", "slices", "plane")

Keys = tuple[str | int, ...]


def read_questions(path: Path) -> QuestionFile:
    """Read a question file.

    Raises
    ------
    BatchError
        If it cannot be read or says something that makes no sense; the sentence names line and column.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BatchError(
            f"The question file {path} cannot be opened ({error.strerror}); check the path."
        ) from error
    try:
        # Editors on Windows write a mark at the beginning, which the reader of TOML does not take.
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace").split("\n")
        raise BatchError(
            f"{path}, line {len(before)}, column {len(before[-1]) + 1}: this is not UTF-8; save it as UTF-8."
        ) from error
    return _Reading(path, text).file()


class _Reading:
    """One file being read; every complaint knows where it belongs."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text

    def file(self) -> QuestionFile:
        try:
            values = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            line, column, what = error_place(self._text, error)
            raise BatchError(
                f"{self._path}, line {line}, column {column}: this is not TOML ({what}); correct it."
            ) from error
        self._refuse_unknown(values, ("series", "questions"), ())
        listed = values.get("questions", [])
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise self._wrong(("questions",), "write each question under a line [[questions]] of its own")
        if not listed:
            raise BatchError(f"{self._path} asks nothing; write at least one [[questions]] with id and text.")
        series = values.get("series", {})
        if not isinstance(series, dict):
            raise self._wrong(("series",), "write the rules under one line [series]")
        questions = [self._question(one, ("questions", n)) for n, one in enumerate(listed)]
        self._refuse_same_ids(questions)
        return QuestionFile(self._ordered(questions), self._series(series))

    def _series(self, table: dict[str, Any]) -> SeriesRules:
        self._refuse_unknown(table, _SERIES_KEYS, ("series",))
        fewest = self._count(table, "fewest_slices")
        most = self._count(table, "most_slices")
        if fewest is not None and most is not None and most < fewest:
            raise self._wrong(("series", "most_slices"), f"it is below fewest_slices, which is {fewest}")
        return SeriesRules(
            self._modalities(table, ("series",)),
            self._pattern(table, "include"),
            self._pattern(table, "exclude"),
            1 if fewest is None else fewest,
            most,
        )

    def _question(self, table: dict[str, Any], at: Keys) -> BatchQuestion:
        self._refuse_unknown(table, _QUESTION_KEYS, at)
        missing = [key for key in ("id", "text") if key not in table]
        if missing:
            raise self._wrong(at, f"this question has no {missing[0]}; give it one", value=False)
        name = self._string(table, "id", at)
        if not is_safe_name(name):
            raise self._wrong(
                (*at, "id"),
                f"'{name}' cannot be the name of a file; use letters, digits, hyphens and underscores",
            )
        question = BatchQuestion(
            name,
            self._string(table, "text", at).strip(),
            self._string(table, "after", at) if "after" in table else None,
            self._modalities(table, at),
            self._body_parts(table, at),
            self._slices(table, at),
            self._plane(table, at),
        )
        try:
            question.question()
        except QuestionError as error:
            key = "slices" if question.slices is not None and "Slices" in str(error) else "text"
            raise self._wrong((*at, key), str(error)) from error
        return question

    def _refuse_same_ids(self, questions: Sequence[BatchQuestion]) -> None:
        seen: dict[str, str] = {}
        for n, question in enumerate(questions):
            earlier = seen.setdefault(question.id.casefold(), question.id)
            if n >= len(seen):
                # Capitals do not part the names of files everywhere.
                raise self._wrong(
                    ("questions", n, "id"), f"the id '{earlier}' is taken by a question above; choose another"
                )

    def _ordered(self, questions: Sequence[BatchQuestion]) -> tuple[BatchQuestion, ...]:
        """Put every follow-up behind what it follows, and refuse those that follow nothing."""
        ids = [question.id for question in questions]
        following: dict[str | None, list[BatchQuestion]] = {}
        for n, question in enumerate(questions):
            if question.after is not None and question.after not in ids:
                nearest = _nearest(question.after, ids)
                raise self._wrong(
                    ("questions", n, "after"),
                    f"there is no question '{question.after}'{nearest or '; correct it'}",
                )
            following.setdefault(question.after, []).append(question)
        ordered: list[BatchQuestion] = []
        waiting = following.get(None, [])[::-1]
        while waiting:
            question = waiting.pop()
            ordered.append(question)
            waiting += following.get(question.id, [])[::-1]
        reached = {question.id for question in ordered}
        for n, question in enumerate(questions):
            if question.id not in reached:
                raise self._wrong(
                    ("questions", n, "after"),
                    f"'{question.id}' and '{question.after}' wait for each other; leave after out of one",
                )
        return tuple(ordered)

    def _modalities(self, table: dict[str, Any], at: Keys) -> tuple[str, ...]:
        names = tuple(name.strip().upper() for name in self._strings(table, "modality", at))
        for name in names:
            if name not in MODALITIES:
                advice = _nearest(name, MODALITIES) or f"; write one of {', '.join(MODALITIES)}"
                raise self._wrong((*at, "modality"), f"there is no modality '{name}'{advice}")
        return names

    def _body_parts(self, table: dict[str, Any], at: Keys) -> tuple[str, ...]:
        names = self._strings(table, "body_part", at)
        for name in names:
            if not regions_of(name):
                raise self._wrong(
                    (*at, "body_part"),
                    f"the body part '{name}' is not known; write a region such as head, neck, chest, "
                    "abdomen, pelvis or spine, or an organ",
                )
        return names

    def _slices(self, table: dict[str, Any], at: Keys) -> tuple[int, int] | None:
        if "slices" not in table:
            return None
        value = table["slices"]
        if not isinstance(value, list) or [type(one) for one in value] != [int, int]:
            raise self._wrong((*at, "slices"), "write the first and the last slice, such as [20, 60]")
        return value[0], value[1]

    def _plane(self, table: dict[str, Any], at: Keys) -> Plane | None:
        if "plane" not in table:
            return None
        name, known = self._string(table, "plane", at), [plane.value for plane in Plane]
        if name not in known:
            advice = _nearest(name, known) or f"; write one of {', '.join(known)}"
            raise self._wrong((*at, "plane"), f"there is no plane '{name}'{advice}")
        return Plane(name)

    def _pattern(self, table: dict[str, Any], key: str) -> str | None:
        if key not in table:
            return None
        pattern = self._string(table, key, ("series",))
        try:
            re.compile(pattern)
        except re.error as error:
            raise self._wrong(("series", key), f"'{pattern}' is no regular expression ({error})") from error
        return pattern

    def _count(self, table: dict[str, Any], key: str) -> int | None:
        value = table.get(key)
        if value is not None and (type(value) is not int or value < 1):
            raise self._wrong(("series", key), "write a whole number above 0")
        return value

    def _string(self, table: dict[str, Any], key: str, at: Keys) -> str:
        if not isinstance(table[key], str):
            raise self._wrong((*at, key), "write a text in quotation marks")
        return str(table[key])

    def _strings(self, table: dict[str, Any], key: str, at: Keys) -> tuple[str, ...]:
        value = table.get(key, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise self._wrong((*at, key), 'write a text, or several such as ["MR", "CT"]')
        return tuple(values)

    def _refuse_unknown(self, table: dict[str, Any], known: Sequence[str], at: Keys) -> None:
        for key in table:
            if key not in known:
                advice = _nearest(key, known) or f"; known are {', '.join(known)}"
                raise self._wrong((*at, key), f"the key '{key}' is unknown{advice}", value=False)

    def _wrong(self, keys: Keys, what: str, *, value: bool = True) -> BatchError:
        line, column = place_of(self._text, keys, value=value)
        said = what if what.endswith((".", "?")) else f"{what}."
        subject = f"{keys[-1]}: " if value and isinstance(keys[-1], str) else ""
        return BatchError(f"{self._path}, line {line}, column {column}: {subject}{said}")


def _nearest(name: str, known: Sequence[str]) -> str:
    """Advice that names the most alike; "" where nothing is."""
    alike = {one.casefold(): one for one in known}
    found = get_close_matches(name.casefold(), alike, n=1)
    return f"; did you mean '{alike[found[0]]}'?" if found else ""
