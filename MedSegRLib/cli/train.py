"""medsegr train: a model from a recipe, resumed where it was stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from MedSegRLib.cli.outputs import check_outputs
from MedSegRLib.cli.training_progress import TrainingProgress
from MedSegRLib.errors import OutputError, UserInputError

if TYPE_CHECKING:
    from MedSegRLib.evaluation.gallery import WorstCase


def train(
    recipe: Annotated[
        Path,
        typer.Argument(
            metavar="RECIPE.toml",
            help="Such as Resources/Recipes/mini.toml or lora.toml.",
            show_default=False,
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
    data: Annotated[
        Path,
        typer.Option(
            metavar="DATA",
            help="The folder of scans that the recipe names; for a fine-tuning a MedSeg-QA file (.jsonl), "
            "or the folder of its items.jsonl.",
        ),
    ] = Path("../shared/data"),
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
            help="A model to go on from, such as Resources/Models/medsegr-mini; of the same sizes, but for a "
            "fine-tuning.",
            show_default="as the recipe says",
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
    folder = Path(f"training-{recipe.stem}") if output is None else output
    for place in (folder, folder if checkpoint is None else checkpoint):
        if place.exists() and not place.is_dir():
            raise OutputError(f"{place} is a file; name a folder.")
        if not place.absolute().parent.is_dir():
            raise OutputError(f"{place} cannot be made, there is no folder {place.parent}; create it first.")
        # Told before hours of work, not after.
        check_outputs([place / "medsegr.safetensors" if place.is_dir() else place], ("",))
    from MedSegRLib.training.recipe_file import read_recipe

    run = _fine_tune if "lora" in read_recipe(recipe) else _from_scratch
    run(recipe, folder, data, checkpoint or folder / "checkpoint", start, stage or [])


def _from_scratch(
    recipe: Path, folder: Path, data: Path, checkpoint: Path, start: Path | None, stages: list[str]
) -> None:
    if not data.is_dir():
        raise UserInputError(f"There is no folder {data}; name that of the scans with --data.")
    from MedSegRLib.evaluation.calibrate import calibrate, development_scans, write_calibration
    from MedSegRLib.evaluation.judging import WordsJudge
    from MedSegRLib.training.processes import Processes
    from MedSegRLib.training.recipe import STAGES, Recipe, run_recipe

    _check_stages(stages, STAGES)
    development = Recipe(recipe, data, folder).label_maps("development")
    judge = WordsJudge(data, [path.name.partition(".")[0] for path in development])
    with TrainingProgress() as progress:
        model = run_recipe(
            recipe, folder, data=data, checkpoint=checkpoint, only=stages or STAGES, start=start, judge=judge,
            watch=progress.watch,
        )  # fmt: skip
    if STAGES[-1] in (stages or STAGES) and Processes(cpu=True).is_main:
        write_calibration(checkpoint, calibrate(model, development_scans(data, development, model.config)))
        _report(folder, STAGES, model.config.name, judge.worst(model))


def _fine_tune(
    recipe: Path, folder: Path, data: Path, checkpoint: Path, start: Path | None, stages: list[str]
) -> None:
    items = data / "items.jsonl" if data.is_dir() else data
    if not items.is_file():
        raise UserInputError(f"There is no data set {items}; name a MedSeg-QA file (.jsonl) with --data.")
    from MedSegRLib.evaluation.judging import ItemsJudge
    from MedSegRLib.model import open_model
    from MedSegRLib.training.fine_tune import STAGES, fine_tune, has_development
    from MedSegRLib.training.processes import Processes

    _check_stages(stages, STAGES)
    judge = ItemsJudge(items)
    with TrainingProgress() as progress:
        fine_tune(
            recipe, folder, data=items, checkpoint=checkpoint, only=stages or STAGES, start=start,
            judge=judge, watch=progress.watch,
        )  # fmt: skip
    if Processes(cpu=False).is_main:
        model = open_model(checkpoint)
        cases = judge.worst(model) if has_development(items) else ()
        _report(folder, STAGES, model.config.name, cases)


def _check_stages(wanted: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UserInputError(f"There is no stage '{unknown[0]}'; use {', '.join(known)}.")


def _report(folder: Path, stages: Sequence[str], name: str, cases: Sequence[WorstCase]) -> None:
    from MedSegRLib.evaluation.page import worst_html
    from MedSegRLib.training.report import write_training_report

    report = write_training_report(folder, stages, title=f"Training of {name}", pictures=worst_html(cases))
    typer.echo(f"Trained into {folder}; curves and pictures are in {report}.", err=True)
