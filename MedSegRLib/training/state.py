"""Training state on disk: written whole or not at all, and read back to the same next step.

Tensors go to safetensors and plain numbers to JSON, so that no pickle is ever opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

__all__ = ["load_state", "save_state"]


def save_state(
    path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer, step: int
) -> None:
    """Write every module, the optimizer's moments and the number of finished steps to one file."""
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            tensors[f"module/{name}/{key}"] = value.detach().clone().contiguous()
    for index, slots in optimizer.state_dict()["state"].items():
        for slot, value in slots.items():
            tensors[f"optimizer/{index}/{slot}"] = torch.as_tensor(value).detach().clone().contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(tensors, str(partial), metadata={"step": json.dumps(step)})
    os.replace(partial, path)


def load_state(path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer | None) -> int:
    """Restore what `save_state` wrote, strictly; return the number of finished steps."""
    from safetensors import safe_open

    tensors = load_file(str(path))
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
    with safe_open(str(path), framework="pt") as opened:
        return int(json.loads(opened.metadata()["step"]))
