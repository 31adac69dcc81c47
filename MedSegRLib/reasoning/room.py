"""Room: what is done where memory does not hold a batch of slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

__all__ = ["in_halves", "is_memory_full"]

Looked = TypeVar("Looked")


def is_memory_full(error: MemoryError | RuntimeError) -> bool:
    """Whether an error tells of full memory; torch tells it of the processor's as a plain RuntimeError."""
    return isinstance(error, MemoryError) or "memory" in str(error)


def in_halves(look: Callable[[list[int]], list[Looked]], batch: list[int]) -> list[Looked]:
    """Look at a batch of slices; where memory does not hold it, at one half after the other.

    Raises
    ------
    MemoryError, RuntimeError
        If not even a single slice fits.
    """
    try:
        return look(batch)
    except (MemoryError, RuntimeError) as error:
        if not is_memory_full(error) or len(batch) == 1:
            raise
    # Outside the handler, since the error holds on to what was in memory.
    torch.cuda.empty_cache()
    middle = len(batch) // 2
    return [*in_halves(look, batch[:middle]), *in_halves(look, batch[middle:])]
