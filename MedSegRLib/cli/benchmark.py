"""medsegr benchmark: how fast a model answers about a scan, and how fast and how surely a batch is done."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from MedSegRLib.cli import options
from MedSegRLib.cli.opening import open_scan
from MedSegRLib.cli.outputs import check_outputs

_SCAN = "scan"

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE.md", help="Where it is written.", show_default="stdout"),
]


class ScanUnlessNamed(TyperGroup):
    """What is no name of a benchmark is a scan: `medsegr benchmark head.nii.gz`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the benchmark of a scan in front where none is given."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_SCAN, *args]
        return super().parse_args(ctx, args)


commands = typer.Typer(
    cls=ScanUnlessNamed,
    help="Measure seconds and memory on this machine: of questions about a scan, or of a batch.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@commands.command(_SCAN)
def scan(
    scan: options.Scan,
    output: Output = None,
    model: options.ModelName = "mini",
    series: options.Series = None,
    modality: options.ModalityName = None,
) -> None:
    """Measure a scan's first question, a follow-up, ground against generate; the name may be left out."""
    if output is not None:
        check_outputs([output], (".md",), scan)
    volume = open_scan(scan, series, modality)
    from MedSegRLib.evaluation.benchmark import benchmark as measure
    from MedSegRLib.evaluation.benchmark import benchmark_markdown
    from MedSegRLib.model import open_model

    _give(benchmark_markdown(measure(open_model(model), volume)), output)


@commands.command("batch")
def batch(
    studies: Annotated[int, typer.Option(min=4, help="How many made-up scans, broken ones included.")] = 100,
    kills: Annotated[int, typer.Option(min=0, help="How often a batch is killed and continued.")] = 10,
    output: Output = None,
    model: options.ModelName = "mini",
) -> None:
    """Measure batches of made-up scans: what is lost or repeated, studies an hour, memory."""
    if output is not None:
        check_outputs([output], (".md",))
    from MedSegRLib.evaluation.batch_benchmark import batch_benchmark, batch_markdown

    with tempfile.TemporaryDirectory(prefix="medsegr-benchmark-") as folder:
        measured = batch_benchmark(Path(folder), model, studies, kills, _tell)
    _give(batch_markdown(measured), output)


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _give(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text)
        return
    from MedSegRLib.imaging import atomic_path

    with atomic_path(output) as partial:
        partial.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    _tell(f"Written: {output}")
