"""medsegr dataset: data sets of questions, answers and masks, built and validated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MedSegRLib.cli import dataset_build
from MedSegRLib.errors import DatasetError

commands = typer.Typer(help="Data sets of the MedSeg-QA format.", no_args_is_help=True)


# Without it, typer makes the only command of a group the group itself.
@commands.callback()
def _group() -> None:
    """Data sets of the MedSeg-QA format."""


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


commands.command("build")(dataset_build.build)
