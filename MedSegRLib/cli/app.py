"""The program `medsegr`: its commands, and how errors become one sentence and an exit code.

No command's room is imported before the command runs, so that help comes at once.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from MedSegRLib import __version__
from MedSegRLib.cli import ask, batch, benchmark, chat, convert, dataset, demo, evaluate, models, train
from MedSegRLib.errors import MedSegRError

INTERRUPTED = 130

# Read when transformers is imported, which is later: stderr is for our own sentences.
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


class SentencesForErrors(TyperGroup):
    """Tells every refusal as its own sentence on stderr, and leaves with its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except MedSegRError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt:
            typer.echo("Stopped.", err=True)
            raise typer.Exit(INTERRUPTED) from None


main = typer.Typer(
    name="medsegr",
    cls=SentencesForErrors,
    help="Ask a scan a clinical question; get words and, for every finding named, a mask. "
    "Research use, not for diagnosis. Anatomy, not lesions.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback is for a mistake of ours, and then the plain one says most.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medsegr {__version__}")
        raise typer.Exit


@main.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Say the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that belong to no command."""


main.command("ask")(ask.ask)
main.command("batch")(batch.batch)
main.command("chat")(chat.chat)
main.command("demo")(demo.demo)
main.command("models")(models.models)
main.command("train")(train.train)
main.command("evaluate")(evaluate.evaluate)
main.command("convert")(convert.convert)
main.add_typer(benchmark.commands, name="benchmark")
main.add_typer(dataset.commands, name="dataset")
