"""medsegr models: which models there are, and what they can be asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from MedSegRLib.errors import CheckpointError


def models(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|FOLDER]",
            help="Open this one, checking every weight, and tell what it offers.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Tell which models are known, or all about one."""
    from MedSegRLib.model import KNOWN_MODELS, open_model
    from MedSegRLib.resources import ResourceNotFoundError, resource_path

    if model is not None:
        opened = open_model(model)
        count = sum(weight.numel() for weight in opened.parameters())
        typer.echo(_described(opened.config.to_dict(), f"{count / 1e6:.1f} million weights"))
        return
    for name, folder in sorted(KNOWN_MODELS.items()):
        try:
            typer.echo(f"{name}: {_described(*_on_disk(resource_path('Models', folder)))}")
        except ResourceNotFoundError:
            typer.echo(f"{name}: not installed")


def _on_disk(folder: Path) -> tuple[dict[str, Any], str]:
    """Configuration and size of a model, without opening its weights."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))["medsegr"]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{folder} is not a model folder; install MedSeg-R again.") from error
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return config, f"{size / 1e6:.1f} MB in {folder}"


def _described(config: dict[str, Any], size: str) -> str:
    title = f"{config['name']} {config['version']}"
    where = f"{', '.join(config['regions'])} ({', '.join(config['modalities'])})"
    offered = ", ".join(name.replace("_", " ") for name in config["offered"])
    return f"{title}, {size}\n  for {where}\n  offers {offered}"
