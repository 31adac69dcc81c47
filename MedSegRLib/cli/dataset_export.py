"""medsegr dataset export: a data set in the formats of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MedSegRLib.errors import UserInputError

KINDS = ("reasonseg", "hugging-face")


def export(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help=f"One of {', '.join(KINDS)}.", show_default=False)
    ],
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET.jsonl", help="One item on each line.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new folder.", show_default=False)
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="hugging-face: the title of its card.")
    ] = "MedSeg-QA",
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="hugging-face: the terms in its card.", show_default=False)
    ] = "",
) -> None:
    """Write a data set as LISA's ReasonSeg, or as Parquet for the library datasets."""
    if kind not in KINDS:
        raise UserInputError(f"There is no export as '{kind}'; use {' or '.join(KINDS)}.")
    from MedSegRLib.dataset.exporting.hugging_face import write_hugging_face
    from MedSegRLib.dataset.exporting.reasonseg import write_reasonseg
    from MedSegRLib.dataset.format import read_items

    items = read_items(dataset)
    if kind == "hugging-face":
        rows = write_hugging_face(output, items, dataset.parent, name=name, licence=licence)
        typer.echo(f"Written: {output}, {rows} rows")
        return
    done = write_reasonseg(output, items, dataset.parent)
    typer.echo(f"Written: {output}, {done.files} pictures with {done.questions} questions")
    for reason, count in done.left_out.items():
        typer.echo(f"Note: {count} questions were left out ({reason}).", err=True)
