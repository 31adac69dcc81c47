"""Threads: as many as are fastest just now."""

from __future__ import annotations

import time

import torch

__all__ = ["ThreadTuner"]


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
