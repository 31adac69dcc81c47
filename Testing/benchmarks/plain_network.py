"""A plain slice network to compare the model with: the same pyramid, the same slices, no prompt and no word.

    python Testing/benchmarks/plain_network.py --data ../shared/data --steps 4000 -o plain
    medsegr evaluate ../shared/data --model plain/checkpoint --suite plain

It reads every pixel with one head and is trained with the dense loss of the grounding stage alone, on what
the recipe of the shipped model makes. Language model and mask decoder of what is written are as they were
drawn; the suite "plain" uses neither. The same command goes on after a stop.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from MedSegRLib.model import save_checkpoint
from MedSegRLib.model.grounding import Grounding
from MedSegRLib.resources import resource_path
from MedSegRLib.training.grounding_stage import GroundingBatch, GroundingBatches, dense_losses
from MedSegRLib.training.loop import run_stage
from MedSegRLib.training.recipe import Recipe


class PlainStage:
    """Encoder and head with the dense loss."""

    name = "plain"

    def __init__(self, grounding: Grounding, batches: GroundingBatches) -> None:
        self.batches = batches
        self.modules = nn.ModuleDict(
            {"encoder": grounding.image_encoder, "head": grounding.mask_decoder.semantic_head}
        )

    def losses(self, batch: GroundingBatch) -> Mapping[str, Tensor]:
        """Dense terms over all slices."""
        image = self.modules["encoder"](batch.images.contiguous(memory_format=torch.channels_last))
        read = self.modules["head"](image.fine[2])
        return dense_losses(read, batch.structure.long(), batch.side, batch.unknown)


def main() -> None:
    """Train and write the network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("-o", "--output", type=Path, default=Path("plain"))
    given = parser.parse_args()
    given.output.mkdir(exist_ok=True)
    recipe = Recipe(resource_path("Recipes", "mini.toml"), given.data, given.output)
    model = recipe.model()
    stage = PlainStage(model.grounding, recipe.grounding_stage(model).batches)
    config = replace(recipe.loop("grounding"), steps=given.steps)
    averaged = run_stage(
        stage,
        config,
        given.output,
        watch=lambda told: print(told, flush=True) if told.step % 50 == 0 else None,
    )
    stage.modules.load_state_dict(averaged.state_dict())
    save_checkpoint(model.eval(), given.output / "checkpoint", dtype=torch.float16)


if __name__ == "__main__":
    main()
