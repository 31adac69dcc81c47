"""Statistics: how much of what is in a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .format import SPLITS, Item
from .split import refuse_two_splits

__all__ = ["Share", "Statistics", "statistics_of"]


@dataclass(frozen=True)
class Share:
    """Patients, scans, items, exchanges and masks of a part of a data set; a mask is counted once a scan."""

    patients: int
    scans: int
    items: int
    exchanges: int
    masks: int


@dataclass(frozen=True)
class Statistics:
    """Counts of a data set, each mapping in the order that it is shown in.

    Attributes
    ----------
    whole, by_split, by_scan_kind
        Shares of all, of each split, and of each (region, modality).
    question_types
        Exchanges of each type.
    structures
        (targets present, targets absent) by structure, the most frequent first.
    turns
        Items by their number of exchanges.
    annotators, reviews
        Items by who wrote them, and by what a reviewer said.
    """

    whole: Share
    by_split: Mapping[str, Share]
    by_scan_kind: Mapping[tuple[str, str], Share]
    question_types: Mapping[str, int]
    structures: Mapping[str, tuple[int, int]]
    turns: Mapping[int, int]
    annotators: Mapping[str, int]
    reviews: Mapping[str, int]


@dataclass
class _Tally:
    patients: set[str] = field(default_factory=set)
    scans: set[str] = field(default_factory=set)
    masks: set[object] = field(default_factory=set)
    items: int = 0
    exchanges: int = 0

    def add(self, item: Item) -> None:
        self.patients.add(item.patient)
        self.scans.add(item.image)
        self.items += 1
        self.exchanges += len(item.exchanges)
        self.masks.update(
            (item.image, item.slices, target.mask)
            for exchange in item.exchanges
            for target in exchange.targets
            if target.mask is not None
        )

    def share(self) -> Share:
        return Share(len(self.patients), len(self.scans), self.items, self.exchanges, len(self.masks))


def statistics_of(items: Iterable[Item]) -> Statistics:
    """Count, in one pass.

    Raises
    ------
    DatasetError
        If a patient is in two splits.
    """
    whole = _Tally()
    splits = {split: _Tally() for split in SPLITS}
    kinds: dict[tuple[str, str], _Tally] = {}
    types: Counter[str] = Counter()
    present: Counter[str] = Counter()
    absent: Counter[str] = Counter()
    turns: Counter[int] = Counter()
    annotators: Counter[str] = Counter()
    reviews: Counter[str] = Counter()
    for item in refuse_two_splits(items):
        for tally in (whole, splits[item.split], kinds.setdefault((item.region, item.modality), _Tally())):
            tally.add(item)
        for exchange in item.exchanges:
            types[exchange.question_type.value] += 1
            for target in exchange.targets:
                (present if target.present else absent)[target.structure] += 1
        turns[len(item.exchanges)] += 1
        annotators[item.provenance.annotator] += 1
        reviews[item.review.value] += 1
    return Statistics(
        whole=whole.share(),
        by_split={split: tally.share() for split, tally in splits.items() if tally.items},
        by_scan_kind={kind: kinds[kind].share() for kind in sorted(kinds)},
        question_types=dict(types.most_common()),
        structures={name: (present[name], absent[name]) for name, _ in (present + absent).most_common()},
        turns=dict(sorted(turns.items())),
        annotators=dict(annotators.most_common()),
        reviews=dict(reviews.most_common()),
    )
