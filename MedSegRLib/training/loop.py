"""The training loop that every stage shares: warm-up, cosine, averaging of weights, resuming.

A batch is made from its number alone, so a run that was stopped meets the same batches again. On one thread
it ends with the same bits; with more the last digits depend on how many added up, which the clock decides.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from .events import Scored, StepDone, Watch, nobody
from .processes import Processes
from .state import append_row, load_state, load_weights, read_notes, save_state, save_weights, weights_of
from .stopping import EarlyStopping
from .threads import ThreadTuner

__all__ = ["LoopConfig", "Stage", "fast_precision", "run_stage"]


class Stage(Protocol):
    """What a stage brings: its modules, its numbered batches and its loss."""

    name: str
    modules: nn.ModuleDict

    @property
    def batches(self) -> Dataset[Any]:
        """Numbered batches."""

    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        """Return the named, already weighted terms of the loss for one batch; every batch has the same."""


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast.

    A step takes `accumulate` batches, shared out over the processes. `rates` multiply the learning rate of
    parameters whose name contains the key; `decay` is that of the averaged weights. `evaluate_every` and
    `patience` are those of `EarlyStopping`.
    """

    steps: int
    learning_rate: float
    weight_decay: float = 0.01
    warmup: int = 100
    clip: float = 2.0
    accumulate: int = 1
    rates: Mapping[str, float] = field(default_factory=dict)
    decay: float = 0.998
    save_every: int = 200
    workers: int = 1
    evaluate_every: int = 0
    patience: int = 0


