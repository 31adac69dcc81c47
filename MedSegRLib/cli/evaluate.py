"""medsegr evaluate: how good a model is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MedSegRLib.cli import options
from MedSegRLib.cli.outputs import check_outputs
from MedSegRLib.errors import UserInputError

ENDINGS = (".md", ".html", ".htm", ".json")


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="A MedSeg-QA file (.jsonl), or a folder of scans with an index.json.",
            show_default=False,
        ),
    ],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Tables (.md), a page with plots and the worst masks (.html) or every score (.json); may be "
            "given several times.",
            show_default="tables on stdout",
        ),
    ] = None,
    model: options.ModelName = "mini",
    predictions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="Score these answers and masks to the data set's questions; no model is opened.",
            show_default=False,
        ),
    ] = None,
    forced: Annotated[
        bool,
        typer.Option(
            "--forced", help="Beside, and labelled so: masks of the data set's own answers (teacher-forced)."
        ),
    ] = False,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this suite of a folder (structures16, further, implicit, absent, calibration; turns, "
            "which asks in conversations of four; plain, which scores what is read without a question; "
            "development, for tuning); may be given several times.",
            show_default="the first five",
        ),
    ] = None,
    patients: Annotated[
        int | None,
        typer.Option(min=1, help="At most so many patients of each group of brains.", show_default="all"),
    ] = None,
    without: Annotated[
        str | None,
        typer.Option(
            metavar="PROMPT", help="Take one prompt away: sparse or dense.", show_default="with both"
        ),
    ] = None,
) -> None:
    """Ask a model about scans whose answers are known, in free text, and measure what it says and shows."""
    outputs = list(output or ())
    check_outputs(outputs, ENDINGS, data)
    if not data.exists():
        raise UserInputError(f"There is no data set {data}; check the path.")
    if without not in (None, "sparse", "dense"):
        raise UserInputError(f"There is no prompt '{without}'; use sparse or dense.")
    if predictions is not None and (forced or suite or patients is not None or without is not None):
        raise UserInputError(
            "Predictions are scored as they are; leave --forced, --suite, --patients and --without out."
        )
    from MedSegRLib.evaluation.markdown import to_markdown
    from MedSegRLib.evaluation.runner import SUITES, evaluate_predictions
    from MedSegRLib.evaluation.runner import evaluate as measure
    from MedSegRLib.evaluation.written import write_results

    if predictions is not None:
        results = evaluate_predictions(data, predictions, tell=_tell)
    else:
        from MedSegRLib.model import open_model

        opened = open_model(model)
        if without is not None:
            opened.config = opened.config.with_(**{f"use_{without}": False})
        results = measure(opened, data, suites=suite or SUITES, tell=_tell, patients=patients, forced=forced)
    for path in outputs:
        write_results(results, path)
        _tell(f"Written: {path}")
    if not outputs:
        typer.echo(to_markdown(results))


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)
