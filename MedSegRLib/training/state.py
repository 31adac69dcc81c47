"""Training state on disk: written whole or not at all, and read back to the same next step.

Tensors go to safetensors and plain numbers to JSON, so that no pickle is ever opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from MedSegRLib.errors import CheckpointError, OutputError

__all__ = [
    "append_row",
    "load_state",
    "load_weights",
    "read_notes",
    "save_state",
    "save_weights",
    "weights_of",
]


def save_state(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    step: int,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write every module, the optimizer's moments, the number of finished steps and notes to one file.

    Raises
    ------
    OutputError
        If it cannot be written; the state that was there stays.
    """
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            tensors[f"module/{name}/{key}"] = value.detach().clone().contiguous()
    for index, slots in optimizer.state_dict()["state"].items():
        for slot, value in slots.items():
            tensors[f"optimizer/{index}/{slot}"] = torch.as_tensor(value).detach().clone().contiguous()
    _write(path, tensors, {"step": json.dumps(step), "notes": json.dumps(dict(notes or {}))})


def load_state(path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer | None) -> int:
    """Restore what `save_state` wrote, strictly; return the number of finished steps.

    Raises
    ------
    CheckpointError
        If the file is not one that `save_state` wrote.
    """
    tensors, metadata = _read(path)
    for name, module in modules.items():
        prefix = f"module/{name}/"
        module.load_state_dict({k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)})
    if optimizer is not None:
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("optimizer/"):
                _, index, slot = key.split("/")
                state.setdefault(int(index), {})[slot] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    return int(json.loads(metadata["step"]))


def read_notes(path: Path) -> dict[str, Any]:
    """Read the notes that were given to `save_state`; a state from before there were any has none."""
    notes: dict[str, Any] = json.loads(_read_metadata(path).get("notes", "{}"))
    return notes


def save_weights(path: Path, modules: nn.Module) -> None:
    """Write weights alone; whole or not at all, as `save_state`."""
    _write(path, {k: v.detach().clone().contiguous() for k, v in modules.state_dict().items()}, {})


def load_weights(path: Path, modules: nn.Module) -> None:
    """Restore what `save_weights` wrote, strictly."""
    modules.load_state_dict(_read(path)[0])


@contextmanager
def weights_of(other: nn.Module, modules: nn.Module) -> Iterator[None]:
    """Lend modules the weights of others with the same names, in evaluation mode; then as before."""
    kept = {name: value.clone() for name, value in modules.state_dict().items()}
    modes = {module: module.training for module in modules.modules()}
    modules.load_state_dict(other.state_dict())
    modules.eval()
    try:
        yield
    finally:
        modules.load_state_dict(kept)
        for module, training in modes.items():
            module.training = training


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add a line of JSON to a log.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
    except OSError as error:
        raise _full(path, error) from error


def _write(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            save_file(dict(tensors), str(partial), metadata=metadata)
            # Else the name could reach the disk before the contents, and a power cut leave neither state.
            with open(partial, "rb+") as written:
                os.fsync(written.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, SafetensorError) as error:
        raise _full(path, error) from error


def _full(path: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(
        f"{path} cannot be written ({reason}); make room and give the same command again, "
        "it goes on from the state before."
    )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    metadata = _read_metadata(path)
    return load_file(str(path)), metadata


def _read_metadata(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="pt") as opened:
            return dict(opened.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{path} is not a state of a training ({error}); remove it to begin this stage anew."
        ) from error