def learning_rate_at(step: int, config: LoopConfig) -> float:
    """Linear warm-up, then one cosine down to a hundredth."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    progress = min(1.0, (step - config.warmup) / max(1, config.steps - config.warmup))
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def fast_precision(device: torch.device | None = None) -> torch.dtype:
    """bf16 where there are units for it: on such a card, or a processor with AMX tiles; else fp32.

    Without tiles fp32 is the faster step by the log of a stage.
    """
    if device is not None and device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if torch.cpu._is_amx_tile_supported() else torch.float32


def run_stage(
    stage: Stage,
    config: LoopConfig,
    folder: Path,
    *,
    precision: torch.dtype | None = None,
    processes: Processes | None = None,
    watch: Watch = nobody,
    score: Callable[[], float] | None = None,
) -> nn.ModuleDict:
    """Train a stage to its last step, or until it no longer improves, resuming from a state in `folder`.

    Parameters
    ----------
    stage, config, folder
        What is trained, how long, and where its state lies.
    precision
        Number type of the forward pass; None for `fast_precision()`.
    processes
        Who shares the work; None for this process alone, on its processor.
    watch
        Is told of every step and score, in the main process.
    score
        How good the modules of the stage are just now, higher is better; called where `config` says so,
        in the main process, while they have the averaged weights.

    Returns
    -------
    The averaged weights, the best ones where they were scored, in modules of the same names. Losses are
    appended to `<stage>.jsonl`, scores to `<stage>.scores.jsonl`.

    Raises
    ------
    OutputError
        If a state or log cannot be written; the state before stays.
    UserInputError
        If the processes cannot share a step out.
    """
    processes = Processes(cpu=True) if processes is None else processes
    precision = fast_precision(processes.device) if precision is None else precision
    groups = _groups(stage.modules, config.rates)
    parameters = [p for group in groups for p in group["params"]]
    optimizer = torch.optim.AdamW(
        groups, lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98)
    )
    averaged = copy.deepcopy(stage.modules).requires_grad_(False)
    state, best = folder / f"{stage.name}.safetensors", folder / f"{stage.name}.best.safetensors"
    both: dict[str, nn.Module] = {"live": stage.modules, "averaged": averaged}
    stopping, step = EarlyStopping(config.evaluate_every, config.patience), 0
    if state.exists():
        step = load_state(state, both, optimizer)
        stopping.recall(read_notes(state))
    processes.wait()
    folder.mkdir(parents=True, exist_ok=True)
    numbers = processes.numbers(step, config.steps, config.accumulate, stage.name)
    loader = DataLoader(Subset(stage.batches, numbers), batch_size=None, num_workers=config.workers)
    batches: Iterator[Any] = iter(() if stopping.is_over else loader)
    stage.modules.train()
    started, first = time.monotonic(), step
    threads = ThreadTuner(torch.get_num_threads())
    while step < config.steps and not stopping.is_over:
        threads.before_step()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, config) * group["rate"]
        optimizer.zero_grad(set_to_none=True)
        terms = _backward(stage, batches, config.accumulate, precision, processes)
        processes.sum_gradients(parameters)
        processes.mean_statistics(stage.modules)
        processes.accelerator.clip_grad_norm_(parameters, config.clip)
        optimizer.step()
        step += 1
        _average(averaged, stage.modules, min(config.decay, step / (step + 20)))
        if processes.is_main:
            seconds = (time.monotonic() - started) / (step - first)
            _log(folder / f"{stage.name}.jsonl", step, terms, seconds)
            watch(StepDone(stage.name, step, config.steps, terms, seconds))
        due = score is not None and stopping.is_due(step, config.steps)
        if score is not None and due:
            value = 0.0
            if processes.is_main:
                with weights_of(averaged, stage.modules):
                    value = score()
            scored = Scored(stage.name, step, value := processes.from_main(value), stopping.take(step, value))
            if processes.is_main:
                if scored.is_best:
                    save_weights(best, averaged)
                append_row(folder / f"{stage.name}.scores.jsonl", {"step": step, "score": round(value, 4)})
                watch(scored)
        if processes.is_main and (due or step % config.save_every == 0 or step == config.steps):
            save_state(state, both, optimizer, step, stopping.to_notes())
    processes.wait()
    if stopping.best_step:
        load_weights(best, averaged)
    return averaged.eval()


def _backward(
    stage: Stage, batches: Iterator[Any], accumulate: int, precision: torch.dtype, processes: Processes
) -> dict[str, float]:
    """Add up the gradients of this process's batches of a step; the terms of the loss, of all batches."""
    terms: dict[str, Tensor] = {}
    for _ in range(accumulate // processes.count):
        with torch.autocast(processes.device.type, dtype=precision, enabled=precision != torch.float32):
            found = stage.losses(next(batches))
        shares = {name: term.float() / accumulate for name, term in found.items()}
        processes.accelerator.backward(torch.stack(list(shares.values())).sum())
        terms = {name: terms.get(name, 0) + share.detach() for name, share in shares.items()}
    values = processes.sum(torch.stack(list(terms.values()))).tolist()
    return dict(zip(terms, values, strict=True))


def _log(path: Path, step: int, terms: Mapping[str, float], seconds_per_step: float) -> None:
    if step % 10 == 0 or step <= 5:
        row: dict[str, float] = {"step": step, **{name: round(value, 4) for name, value in terms.items()}}
        row["threads"], row["seconds_per_step"] = torch.get_num_threads(), round(seconds_per_step, 3)
        append_row(path, row)


def _groups(modules: nn.Module, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """Parameters that learn, grouped by the multiple of the learning rate that they take."""
    by_rate: dict[float, list[nn.Parameter]] = {}
    for name, parameter in modules.named_parameters():
        if parameter.requires_grad:
            rate = next((r for key, r in rates.items() if key in name), 1.0)
            by_rate.setdefault(rate, []).append(parameter)
    return [{"params": parameters, "rate": rate} for rate, parameters in by_rate.items()]


@torch.no_grad()
def _average(averaged: nn.Module, live: nn.Module, decay: float) -> None:
    for old, new in zip(averaged.state_dict().values(), live.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new.detach(), 1 - decay)
        else:
            old.copy_(new)
