"""Card: what a data set is, in Markdown, as Hugging Face shows it and people read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .source import Source
from .statistics import Share, Statistics

__all__ = ["card_of", "tables_of"]

_SHARE_HEADINGS = ("patients", "scans", "items", "exchanges", "masks")


def card_of(
    statistics: Statistics,
    *,
    name: str,
    licence: str,
    sources: Iterable[Source] = (),
    parquet: bool = False,
) -> str:
    """Write the card of a data set.

    Parameters
    ----------
    statistics
        Its counts.
    name, licence
        Its title, and the terms that it may be used under, in words; "" where nobody said.
    sources
        The scans that it was made of, for their origins and licences.
    parquet
        Whether it lies as Parquet files beside the card, with the front matter that
        `datasets.load_dataset` looks for.
    """
    pieces = [_front_matter(statistics, parquet), f"# {name}"]
    pieces.append(
        "Scans with questions, answers and masks, in the MedSeg-QA format: an answer names findings, and "
        "every finding that is there has a mask. Research use, not for diagnosis."
    )
    pieces.append(f"**Licence**: {licence or 'not stated; ask whoever gave you the data'}.")
    pieces.append(tables_of(statistics))
    origins = _origins(sources)
    if origins:
        pieces.append(
            "## Where the scans are from\n\n" + _table(("data set", "licence", "patients", "scans"), origins)
        )
    pieces.append(_limits(statistics))
    return "\n\n".join(pieces) + "\n"


def tables_of(statistics: Statistics) -> str:
    """The counts as tables in Markdown."""
    shares = [("all", statistics.whole), *statistics.by_split.items()]
    kinds = [
        (f"{region}, {modality}", share) for (region, modality), share in statistics.by_scan_kind.items()
    ]
    structures = [(name, *counts) for name, counts in statistics.structures.items()]
    return "\n\n".join(
        [
            "## How much",
            _table(("split", *_SHARE_HEADINGS), [_row(name, share) for name, share in shares]),
            _table(("region, modality", *_SHARE_HEADINGS), [_row(name, share) for name, share in kinds]),
            "## What is asked",
            _table(("type of question", "exchanges"), list(statistics.question_types.items())),
            _table(("exchanges in an item", "items"), list(statistics.turns.items())),
            "## What is shown",
            _table(("structure", "targets there", "targets not there"), structures),
            "## Who wrote it",
            _table(("annotator", "items"), list(statistics.annotators.items())),
            _table(("review", "items"), list(statistics.reviews.items())),
        ]
    )


def _front_matter(statistics: Statistics, parquet: bool) -> str:
    tasks = "[image-segmentation, visual-question-answering]"
    lines = ["---", "license: other", "language: [en]", f"task_categories: {tasks}", "tags: [medical]"]
    if parquet:
        lines += ["configs:", "- config_name: default", "  data_files:"]
        for split in statistics.by_split:
            lines += [f"  - split: {split}", f"    path: data/{split}.parquet"]
    return "\n".join([*lines, "---"])


def _limits(statistics: Statistics) -> str:
    unseen = statistics.reviews.get("unreviewed", 0)
    return (
        "## Limits\n\n"
        f"- {unseen} of {statistics.whole.items} items were not looked at by a reviewer.\n"
        "- A structure that a label map does not draw is unknown, not absent; targets that are called absent "
        "are those that the scan cannot show or that were drawn wherever they are.\n"
        "- Names of patients should be pseudonyms; the scans themselves may still tell who they are of."
    )


def _origins(sources: Iterable[Source]) -> list[tuple[object, ...]]:
    patients: dict[tuple[str, str], set[str]] = {}
    scans: dict[tuple[str, str], int] = {}
    for source in sources:
        key = (source.origin or "not stated", source.licence or "not stated")
        patients.setdefault(key, set()).add(source.patient)
        scans[key] = scans.get(key, 0) + 1
    return [(*key, len(patients[key]), scans[key]) for key in sorted(patients)]


def _row(name: str, share: Share) -> tuple[object, ...]:
    return name, share.patients, share.scans, share.items, share.exchanges, share.masks


def _table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "/") for cell in line) + " |" for line in lines)
