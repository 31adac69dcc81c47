"""Pretrained: a Hugging Face folder read strictly, offline, from safetensors, without torchvision."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from MedSegRLib.errors import CheckpointError

__all__ = ["assemble_processor", "first_line", "load_pretrained", "read_json"]


def load_pretrained(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """Load model and processor of a folder.

    Raises
    ------
    CheckpointError
        If the folder or a file is not there, or the weights do not fit the model; the sentence says which.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForImageTextToText

    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder} holds no config.json; give the folder of a language model.")
    if not list(folder.glob("*.safetensors")):
        raise CheckpointError(f"{folder} holds no .safetensors file; other formats are not opened.")
    try:
        loaded: Any = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (RuntimeError, OSError, ValueError, SafetensorError) as error:
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


def assemble_processor(processor_class: Any, *, image_processor: Any, tokenizer: Any, **settings: Any) -> Any:
    """Make a processor of a class that also wants a video processor, without one.

    Video processors need torchvision, which no picture does.
    """

    parts = [name for name in processor_class.get_attributes() if name != "video_processor"]
    # The name stays the class's own, since it is what save_pretrained writes down.
    pictures_only: Any = type(
        processor_class.__name__,
        (processor_class,),
        {"get_attributes": classmethod(lambda _: parts), "video_processor": None},
    )
    return pictures_only(image_processor=image_processor, tokenizer=tokenizer, **settings)


def _load_processor(folder: Path) -> Any:
    from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer, ProcessorMixin
    from transformers.models.auto.processing_auto import processor_class_from_name

    try:
        settings, _ = ProcessorMixin.get_processor_dict(str(folder), local_files_only=True)
        named = processor_class_from_name(str(settings.get("processor_class", "")))
        if (
            named is None
            or find_spec("torchvision") is not None
            or "video_processor" not in named.get_attributes()
        ):
            return AutoProcessor.from_pretrained(folder, local_files_only=True, backend="pil")
        return assemble_processor(
            named,
            image_processor=AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil"),
            tokenizer=AutoTokenizer.from_pretrained(folder, local_files_only=True),
            chat_template=settings.get("chat_template"),
        )
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
