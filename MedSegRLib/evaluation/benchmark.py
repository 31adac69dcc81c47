"""Benchmark: how long an answer takes on this machine, and what of it is remembered."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from MedSegRLib.answers import Answer
from MedSegRLib.imaging import Volume
from MedSegRLib.model import MedSegR
from MedSegRLib.reasoning import Session

from .asking import found_parts
from .metrics import dice

__all__ = ["Benchmark", "Machine", "benchmark", "benchmark_markdown"]

QUESTION = "Outline the left hippocampus."
FOLLOW_UP = "And the one on the other side?"


@dataclass(frozen=True)
class Machine:
    """What the numbers were measured on."""

    processor: str
    capability: str
    cores: int
    threads: int
    bf16: str
    torch_version: str

    @classmethod
    def here(cls) -> Machine:
        """This machine."""
        # Without these units bf16 runs, but is emulated.
        amx = torch.cpu._is_amx_tile_supported()
        fast = "AMX" if amx else "AVX-512 BF16" if torch.cpu._is_avx512_bf16_supported() else "no"
        # What torch names is the widest vectors; it tells of no tiles.
        capability = torch.backends.cpu.get_cpu_capability()
        return cls(
            platform.processor() or platform.machine(),
            f"{capability} and AMX" if amx else capability,
            os.cpu_count() or 1,
            torch.get_num_threads(),
            fast,
            str(torch.__version__),
        )


@dataclass(frozen=True)
class Benchmark:
    """Seconds, gigabytes and agreement.

    `per_slice_new` counts encoding, `per_slice_known` is with remembered embeddings; both are of one
    answer over all slices. `generate` is asked in its own session with the same two questions, so it too
    has remembered embeddings, batched slices and a KV cache. `dice` is of the masks of `ground` with
    those of `generate`, over the parts that either shows; None where neither shows any.
    """

    machine: Machine
    model: str
    dtype: str
    shape_kji: tuple[int, int, int]
    slices: int
    first: float
    follow_up: float
    again: float
    generate_first: float
    generate_follow_up: float
    dice: float | None
    peak_gb: float | None

    @property
    def per_slice_new(self) -> float:
        """Seconds per slice of the first question."""
        return self.first / self.slices

    @property
    def per_slice_known(self) -> float:
        """Seconds per slice of the same question asked again."""
        return self.again / self.slices


def benchmark(
    model: MedSegR, volume: Volume, question: str = QUESTION, follow_up: str = FOLLOW_UP
) -> Benchmark:
    """Measure a model on a scan; nothing is warmed up, as for a user.

    Parameters
    ----------
    model, volume
        Who is asked about what.
    question, follow_up
        One target each.
    """
    session = Session(volume, model)
    answer, first = _timed(lambda: session.ask(question))
    _, later = _timed(lambda: session.ask(follow_up))
    session.forget()
    _, again = _timed(lambda: session.ask(question))
    writing = Session(volume, model)
    written, generate_first = _timed(lambda: writing.ask(question, mode="generate"))
    _, generate_later = _timed(lambda: writing.ask(follow_up, mode="generate"))
    slices = max(1, len(answer.provenance.slices_looked_at))
    parameter = next(model.parameters())
    return Benchmark(
        Machine.here(),
        f"{model.config.name} {model.config.version}",
        str(parameter.dtype).removeprefix("torch."),
        volume.shape_kji,
        slices,
        first,
        later,
        again,
        generate_first,
        generate_later,
        _agreement(answer, written),
        _peak_gb(),
    )


def _timed(work: Callable[[], Answer]) -> tuple[Answer, float]:
    start = time.perf_counter()
    answer = work()
    return answer, time.perf_counter() - start


def _agreement(one: Answer, other: Answer) -> float | None:
    here, there = found_parts(one), found_parts(other)
    nothing = np.zeros(one.volume.shape_kji, np.bool_)
    parts = sorted(set(here) | set(there), key=str)
    values = [dice(here.get(p, (nothing, 0.0))[0], there.get(p, (nothing, 0.0))[0]) for p in parts]
    return float(np.mean(values)) if values else None


def _peak_gb() -> float | None:
    """Most memory that this process ever had, gigabytes; None on Windows, which does not keep it."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6 / 1.024)


def benchmark_markdown(result: Benchmark) -> str:
    """Write it as Markdown; ratios beside seconds, since seconds are this machine's own."""
    machine = result.machine
    k, j, i = result.shape_kji
    rows: list[tuple[str, Any, Any]] = [
        ("first question", result.first, result.generate_first),
        ("follow-up", result.follow_up, result.generate_follow_up),
    ]
    lines = [
        f"# Benchmark of {result.model}",
        "",
        f"{machine.processor}, {machine.capability}, {machine.cores} cores, {machine.threads} threads, "
        f"fast bf16: {machine.bf16}, torch {machine.torch_version}; weights in {result.dtype}; "
        f"scan of {k} x {j} x {i} voxels, {result.slices} slices looked at.",
        "",
        "| | ground, s | generate, s | generate / ground |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {name} | {a:.2f} | {b:.2f} | {b / a:.1f} |" for name, a, b in rows),
        "",
        "| one answer over all slices | s per slice |",
        "| --- | ---: |",
        f"| with encoding | {result.per_slice_new:.3f} |",
        f"| embeddings remembered | {result.per_slice_known:.3f} |",
        "",
        ("" if result.peak_gb is None else f"Peak memory: {result.peak_gb:.2f} GB. ")
        + "Dice of the masks of both ways: "
        + ("neither showed one." if result.dice is None else f"{result.dice:.3f}."),
    ]
    return "\n".join(lines) + "\n"
