"""medsegr batch: many studies overnight, each asked the questions that fit it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from MedSegRLib.cli import options
from MedSegRLib.cli.batch_progress import BatchProgress
from MedSegRLib.cli.interrupt import interrupt_asks

if TYPE_CHECKING:
    from MedSegRLib.batch import Format

_INTERRUPTED = 130


def batch(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Folders of NRRD, NIfTI, MetaImage or DICOM, nested as they are; single files; a list of "
            "studies (.csv, .jsonl); scenes (.mrb, .mrml).",
            show_default=False,
        ),
    ],
    questions: Annotated[
        Path,
        typer.Option(metavar="FILE.toml", help="What is asked of which studies.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where results go; a batch that lies there goes on, and answers what has changed.",
            show_default=False,
        ),
    ],
    workers: Annotated[int, typer.Option(metavar="N", help="How many processes answer.")] = 1,
    file_format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="nifti|dicom-seg|dicom-sr",
            help="Written for each study beside .seg.nrrd, JSON and report; may be given several times.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only tell what would be asked of what, by its path, and what not, and why."
        ),
    ] = False,
    deidentify: Annotated[
        bool,
        typer.Option(
            "--deidentify",
            help="Pseudonyms for scans in all results and sentences; private/identities.csv resolves them.",
        ),
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Name patients, on the terminal and in the table.")
    ] = False,
    model: options.ModelName = "mini",
) -> None:
    """Ask many studies; exit code 0 if all are answered, 1 if some failed, 2 for what cannot be used."""
    from MedSegRLib.batch import planned, run

    if dry_run:
        for line in planned(inputs, questions).lines(names=names):
            typer.echo(line)
        return
    with interrupt_asks() as wants_stop, BatchProgress() as progress:
        result = run(
            inputs,
            questions,
            output,
            model=model,
            workers=workers,
            formats=[cast("Format", name) for name in file_format or ()],
            deidentify=deidentify,
            names=names,
            show=progress.show,
            wants_stop=wants_stop,
        )
    for line in result.in_words():
        typer.echo(line, err=True)
    raise typer.Exit(_INTERRUPTED if wants_stop() else result.exit_code)
