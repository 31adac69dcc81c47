"""The training loop that every stage shares: warm-up, cosine, averaging of weights, resuming.

A batch is made from its number alone, so a run that was stopped meets the same batches again. On one thread
it ends with the same bits; with more the last digits depend on how many added up, which the clock decides.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from .state import load_state, save_state

__all__ = ["LoopConfig", "Stage", "run_stage"]


class Stage(Protocol):
    """What a stage brings: its modules, its numbered batches and its loss."""

    name: str
    modules: nn.ModuleDict

    @property
    def batches(self) -> Dataset[Any]:
        """Numbered batches."""

    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        """Return the named, already weighted terms of the loss for one batch."""


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast.

    `rates` multiply the learning rate of parameters whose name contains the key; `decay` is that of the
    averaged weights.
    """

    steps: int
    learning_rate: float
    weight_decay: float = 0.01
    warmup: int = 100
    clip: float = 2.0
    rates: Mapping[str, float] = field(default_factory=dict)
    decay: float = 0.998
    save_every: int = 200
    workers: int = 1


def learning_rate_at(step: int, config: LoopConfig) -> float:
    """Linear warm-up, then one cosine down to a hundredth."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    progress = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def fast_precision() -> torch.dtype:
    """bf16 on a processor with AMX tiles; else fp32, a faster step there by the log of a stage."""
    return torch.bfloat16 if torch.cpu._is_amx_tile_supported() else torch.float32


def run_stage(
    stage: Stage, config: LoopConfig, folder: Path, *, precision: torch.dtype | None = None
) -> nn.ModuleDict:
    """Train a stage to its last step, resuming from `folder` if a state lies there.

    Parameters
    ----------
    stage, config, folder
        What is trained, how long, and where its state lies.
    precision
        Number type of the forward pass; None for `fast_precision()`.

    Returns
    -------
    The averaged weights, in modules of the same names. Losses are appended to `<stage>.jsonl`.
    """
    precision = fast_precision() if precision is None else precision
    groups = _groups(stage.modules, config.rates)
    parameters = [p for group in groups for p in group["params"]]
    optimizer = torch.optim.AdamW(
        groups, lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98)
    )
    averaged = copy.deepcopy(stage.modules).requires_grad_(False)
    state, log = folder / f"{stage.name}.safetensors", folder / f"{stage.name}.jsonl"
    both: dict[str, nn.Module] = {"live": stage.modules, "averaged": averaged}
    step = load_state(state, both, optimizer) if state.exists() else 0
    folder.mkdir(parents=True, exist_ok=True)
    remaining = Subset(stage.batches, range(step, config.steps))
    loader = DataLoader(remaining, batch_size=None, num_workers=config.workers)
    stage.modules.train()
    started, first = time.monotonic(), step
    threads = ThreadTuner(torch.get_num_threads())
    for batch in loader:
        threads.before_step()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, config) * group["rate"]
        with torch.autocast("cpu", dtype=precision, enabled=precision != torch.float32):
            terms = stage.losses(batch)
        total = torch.stack([term.float() for term in terms.values()]).sum()
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(parameters, config.clip)
        optimizer.step()
        step += 1
        _average(averaged, stage.modules, min(config.decay, step / (step + 20)))
        if step % 10 == 0 or step <= 5:
            row = {"step": step, **{k: round(float(v.detach()), 4) for k, v in terms.items()}}
            row["threads"] = torch.get_num_threads()
            row["seconds_per_step"] = round((time.monotonic() - started) / (step - first), 3)
            with log.open("a") as out:
                out.write(json.dumps(row) + "\n")
        if step % config.save_every == 0 or step == config.steps:
            save_state(state, both, optimizer, step)
    return averaged.eval()


def _groups(modules: nn.Module, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """Parameters that learn, grouped by the multiple of the learning rate that they take."""
    by_rate: dict[float, list[nn.Parameter]] = {}
    for name, parameter in modules.named_parameters():
        if parameter.requires_grad:
            rate = next((r for key, r in rates.items() if key in name), 1.0)
            by_rate.setdefault(rate, []).append(parameter)
    return [{"params": parameters, "rate": rate} for rate, parameters in by_rate.items()]


class ThreadTuner:
    """Chooses between one thread and all: a busy neighbour makes many threads wait for one another."""

    period, trial = 80, 3

    def __init__(self, threads: int) -> None:
        self.choices = sorted({1, threads})
        self.steps, self.started = 0, time.monotonic()
        self.seconds = {n: 0.0 for n in self.choices}
        self.best = threads
        torch.set_num_threads(threads)

    def before_step(self) -> None:
        """Count the step that has just ended and set the number of threads of the next one."""
        now = time.monotonic()
        if self.steps:
            self.seconds[torch.get_num_threads()] += now - self.started
        place = self.steps % self.period
        if place == 0:
            self.seconds = {n: 0.0 for n in self.choices}
        if place == self.trial * len(self.choices):
            self.best = min(self.choices, key=lambda n: self.seconds[n])
        turn = place // self.trial
        torch.set_num_threads(self.choices[turn] if turn < len(self.choices) else self.best)
        self.steps, self.started = self.steps + 1, now


@torch.no_grad()
def _average(averaged: nn.Module, live: nn.Module, decay: float) -> None:
    for old, new in zip(averaged.state_dict().values(), live.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new.detach(), 1 - decay)
        else:
            old.copy_(new)
