"""Pretrained: a Hugging Face folder read strictly, offline, from safetensors, without torchvision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from MedSegRLib.errors import CheckpointError

__all__ = ["first_line", "load_pretrained", "read_json"]


def load_pretrained(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """Load model and processor of a folder.

    Raises
    ------
    CheckpointError
        If the folder or a file is not there, or the weights do not fit the model; the sentence says which.
    """
    from transformers import AutoModelForImageTextToText

    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder} holds no config.json; give the folder of a language model.")
    if not list(folder.glob("*.safetensors")):
        raise CheckpointError(f"{folder} holds no .safetensors file; other formats are not opened.")
    try:
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (RuntimeError, OSError, ValueError) as error:
        raise CheckpointError(
            f"The language model in {folder} cannot be read: {first_line(error)}."
        ) from error
    model, info = loaded
    wrong = {kind: sorted(str(k) for k in info.get(kind, ())) for kind in ("missing_keys", "unexpected_keys")}
    wrong["mismatched_keys"] = sorted(str(k) for k in info.get("mismatched_keys", ()))
    told = [f"{kind.split('_')[0]} {', '.join(keys[:8])}" for kind, keys in wrong.items() if keys]
    if told:
        raise CheckpointError(f"The weights in {folder} do not fit its config.json: {'; '.join(told)}.")
    return model.eval(), _load_processor(folder)


def _load_processor(folder: Path) -> Any:
    from transformers import AutoProcessor

    try:
        return AutoProcessor.from_pretrained(folder, local_files_only=True, backend="pil")
    except (ImportError, OSError, ValueError) as error:
        raise CheckpointError(f"The processor in {folder} cannot be read: {first_line(error)}.") from error


def first_line(error: Exception) -> str:
    """First line of an error of somebody else, to go into a sentence of ours."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; a file that is not one is a CheckpointError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {first_line(error)}.") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} is not a JSON object.")
    return found
