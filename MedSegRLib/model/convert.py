"""Convert: a SAM or MedSAM `.pth` read once, with nothing in it executed, and written as safetensors."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from MedSegRLib.errors import CheckpointError, OutputError

from .pretrained import first_line

__all__ = ["convert_sam", "read_sam"]

_PARTS = ("image_encoder.", "prompt_encoder.", "mask_decoder.")


def convert_sam(pth: str | Path, out: str | Path) -> Path:
    """Write the weights of a SAM-type `.pth` as safetensors.

    Parameters
    ----------
    pth
        A file of segment-anything's or MedSAM's layout.
    out
        The `.safetensors` file to write; `Grounding.load_segment_anything` takes what `read_sam` reads of it.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    CheckpointError
        If the file is not there, is not a SAM checkpoint, or wants code to be run.
    OutputError
        If `out` cannot be written.
    """
    from safetensors.torch import save_file

    pth, out = Path(pth), Path(out)
    state = _weights_only(pth)
    if out.suffix != ".safetensors" or not out.parent.is_dir():
        raise OutputError(f"{out} cannot be written; give a .safetensors file in a folder that exists.")
    save_file({key: value.contiguous().clone() for key, value in state.items()}, out)
    return out


def read_sam(path: str | Path) -> dict[str, Tensor]:
    """Read what `convert_sam` wrote."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {first_line(error)}.") from error


def _weights_only(pth: Path) -> dict[str, Tensor]:
    if not pth.is_file():
        raise CheckpointError(f"{pth} is not there; give a .pth file of SAM or MedSAM.")
    try:
        found = torch.load(pth, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{pth} holds more than weights, or is no checkpoint, and was not opened; give another file."
        ) from error
    except (RuntimeError, EOFError, OSError) as error:
        raise CheckpointError(f"{pth} cannot be read as a checkpoint: {first_line(error)}.") from error
    if isinstance(found, dict) and isinstance(found.get("model"), dict):
        found = found["model"]
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise CheckpointError(f"{pth} is not a table of weights; give a .pth file of SAM or MedSAM.")
    state = {str(key).removeprefix("module."): value for key, value in found.items()}
    if not all(any(key.startswith(part) for key in state) for part in _PARTS):
        raise CheckpointError(f"{pth} is not a SAM checkpoint: it lacks one of {', '.join(_PARTS)}")
    return state
