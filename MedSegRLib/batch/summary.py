"""Summary: what is kept of a running batch, and its table, page and list of failures on disk.

Of a study nothing is kept but its outcome: the table is built from the studies' own files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from MedSegRLib.batch.failures import Failure, without_paths, write_failures
from MedSegRLib.batch.found import LeftOut
from MedSegRLib.batch.identities import write_identities
from MedSegRLib.batch.overview import Overview
from MedSegRLib.batch.plan import Plan
from MedSegRLib.batch.progress import Progress
from MedSegRLib.batch.result import BatchResult
from MedSegRLib.batch.settings import Settings
from MedSegRLib.batch.table import Row, rows_of, write_table
from MedSegRLib.batch.transaction import Outcome
from MedSegRLib.imaging import atomic_path

__all__ = ["FAILURES", "PAGE", "STUDIES", "TABLE", "Summary"]

STUDIES, TABLE, PAGE, FAILURES = "studies", "findings.csv", "index.html", "failures.json"

# Seconds between two refreshes, and how often what one takes must have passed, so that it stays cheap.
_REFRESH_S, _REFRESH_TIMES = 60.0, 20.0


class Summary:
    """The outcomes of a batch so far.

    Parameters
    ----------
    output
        The folder of results.
    plan
        What is done.
    settings
        Of the batch.
    show
        Called whenever a study is done.
    """

    def __init__(
        self, output: Path, plan: Plan, settings: Settings, show: Callable[[Progress], None] | None
    ) -> None:
        self.studies = output / STUDIES
        self._output, self._plan, self._settings, self._show = output, plan, settings, show
        self._outcomes: dict[int, Outcome] = {}
        self._counts = {"answered": 0, "written": 0, "kept": 0, "failed": 0}
        self._begun = self._refreshed = time.monotonic()
        self._took_s = 0.0

    @property
    def progress(self) -> Progress:
        """How far it is."""
        counts = self._counts
        return Progress(
            len(self._plan.tasks),
            counts["answered"],
            counts["written"] + counts["kept"],
            counts["failed"],
            time.monotonic() - self._begun,
        )

    def note(self, number: int, outcome: Outcome) -> None:
        """Note what became of a study, given its place in the plan."""
        self._outcomes[number] = outcome
        self._counts[outcome.state] += 1
        if self._show is not None:
            self._show(self.progress)
        if time.monotonic() - self._refreshed > max(_REFRESH_S, _REFRESH_TIMES * self._took_s):
            self.write()

    def write(self) -> None:
        """Write table, page and list of failures anew, each whole or not at all.

        Raises
        ------
        OutputError
            If one cannot be written.
        """
        start = time.monotonic()
        overview, failures = Overview(), self._failures()
        left_out = () if self._settings.deidentify else self._left_out()
        write_table(overview.taking(self._rows()), self._output / TABLE)
        write_failures(failures, left_out, self._output / FAILURES)
        page = overview.html(self.studies, len(self._plan.tasks), failures, left_out)
        with atomic_path(self._output / PAGE) as partial:
            partial.write_text(page, encoding="utf-8")
        if self._settings.deidentify:
            write_identities(self._output, self._identities())
        self._refreshed = time.monotonic()
        self._took_s = self._refreshed - start

    def result(self, why_stopped: str) -> BatchResult:
        """How it ended."""
        return BatchResult(
            self._output, self.progress, tuple(self._failures()), self._left_out(), why_stopped
        )

    def _left_out(self) -> tuple[LeftOut, ...]:
        return tuple(
            replace(one, what=self._told(one.what), why=self._told(one.why))
            for one in self._plan.left_out
            if not one.is_broken
        )

    def _rows(self) -> Iterator[Row]:
        for _, outcome in sorted(self._outcomes.items()):
            if outcome.state != "failed":
                yield from rows_of(self.studies / outcome.folder)

    def _broken(self) -> list[LeftOut]:
        return [one for one in self._plan.left_out if one.is_broken]

    def _failures(self) -> list[Failure]:
        found = []
        for number, outcome in sorted(self._outcomes.items()):
            if outcome.state == "failed":
                found.append(self._failure(number, outcome))
        for number, one in enumerate(self._broken(), start=1):
            if self._settings.deidentify:
                name = f"unread {number}"
                called = _called(one.paths, one.description)
                found.append(Failure(name, without_paths(one.why, one.paths, name, called)))
            else:
                found.append(Failure(self._told(one.what), self._told(one.why)))
        return found

    def _failure(self, number: int, outcome: Outcome) -> Failure:
        study = self._plan.tasks[number].study
        if self._settings.deidentify:
            name = outcome.folder or f"study {number + 1}"
            called = _called(study.paths, study.description)
            return Failure(name, without_paths(outcome.why, study.paths, name, called))
        if self._settings.names:
            return Failure(f"{study.key} ({study.patient})" if study.patient else study.key, outcome.why)
        return Failure(study.key, self._told(without_paths(outcome.why, study.paths, study.key)))

    def _told(self, text: str) -> str:
        return self._plan.told(text, names=self._settings.names)

    def _identities(self) -> Iterator[tuple[str, str, str]]:
        """Pseudonym, key and path of each scan so far."""
        for number, outcome in sorted(self._outcomes.items()):
            study = self._plan.tasks[number].study
            yield outcome.folder or f"study {number + 1}", study.key, str(study.paths[0])
        for number, one in enumerate(self._broken(), start=1):
            yield f"unread {number}", "", str(one.paths[0]) if one.paths else one.what


def _called(paths: Sequence[Path], description: str) -> set[str]:
    """What readers call a scan: by its description, or by a folder that all of its files lie in."""
    return {description, *(part for path in paths[:1] for part in path.absolute().parts)}
