"""Record: what a checkpoint says of how it was made, `training.json` beside its weights."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from MedSegRLib.errors import OutputError
from MedSegRLib.model.checkpoint import save_checkpoint
from MedSegRLib.model.medsegr import MedSegR

__all__ = ["read_rows", "sha256_of", "write_trained"]


def write_trained(
    model: MedSegR,
    folder: Path,
    work: Path,
    *,
    recipe: Mapping[str, Any],
    stages: Sequence[str],
    data: Path,
    files: Iterable[Path],
    dtype: torch.dtype | None = None,
) -> None:
    """Write a trained model and its record into a checkpoint folder; other files there stay.

    Parameters
    ----------
    model, folder, dtype
        As of `save_checkpoint`.
    work
        Where the logs of the stages lie.
    recipe, stages
        What it was trained by, and the names of its stages.
    data, files
        The folder of the data, and the files in it that were trained on.

    Raises
    ------
    OutputError
        If it cannot be written; an older model there stays.
    """
    record = {
        "recipe": recipe,
        "commit": _commit(),
        "seed": recipe["seed"],
        "data_sha256": {str(f.relative_to(data)): sha256_of(f) for f in sorted(files)},
        "first_losses": {name: _first_losses(work / f"{name}.jsonl") for name in stages},
    }
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        try:
            save_checkpoint(model, partial, dtype=dtype)
            (partial / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            for path in sorted(p for p in partial.rglob("*") if p.is_file()):
                place = folder / path.relative_to(partial)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, place)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"The model {folder} cannot be written ({reason}); make room and go on.") from error


def read_rows(log: Path) -> list[dict[str, float]]:
    """Rows of a log by rising step; of a step that was done again after a stop, the last."""
    if not log.exists():
        return []
    rows: dict[float, dict[str, float]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        # A kill may have cut a line short.
        with suppress(json.JSONDecodeError):
            row = json.loads(line)
            rows[row["step"]] = row
    return [rows[step] for step in sorted(rows)]


def _first_losses(log: Path, rows: int = 3) -> list[dict[str, float]]:
    kept = ("threads", "seconds_per_step")
    return [{k: v for k, v in row.items() if k not in kept} for row in read_rows(log)[:rows]]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _commit() -> str:
    """Commit of the code that trains, "unknown" outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return run.stdout.strip() or "unknown"
