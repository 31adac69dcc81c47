"""medsegr dataset statistics, split and card: what a data set holds, and who of it is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MedSegRLib.errors import DatasetError

Dataset = Annotated[
    Path, typer.Argument(metavar="DATASET.jsonl", help="One item on each line.", show_default=False)
]


def statistics(dataset: Dataset) -> None:
    """Count patients, items, masks, questions by type, structures and turns."""
    from MedSegRLib.dataset.card import tables_of
    from MedSegRLib.dataset.format import read_items
    from MedSegRLib.dataset.statistics import statistics_of

    typer.echo(tables_of(statistics_of(read_items(dataset))))


def split(
    dataset: Dataset,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT.jsonl", help="The same items.", show_default=False),
    ],
    development: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the patients in train to tune on.")
    ] = 0.1,
    validation: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the patients in train to judge on.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same choice.")] = 0,
    patients: Annotated[
        Path | None,
        typer.Option(
            metavar="PATIENTS.csv", help="Who is where instead, as patient,split.", show_default=False
        ),
    ] = None,
) -> None:
    """Divide the patients in train, or put all as a list says; no patient comes into two splits."""
    from MedSegRLib.dataset.format import read_items, write_items
    from MedSegRLib.dataset.split import divide_patients, read_patient_splits, with_splits

    if output.resolve().parent != dataset.resolve().parent:
        raise DatasetError(
            f"{output} is in another folder than {dataset}, whose paths are relative; write it beside."
        )
    if patients is not None:
        splits = read_patient_splits(patients)
    else:
        items = read_items(dataset)
        splits = divide_patients(items, development=development, validation=validation, seed=seed)
    count = write_items(output, with_splits(read_items(dataset), splits))
    there = ", ".join(
        f"{sum(split == name for split in splits.values())} patients in {name}"
        for name in dict.fromkeys(splits.values())
    )
    typer.echo(f"Written: {output}, {count} items; {there}")


def card(
    dataset: Dataset,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="CARD.md", help="What to write.", show_default=False)
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="Its title.")] = "MedSeg-QA",
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="The terms of the whole.", show_default=False)
    ] = "",
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="SOURCES.jsonl", help="What it was made of; may be repeated.", show_default=False
        ),
    ] = None,
) -> None:
    """Write the card of a data set in Markdown."""
    from MedSegRLib.cli.outputs import check_outputs
    from MedSegRLib.dataset.card import card_of
    from MedSegRLib.dataset.format import read_items
    from MedSegRLib.dataset.source_file import read_sources
    from MedSegRLib.dataset.statistics import statistics_of
    from MedSegRLib.imaging import atomic_path

    check_outputs([output], (".md",), dataset)
    used = [source for path in sources or () for source in read_sources(path)]
    text = card_of(statistics_of(read_items(dataset)), name=name, licence=licence, sources=used)
    with atomic_path(output) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    typer.echo(f"Written: {output}")
