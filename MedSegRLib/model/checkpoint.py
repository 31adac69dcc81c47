"""Checkpoint: a model as a folder, written and read strictly; no pickle is ever opened.

config.json              {"medsegr": ..., "grounding": ...}
medsegr.safetensors      projector, similarity and grounding
understanding/           the language model as Hugging Face writes it
calibration.json         optional, see `read_calibration`
README.md                model card
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from MedSegRLib.errors import CheckpointError
from MedSegRLib.imaging import Plane

from .grounding import Grounding, GroundingConfig
from .known import model_folder
from .medsegr import MedSegR, MedSegRConfig
from .pretrained import first_line, read_json
from .understanding import Understanding

__all__ = [
    "load_checkpoint",
    "open_model",
    "read_calibration",
    "refuse_misfits",
    "save_checkpoint",
    "set_precision",
]

Precision = Literal["auto", "bf16", "fp32"]

_WEIGHTS = "medsegr.safetensors"
_UNDERSTANDING = "understanding"


def save_checkpoint(
    model: MedSegR, folder: str | Path, *, dtype: torch.dtype | None = None, readme: str | None = None
) -> None:
    """Write a model into a folder.

    Parameters
    ----------
    model
        What is written.
    folder
        Made if it is not there.
    dtype
        Number type of the stored weights (torch.float16 halves the file); as they are if omitted.
        Statistics and position codes keep their own.
    readme
        The model card, if it is to be written too.
    """
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"medsegr": model.config.to_dict(), "grounding": model.grounding.config.to_dict()}
    (folder / "config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    learned = {name for name, _ in model.named_parameters()}
    state = {
        key: _stored(value, dtype if key in learned else None) for key, value in _own_state(model).items()
    }
    save_file(state, folder / _WEIGHTS)
    model.understanding.save_pretrained(folder / _UNDERSTANDING, dtype)
    if model.calibration:
        text = json.dumps(dict(model.calibration), indent=2) + "\n"
        (folder / "calibration.json").write_text(text, encoding="utf-8")
    if readme is not None:
        (folder / "README.md").write_text(readme, encoding="utf-8")


def load_checkpoint(folder: str | Path, precision: Precision = "auto") -> MedSegR:
    """Read a model from a folder, ready to be asked.

    Parameters
    ----------
    folder
        As `save_checkpoint` wrote it.
    precision
        Number type to compute in; "auto" takes bf16 on processors that have units for it.

    Raises
    ------
    CheckpointError
        If a file is not there, or a weight is missing, not known or of another shape; the sentence names it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder} is not a model folder: it holds no config.json.")
    settings = read_json(folder / "config.json")
    try:
        config = MedSegRConfig.from_dict(settings["medsegr"])
        for plane in (config.plane, *config.other_planes):
            Plane(plane)
        sizes = GroundingConfig.from_dict(settings["grounding"])
        refuse_misfits(config, sizes)
        grounding = Grounding(sizes)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / 'config.json'} is not a model's: {first_line(error)}.") from error
    model = MedSegR(Understanding.from_pretrained(folder / _UNDERSTANDING), grounding, config)
    try:
        state = load_file(folder / _WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder / _WEIGHTS} cannot be read: {first_line(error)}.") from error
    _load_own_state(model, state, folder / _WEIGHTS)
    model.calibration = read_calibration(folder)
    return set_precision(model.eval(), precision)


def open_model(name_or_path: str | Path, precision: Precision = "auto") -> MedSegR:
    """Open a model by its name ("mini") or its folder.

    Raises
    ------
    CheckpointError
        If there is neither such a name nor such a folder; the sentence lists the names.
    """
    return load_checkpoint(model_folder(name_or_path), precision)


def read_calibration(folder: str | Path) -> dict[str, Any]:
    """What `calibration.json` of a model's folder says; empty if there is none."""
    path = Path(folder) / "calibration.json"
    return read_json(path) if path.is_file() else {}


def set_precision(model: MedSegR, precision: Precision) -> MedSegR:
    """Bring a model to a number type; position codes of the prompt encoder stay fp32 in any."""
    if precision not in ("auto", "bf16", "fp32"):
        raise ValueError(f"The precision {precision} is not one of auto, bf16, fp32.")
    fast = precision == "bf16" or (precision == "auto" and _bf16_is_fast(model.device))
    return model.to(torch.bfloat16 if fast else torch.float32)


def _bf16_is_fast(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Both measured with `medsegr benchmark`: with either unit an answer takes about half of the fp32 time.
    return device.type == "cpu" and bool(
        torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    )


def _own_state(model: nn.Module) -> dict[str, Tensor]:
    return {key: value for key, value in model.state_dict().items() if not key.startswith("understanding.")}


def _stored(value: Tensor, dtype: torch.dtype | None) -> Tensor:
    value = value.detach().cpu()
    return value.to(dtype).contiguous() if dtype is not None else value.contiguous()


def _load_own_state(model: MedSegR, state: dict[str, Tensor], path: Path) -> None:
    own = _own_state(model)
    wrong = {
        "missing": [key for key in own if key not in state],
        "unexpected": [key for key in state if key not in own],
        "of another shape": [k for k, v in own.items() if k in state and state[k].shape != v.shape],
    }
    told = [f"{kind}: {', '.join(sorted(keys)[:8])}" for kind, keys in wrong.items() if keys]
    if told:
        raise CheckpointError(f"{path} does not fit its config.json, {'; '.join(told)}.")
    model.load_state_dict({k: v.to(own[k].dtype) for k, v in state.items()}, strict=False)


def refuse_misfits(config: MedSegRConfig, sizes: GroundingConfig) -> None:
    """Raise ValueError where slices as the model is given them are not what its encoder takes."""
    channels = sizes.in_channels if sizes.encoder == "pyramid" else 3
    if len(config.slice_offsets_mm) != channels:
        raise ValueError(f"{len(config.slice_offsets_mm)} slice_offsets_mm, but {channels} channels")
    if max(config.picture_channels) >= channels:
        raise ValueError(f"picture_channels {config.picture_channels}, but {channels} channels")
    # The positions of a vision transformer are learnt for one size.
    square = (config.canvas_sizes[0],) * 2 if len(config.canvas_sizes) == 1 else None
    if sizes.encoder == "vit" and square != tuple(sizes.image_size):
        raise ValueError(f"canvas_sizes {config.canvas_sizes}, but slices of {sizes.image_size} only")
