"""medsegr convert: weights of SAM or MedSAM from a pickle, read with nothing in it run, to safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from MedSegRLib.cli.outputs import check_outputs


def convert(
    weights: Annotated[
        Path, typer.Argument(metavar="WEIGHTS.pth", help="As SAM or MedSAM give it.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Argument(metavar="OUT.safetensors", help="What to write.", show_default=False)
    ],
) -> None:
    """Turn a SAM or MedSAM .pth into safetensors; no code in it is run."""
    check_outputs([output], (".safetensors",), weights)
    from MedSegRLib.imaging import atomic_path
    from MedSegRLib.model import convert_sam

    with atomic_path(output) as partial:
        convert_sam(weights, partial)
    typer.echo(f"Written: {output}", err=True)
