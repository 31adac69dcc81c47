"""medsegr ask: one question about one scan."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from MedSegRLib.cli import options
from MedSegRLib.cli.opening import open_scan, open_session
from MedSegRLib.cli.outputs import DICOM, MASKS, REPORT, check_outputs, dicom_source, save_answer
from MedSegRLib.cli.telling import follow, own_notes, printable, tell_findings, tell_notes

if TYPE_CHECKING:
    from MedSegRLib.answers import Answer
    from MedSegRLib.answers.question import Mode


def ask(
    scan: options.Scan,
    question: Annotated[str, typer.Argument(metavar="QUESTION", show_default=False)],
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Masks (.seg.nrrd, .nii.gz, .nii, .nrrd, .mha; .dcm beside a DICOM series) or the answer "
            "without them (.json); may be given several times.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="A page with pictures and measurements.", show_default=False),
    ] = None,
    series: options.Series = None,
    slices: options.SliceRange = None,
    plane: options.PlaneName = None,
    mode: options.ModeName = "ground",
    model: options.ModelName = "mini",
    modality: options.ModalityName = None,
    body_part: options.BodyPart = None,
    seed: options.Seed = 0,
    cache: options.Cache = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON on stdout.")] = False,
) -> None:
    """Ask a scan a question; the answer comes in words, findings as masks in a file."""
    from MedSegRLib.answers import Question

    chosen = options.plane_of(plane)
    asked = Question(question, chosen, options.slices_of(slices), cast("Mode", mode), seed)
    outputs, reports = list(output or ()), [] if report is None else [report]
    check_outputs(outputs, (*MASKS, *DICOM, ".json"), scan)
    check_outputs(reports, REPORT, scan)
    check_outputs([*outputs, *reports], (*MASKS, *DICOM, ".json", *REPORT), scan)
    volume = open_scan(scan, series, modality)
    source = dicom_source(outputs, scan, series, volume)
    session = open_session(volume, model, plane=plane, body_part=body_part, cache=cache)
    live = sys.stdout.isatty() and not as_json
    answer = follow(session.stream(asked), live=live)
    said = save_answer(answer, [*outputs, *reports], source)
    if as_json:
        typer.echo(_json(answer, outputs))
    else:
        if not live:
            typer.echo(printable(answer.text))
        tell_findings(answer)
    tell_notes(own_notes(answer))
    for sentence in said:
        typer.echo(sentence, err=True)


def _json(answer: Answer, outputs: list[Path]) -> str:
    """The answer as JSON, which refers to the file that holds the masks if one was written."""
    holding = [path.name for path in outputs if path.name.lower().endswith(".seg.nrrd")]
    content = answer.to_dict(holding[0] if holding and answer.findings else None)
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
