"""Builder: from sources to a data set, item by item, going on where it was stopped."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from MedSegRLib import __version__
from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.errors import DatasetError, ImageReadError, UnsupportedVolumeError
from MedSegRLib.imaging import Plane

from ..conversation import Exchange
from ..format import Item, ItemExchange, ItemProvenance, ItemTarget, MaskReference, item_to_dict
from ..relative import relative
from ..source import Source
from ..split import keep_in_one
from .annotator import Annotator, UnusableConversation
from .checks import Check, Checker, Failure
from .examining import Examined, examine
from .journal import DONE, ITEMS, REJECTED, ROUND_TRIPS, Journal
from .rendering import render_file
from .report import summary
from .round_trip import RoundTrip
from .units import Share, Unit, share_of, source_key, units_of

__all__ = ["Builder", "Progress"]


@dataclass(frozen=True)
class Progress:
    """How far a build is: scans (each along one plane) done of all, items and written conversations."""

    scans: int
    of_scans: int
    items: int
    written: int


class Builder:
    """Writes items about sources into a folder.

    Parameters
    ----------
    folder
        The build's folder, as `Journal` keeps it.
    build
        What makes a build this one; see `Journal`.
    annotator, checker
        Who writes, and who looks at it.
    table
        The anatomy table.
    seed, turns, tries
        The same seed draws the same; fewest and most exchanges; how often a conversation that failed a
        check is written anew before its slice is left out.
    round_trip
        Who reads the questions alone; None for nobody.
    tell, show
        Called with sentences about what was left out, and with how far it is.
    """

    def __init__(
        self,
        folder: Path,
        build: dict[str, Any],
        annotator: Annotator,
        checker: Checker,
        table: AnatomyTable,
        *,
        seed: int,
        turns: tuple[int, int] = (2, 4),
        tries: int = 3,
        round_trip: RoundTrip | None = None,
        tell: Callable[[str], None] = lambda sentence: None,
        show: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self.folder, self.annotator, self.checker, self.table = folder, annotator, checker, table
        self._build, self._seed, self._turns, self._tries = build, seed, turns, tries
        self._round_trip, self._tell, self._show = round_trip, tell, show

    def run(self, sources: Iterable[Source], shares: Sequence[Share]) -> dict[str, Any]:
        """Write what is not written yet.

        Returns
        -------
        The manifest.

        Raises
        ------
        MedSegRError
            If the annotator or the disk fails; the same call goes on from there.
        """
        chosen = [(source, share) for source in sources if (share := share_of(source, shares)) is not None]
        splits: dict[str, str] = {}
        for source, _ in chosen:
            keep_in_one(splits, source.patient, source.split or "train", f"study {source.study}")
        # In the recipe's order, so that what stands first in it is there first.
        chosen.sort(key=lambda one: shares.index(one[1]))
        work = [
            (source, share, plane) for source, share in chosen for plane in (share.planes or (source.plane,))
        ]
        if not work:
            raise DatasetError("No scan belongs to a share of the recipe; compare their origins.")
        keys = [source_key(source, plane) for source, _, plane in work]
        twice = next((key for n, key in enumerate(keys) if key in keys[:n]), None)
        if twice is not None:
            raise DatasetError(f"Two scans have the name {twice}; give each study of a patient its own name.")
        with Journal(self.folder, self._build) as journal:
            self._resume(journal)
            for key, (source, share, plane) in zip(keys, work, strict=True):
                if key not in self._done:
                    begun = time.monotonic()
                    problem = self._scan(source, share, plane, journal, len(work))
                    journal.flush()
                    line: dict[str, Any] = {"scan": key, "seconds": round(time.monotonic() - begun, 3)}
                    line |= {"problem": problem} if problem else {}
                    journal.append(DONE, line)
                    self._done.add(key)
                    self._progress(len(work))
            lines = (journal.lines(name) for name in (ITEMS, REJECTED, DONE, ROUND_TRIPS))
            counted = summary(*lines)
            manifest = {**self._build, "software_version": __version__, **counted}
            journal.finish(manifest)
        return manifest

    def _resume(self, journal: Journal) -> None:
        """Take in what a build that was stopped has written."""
        self._items: set[str] = set()
        for item in journal.lines(ITEMS):
            self._items.add(item["id"])
            self.checker.remember(exchange["question"] for exchange in item["exchanges"])
        self._attempts: dict[str, int] = {}
        for line in journal.lines(REJECTED):
            self._attempts[line["id"]] = line["attempt"] + 1
        self._done = {line["scan"] for line in journal.lines(DONE)}

    def _progress(self, of_scans: int) -> None:
        written = len(self._items) + sum(self._attempts.values())
        self._show(Progress(len(self._done), of_scans, len(self._items), written))

    def _scan(
        self, source: Source, share: Share, plane: Plane, journal: Journal, of_scans: int
    ) -> str | None:
        """Write about one scan; a sentence about what is wrong where it cannot be written about."""
        try:
            image = self._image(source)
            examined = examine(source, self.table, image, plane)
        except (DatasetError, ImageReadError, UnsupportedVolumeError) as error:
            self._tell(f"Left out: {error}")
            return str(error)
        for unit in units_of(examined, share):
            if unit.id not in self._items:
                self._unit(unit, examined, image, journal)
                self._progress(of_scans)
        return None

    def _image(self, source: Source) -> Path:
        """The scan of a source, made if it has none."""
        if source.image is not None:
            return source.image
        path = self.folder / "images" / f"{source_key(source, source.plane)}.nii.gz"
        if not path.exists():
            alike = {label.value: label.structure or label.value for label in source.labels}
            seed = random.Random(f"{self._seed}/{path.name}").randrange(2**32)
            render_file(source.files[0], path, seed, alike)
        return path

    def _unit(self, unit: Unit, examined: Examined, image: Path, journal: Journal) -> None:
        facts = examined.facts if unit.slice_index is None else examined.facts_of_slice(unit.slice_index)
        for attempt in range(self._attempts.get(unit.id, 0), self._tries):
            rng = random.Random(f"{self._seed}/{unit.id}/{attempt}")
            exchanges: tuple[Exchange, ...] = ()
            try:
                exchanges = self.annotator.converse(facts, rng.randint(*self._turns), rng)
                failures = self.checker.failures(exchanges, facts)
            except UnusableConversation as error:
                failures = [Failure(Check.UNUSABLE, str(error))]
            if not failures:
                flags: tuple[str, ...] = ()
                if self._round_trip is not None and self._round_trip.takes(unit.id):
                    trip = self._round_trip.of(exchanges, examined, image, unit.slice_index)
                    # Before the item: what a kill leaves between both is written again under the same id.
                    journal.append(ROUND_TRIPS, {"id": unit.id, **trip.to_dict()})
                    flags = trip.flags
                item = self._item(unit, examined, image, exchanges, flags)
                journal.append(ITEMS, item_to_dict(item))
                self._items.add(unit.id)
                self.checker.remember(exchange.question for exchange in exchanges)
                return
            journal.append(REJECTED, _rejection(unit, attempt, failures, exchanges))
            self._attempts[unit.id] = attempt + 1

    def _item(
        self,
        unit: Unit,
        examined: Examined,
        image: Path,
        exchanges: Sequence[Exchange],
        flags: tuple[str, ...],
    ) -> Item:
        source, index = examined.source, unit.slice_index
        return Item(
            id=unit.id,
            patient=source.patient,
            study=source.study,
            image=relative(image, self.folder),
            modality=source.modality,
            region=source.region,
            plane=examined.plane,
            split=source.split or "train",
            exchanges=tuple(self._located(exchange, examined, index) for exchange in exchanges),
            provenance=ItemProvenance(self.annotator.name, __version__, self._seed, flags),
            slices=None if index is None else (index, index),
        )

    def _located(self, exchange: Exchange, examined: Examined, slice_index: int | None) -> ItemExchange:
        """An exchange with its targets' masks."""
        targets = []
        for target in exchange.targets:
            mask = None
            if target.present:
                file, values = examined.values_in((target.structure, target.side), slice_index)
                mask = MaskReference(relative(file, self.folder), values)
            targets.append(ItemTarget(target.phrase, target.structure, target.side, target.present, mask))
        return ItemExchange(exchange.question, exchange.answer, exchange.question_type, tuple(targets))


def _rejection(
    unit: Unit, attempt: int, failures: Sequence[Failure], exchanges: Sequence[Exchange]
) -> dict[str, Any]:
    return {
        "id": unit.id,
        "attempt": attempt,
        "failures": [{"check": failure.check.value, "sentence": failure.sentence} for failure in failures],
        "exchanges": [{"question": e.question, "answer": e.answer} for e in exchanges],
    }
