"""Processes: what the loop asks of `accelerate`, so that one process and several take the same step.

The batches of a step are shared out by number and their gradients added up over all processes, so the
result does not depend on how many there are, but for the order of additions.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import timedelta

import torch
from torch import Tensor, nn
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from MedSegRLib.errors import UserInputError
from MedSegRLib.extras import import_extra

__all__ = ["Processes"]

# All wait while the main process asks the development questions, which can take hours.
_PATIENCE = timedelta(days=2)
# What torchrun and the launchers of MPI say to each process.
_RANKS = ("LOCAL_RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")


class Processes:
    """The processes of one run, as `accelerate launch` or `torchrun` started them; one if neither did.

    Parameters
    ----------
    cpu
        Whether to leave a graphics card alone.

    Raises
    ------
    UserInputError
        If the package accelerate is missing, or it was asked for several processes and started one.
    """

    def __init__(self, *, cpu: bool) -> None:
        alone = not any(os.environ.get(name) for name in _RANKS)
        if alone and "ACCELERATE_USE_CPU" in os.environ and "MASTER_ADDR" in os.environ:
            raise UserInputError(
                "accelerate launch starts one process on processors, whatever --num_processes says; "
                "start several with: torchrun --nproc_per_node 2 -m MedSegRLib train ..."
            )
        # Without being told, accelerate takes several processes without a card for one each.
        cpu = cpu or not (alone or torch.cuda.is_available())
        accelerate = import_extra("accelerate", "Training", "train")
        waiting = accelerate.InitProcessGroupKwargs(timeout=_PATIENCE)
        self.accelerator = accelerate.Accelerator(cpu=cpu, kwargs_handlers=[waiting])

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def count(self) -> int:
        """How many processes there are."""
        return int(self.accelerator.num_processes)

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and tells how far it is."""
        return bool(self.accelerator.is_main_process)

    def numbers(self, step: int, steps: int, accumulate: int, stage: str) -> range:
        """Numbers of the batches of steps `step` to `steps` that this process makes.

        Raises
        ------
        UserInputError
            If the batches of a step cannot be shared out evenly.
        """
        if accumulate % self.count:
            raise UserInputError(
                f"A step of the stage {stage} has accumulate = {accumulate}, which {self.count} processes "
                f"cannot share evenly; make it a multiple of {self.count}."
            )
        return range(step * accumulate + int(self.accelerator.process_index), steps * accumulate, self.count)

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Add up gradients over the processes; a parameter without one in any of them keeps none."""
        if self.count == 1:
            return
        has = self.sum(torch.tensor([float(p.grad is not None) for p in parameters], device=self.device))
        learning = [p for p, n in zip(parameters, has.tolist(), strict=True) if n]
        for parameter in learning:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        grads = [p.grad for p in learning if p.grad is not None]
        self._replace(grads, 1.0)

    def mean_statistics(self, modules: nn.Module) -> None:
        """Average what modules have counted on their way, such as the statistics of batches."""
        if self.count > 1:
            self._replace([b for b in modules.buffers() if b.is_floating_point()], 1 / self.count)

    def sum(self, values: Tensor) -> Tensor:
        """Sum of a tensor over the processes."""
        summed: Tensor = self.accelerator.reduce(values, reduction="sum")
        return summed

    def from_main(self, value: float) -> float:
        """The main process's number, in all of them."""
        if self.count == 1:
            return value
        given = torch.tensor(value if self.is_main else 0.0, dtype=torch.float64, device=self.device)
        return float(self.sum(given))

    def wait(self) -> None:
        """Wait until all processes have come so far."""
        self.accelerator.wait_for_everyone()

    def _replace(self, tensors: Iterable[Tensor], scale: float) -> None:
        by_type: dict[torch.dtype, list[Tensor]] = {}
        for tensor in tensors:
            by_type.setdefault(tensor.dtype, []).append(tensor)
        for same in by_type.values():
            summed = self.sum(_flatten_dense_tensors(same)) * scale
            for old, new in zip(same, _unflatten_dense_tensors(summed, same), strict=True):
                old.detach().copy_(new)
