"""A stage of two layers and numbered batches, and a program that runs it: `tiny_stage.py FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from MedSegRLib.errors import UserInputError
from MedSegRLib.training.loop import LoopConfig, run_stage
from MedSegRLib.training.processes import Processes

LOOP = LoopConfig(
    steps=6, learning_rate=0.05, warmup=2, accumulate=2, save_every=2, workers=0, evaluate_every=2
)


class TinyBatches(Dataset[tuple[Tensor, Tensor]]):
    """Batch n of a line with noise."""

    def __len__(self) -> int:
        return 1 << 30

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(number)
        x = torch.randn(8, 3, generator=generator)
        return x, x @ torch.tensor([1.0, -2.0, 0.5]) + 0.1 * torch.randn(8, generator=generator)


class TinyStage:
    """Two layers; the second is left out of every other batch, and the third of all."""

    name = "tiny"

    def __init__(self) -> None:
        torch.manual_seed(4)
        self.batches = TinyBatches()
        layers = {"one": nn.Linear(3, 4), "two": nn.Linear(4, 1), "three": nn.Linear(1, 1)}
        self.modules = nn.ModuleDict(layers)
        self.modules["norm"] = nn.BatchNorm1d(3)

    def losses(self, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        x, y = batch
        hidden = self.modules["one"](self.modules["norm"](x))
        flat = self.modules["two"](hidden)[:, 0] if x[0, 0] > 0 else hidden.sum(1)
        return {"square": (flat - y).square().mean(), "size": 0.01 * hidden.abs().mean()}

    def score(self) -> float:
        """How close it comes to a batch that it never saw."""
        with torch.no_grad():
            return -float(sum(self.losses(self.batches[10**6]).values()))


def main(folder: Path) -> None:
    """Run it as one of the processes that a launcher has started."""
    torch.set_num_threads(1)
    processes, stage = Processes(cpu=True), TinyStage()
    run_stage(
        stage, LOOP, folder, precision=torch.float32, processes=processes, score=stage.score,
        watch=lambda event: print("watched", type(event).__name__),
    )  # fmt: skip
    try:
        run_stage(TinyStage(), LoopConfig(steps=1, learning_rate=1.0), folder / "other", processes=processes)
    except UserInputError as error:
        print("refused", error)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
