"""medsegr train: a model from a recipe, resumed where it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MedSegRLib.cli.outputs import check_outputs
from MedSegRLib.errors import OutputError, UserInputError


def train(
    recipe: Annotated[
        Path,
        typer.Argument(
            metavar="RECIPE.toml", help="Such as Resources/Recipes/mini.toml.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where states, losses and the model go; a run that lies there is resumed.",
            show_default="training-RECIPE",
        ),
    ] = None,
    data: Annotated[Path, typer.Option(metavar="FOLDER", help="The scans that the recipe names.")] = Path(
        "../shared/data"
    ),
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Where the model goes.", show_default="checkpoint in the output folder"
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="A model of the same sizes to go on from, such as Resources/Models/medsegr-mini.",
            show_default="fresh weights",
        ),
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this stage; may be given several times.", show_default="all"),
    ] = None,
) -> None:
    """Train a model as a recipe says; the same command goes on after a stop."""
    if not recipe.is_file():
        raise UserInputError(f"There is no recipe {recipe}; give a .toml file.")
    if not data.is_dir():
        raise UserInputError(f"There is no folder {data}; name that of the scans with --data.")
    folder = Path(f"training-{recipe.stem}") if output is None else output
    for place in (folder, folder if checkpoint is None else checkpoint):
        if place.exists() and not place.is_dir():
            raise OutputError(f"{place} is a file; name a folder.")
        if not place.absolute().parent.is_dir():
            raise OutputError(f"{place} cannot be made, there is no folder {place.parent}; create it first.")
        # Told before hours of work, not after.
        check_outputs([place / "medsegr.safetensors" if place.is_dir() else place], ("",))
    from MedSegRLib.evaluation.calibrate import calibrate_on_maps, write_calibration
    from MedSegRLib.training.recipe import STAGES, Recipe, run_recipe

    unknown = [name for name in stage or () if name not in STAGES]
    if unknown:
        raise UserInputError(f"There is no stage '{unknown[0]}'; use {', '.join(STAGES)}.")
    development = Recipe(recipe, data, folder).label_maps("development")
    model = run_recipe(recipe, folder, data=data, checkpoint=checkpoint, only=stage or STAGES, start=start)
    if STAGES[-1] in (stage or STAGES):
        write_calibration(checkpoint or folder / "checkpoint", calibrate_on_maps(model, development))
    typer.echo(f"Trained into {folder}.", err=True)
