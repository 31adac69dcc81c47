"""medsegr dataset build: conversations about scans and masks, written, checked, resumed after a stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from MedSegRLib.cli.build_progress import BuildProgress
from MedSegRLib.errors import OutputError, UserInputError

if TYPE_CHECKING:
    from MedSegRLib.anatomy import AnatomyTable
    from MedSegRLib.dataset.building.annotator import Annotator
    from MedSegRLib.dataset.building.recipe import BuildRecipe
    from MedSegRLib.dataset.building.round_trip import RoundTrip


def build(
    recipe: Annotated[
        Path,
        typer.Argument(
            metavar="RECIPE.toml", help="Such as Resources/Recipes/medsegqa.toml.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where items.jsonl, rejected.jsonl and manifest.json go; a build that lies there goes on.",
            show_default=False,
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(metavar="DATA", help="A folder of scans with an index.json, or a file of sources."),
    ] = Path("../shared/data"),
    annotator: Annotated[
        str,
        typer.Option(
            metavar="offline|URL|FOLDER",
            help="Who writes: no model at all; an OpenAI-compatible endpoint (facts are sent to it, never an "
            "image); or the folder of a chat model of Hugging Face.",
        ),
    ] = "offline",
) -> None:
    """Write MedSeg-QA from scans and label maps; the same command goes on after a stop."""
    if not data.exists():
        raise UserInputError(f"There is no {data}; name the scans with --data.")
    if output.exists() and not output.is_dir():
        raise OutputError(f"{output} is a file; name a folder.")
    if not output.absolute().parent.is_dir():
        raise OutputError(f"{output} cannot be made, there is no folder {output.parent}; create it first.")
    from MedSegRLib.anatomy import load_table
    from MedSegRLib.dataset.building.builder import Builder
    from MedSegRLib.dataset.building.checks import Checker
    from MedSegRLib.dataset.building.held_out import held_out_questions
    from MedSegRLib.dataset.building.recipe import read_recipe
    from MedSegRLib.dataset.importing.index import read_index
    from MedSegRLib.dataset.source_file import read_sources

    read, table = read_recipe(recipe), load_table()
    # Before anything is opened or sent: what cannot be used is told at once.
    writer = _annotator(annotator, read, output, table)
    origins = None if any(not share.origin for share in read.shares) else {s.origin for s in read.shares}
    sources = read_index(data, table, origins=origins) if data.is_dir() else read_sources(data)
    with BuildProgress() as progress:
        progress.say("Reading the scans' label tables")
        builder = Builder(
            output,
            {"recipe_sha256": read.digest, "annotator": writer.name, "seed": read.seed},
            writer,
            Checker(table, held_out_questions()),
            table,
            seed=read.seed,
            turns=read.turns,
            tries=read.tries,
            round_trip=_round_trip(read),
            tell=progress.tell,
            show=progress.show,
        )
        manifest = builder.run(sources, read.shares)
    _tell(manifest, output)


def _annotator(named: str, recipe: BuildRecipe, output: Path, table: AnatomyTable) -> Annotator:
    from MedSegRLib.dataset.building.endpoint import Endpoint
    from MedSegRLib.dataset.building.language import LanguageAnnotator
    from MedSegRLib.dataset.building.local import LocalWriter
    from MedSegRLib.dataset.building.offline import RegionAnnotator
    from MedSegRLib.dataset.building.phrasings import load_phrasings
    from MedSegRLib.dataset.building.spending import Spending

    if named == "offline":
        return RegionAnnotator(table, load_phrasings())
    if "://" in named:
        settings, bounds = recipe.endpoint(named)
        output.mkdir(exist_ok=True)
        return LanguageAnnotator(Endpoint(settings, Spending(bounds, output / "spent.json")), table)
    if not Path(named).is_dir():
        raise UserInputError(f"'{named}' is no annotator; write offline, an http:// address or a folder.")
    return LanguageAnnotator(LocalWriter(Path(named)), table)


def _round_trip(recipe: BuildRecipe) -> RoundTrip | None:
    from MedSegRLib.dataset.building.round_trip import RoundTrip

    if recipe.round_trip is None:
        return None
    from MedSegRLib.model import open_model

    return RoundTrip(open_model(recipe.round_trip.model), recipe.round_trip)


def _tell(manifest: dict[str, Any], output: Path) -> None:
    typer.echo(
        f"{manifest['items']} items about {manifest['pictures']} pictures of {manifest['patients']} "
        f"patients, {manifest['image_mask_pairs']} image-mask pairs, {manifest['exchanges']} exchanges."
    )
    if manifest["written"]:
        failed = ", ".join(f"{check} {count}" for check, count in manifest["rejected_by_check"].items())
        typer.echo(
            f"Accepted {manifest['accepted']} of {manifest['written']} conversations that were written "
            f"({100 * manifest['accept_rate']:.1f} %){f'; rejected for: {failed}' if failed else ''}."
        )
    trip = manifest["round_trip"]
    if trip["drawn"]:
        typer.echo(
            f"Round trip: {trip['flagged']} of {trip['tried']} items flagged in which the model was asked "
            f"{trip['exchanges_tried']} questions; {trip['drawn'] - trip['tried']} of {trip['drawn']} items "
            "drawn hold none that it could be asked."
        )
        for why, count in trip["exchanges_not_tried"].items():
            typer.echo(f"  {count} questions not asked: {why}.")
    typer.echo(f"Written: {output / 'items.jsonl'}", err=True)
