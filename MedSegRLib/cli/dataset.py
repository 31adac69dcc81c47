"""medsegr dataset: the commands about data sets, and validate, which tells all that is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MedSegRLib.cli import dataset_about, dataset_build, dataset_export, dataset_import
from MedSegRLib.errors import DatasetError

commands = typer.Typer(help="Data sets of the MedSeg-QA format.", no_args_is_help=True)


@commands.command("validate")
def validate_file(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET.jsonl", help="One item on each line.", show_default=False)
    ],
) -> None:
    """Tell everything that is wrong with a data set, line by line."""
    from MedSegRLib.dataset.validate import validate

    problems = validate(dataset)
    for problem in problems:
        typer.echo(f"{dataset}, {problem}")
    if problems:
        raise DatasetError(f"{dataset} has {len(problems)} problems; correct them and validate it again.")
    typer.echo(f"{dataset} is a good data set.")


commands.command("import")(dataset_import.import_scans)
commands.command("export")(dataset_export.export)
commands.command("statistics")(dataset_about.statistics)
commands.command("split")(dataset_about.split)
commands.command("card")(dataset_about.card)
commands.command("build")(dataset_build.build)
