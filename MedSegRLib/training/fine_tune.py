"""Fine-tuning: a large model learns from a MedSeg-QA data set, by a short recipe.

The stage `joint` trains adapters, new words, prompts and mask decoder together; `masks` lets the language
model rest. What was learnt is merged, so that the result is a plain model folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from MedSegRLib.errors import UserInputError
from MedSegRLib.model.medsegr import MedSegR

from .adapters import Adapters
from .conversations import ConversationBatches, read_parts
from .events import Watch, nobody
from .fine_tune_stage import FineTuneStage
from .loop import fast_precision, run_stage
from .processes import Processes
from .recipe_file import hold_to, loop_config, read_recipe
from .record import sha256_of, write_trained
from .starting import starting_model

__all__ = ["STAGES", "fine_tune", "has_development"]

STAGES = ("joint", "masks")
_KEYS = {"lora": ("rank", "alpha"), "batch": ("slices",)}


def fine_tune(
    path: Path,
    work: Path,
    *,
    data: Path,
    checkpoint: Path | None = None,
    only: Sequence[str] = STAGES,
    start: Path | None = None,
    judge: Callable[[MedSegR], float] | None = None,
    watch: Watch = nobody,
) -> None:
    """Train by a recipe with a part `lora` and write the checkpoint folder, adapters merged.

    Parameters
    ----------
    path
        The recipe; see Resources/Recipes/lora.toml.
    work
        Where states and logs go; a run that lies there goes on.
    data
        A MedSeg-QA file (.jsonl).
    checkpoint
        Where the model goes; `work`/checkpoint if omitted.
    only
        Stages to run; those before them must have been finished in `work`.
    start
        A MedSeg-R folder in place of what the recipe starts from.
    judge
        Scores a model by its free answers about the development part, higher is better.
    watch
        Is told how far it is.

    Raises
    ------
    UserInputError
        If recipe, start or data cannot be used, or the recipe of a run has changed.
    """
    values = read_recipe(path)
    sizes = _sizes(values)
    configs = {name: loop_config(values, name) for name in STAGES}
    parts = read_parts(data)
    if any(config.evaluate_every for config in configs.values()) and not parts.get("development"):
        raise UserInputError(
            f"{data} has no item in the split development, which evaluate_every of the recipe needs; "
            "divide it with medsegr dataset split."
        )
    processes = Processes(cpu=False)
    device = processes.device
    precision = fast_precision(device)
    begin = values["start"] if start is None else {"model": str(start)}
    rests_on = {**values, "start": begin, "data": sha256_of(data)}
    hold_to(rests_on, work, STAGES, write=processes.is_main)
    torch.manual_seed(int(values["seed"]))
    model = starting_model(begin, values.get("model", {}), parts["train"], precision).to(device)
    for item in (*parts["train"], *parts.get("development", ())):
        if item.slices is not None and item.plane.value != model.config.plane:
            raise UserInputError(
                f"{item.id} is about {item.plane.value} slices, but the model reads {model.config.plane} "
                "ones; leave it out, or set plane in [model]."
            )
    adapters = Adapters(model, rank=sizes["rank"], alpha=sizes["alpha"])

    def score() -> float:
        assert judge is not None
        with torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32):
            return judge(model)

    for number, name in enumerate(STAGES):
        if name not in only and not (work / f"{name}.safetensors").exists():
            continue
        batches = ConversationBatches(
            parts["train"], data.parent, model.config, model.grounding.config.encoder,
            slices=sizes["slices"], words=name == "joint", seed=int(values["seed"]) + number,
        )  # fmt: skip
        stage = FineTuneStage(name, model, batches, adapters.trained(language=name == "joint"))
        averaged = run_stage(
            stage, configs[name], work, precision=precision, processes=processes, watch=watch,
            score=None if judge is None else score,
        )  # fmt: skip
        stage.modules.load_state_dict(averaged.state_dict())
    adapters.merge()
    if processes.is_main:
        write_trained(
            model, checkpoint or work / "checkpoint", work, recipe=values, stages=STAGES, data=data.parent,
            files=[data],
        )  # fmt: skip


def has_development(data: Path) -> bool:
    """Whether a data set has something to be judged by."""
    return bool(read_parts(data).get("development"))


def _sizes(values: dict[str, Any]) -> dict[str, int]:
    """Rank and alpha of the adapters, and slices of a batch."""
    found: dict[str, int] = {}
    for part, keys in _KEYS.items():
        table = values.get(part, {})
        unknown = [key for key in table if key not in keys]
        if unknown:
            raise UserInputError(f"[{part}] has the unknown key {unknown[0]}; use {', '.join(keys)}.")
        for key in keys:
            number = table.get(key)
            if not isinstance(number, int) or number < 1:
                raise UserInputError(
                    f"{key} of [{part}] in the recipe is {'missing' if number is None else number}; "
                    "write a whole number from 1."
                )
            found[key] = number
    return found
