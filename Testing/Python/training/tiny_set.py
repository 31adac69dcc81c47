"""A MedSeg-QA data set small enough to train on in a test: a few conversations of the example's phantoms."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from MedSegRLib.dataset.format import Item, read_items, write_items
from MedSegRLib.model import save_checkpoint, tiny_model

EXAMPLE = Path(__file__).resolve().parents[3] / "Examples" / "medsegqa"

RECIPE = """
seed = 5
[start]
model = "{model}"
[model]
name = "tuned"
key_slices = 2
max_answer_tokens = 6
[lora]
rank = 2
alpha = 4
[batch]
slices = 2
[stage.joint]
steps = 10
learning_rate = 2e-2
warmup = 2
save_every = 3
workers = 0
evaluate_every = 5
patience = 3
[stage.masks]
steps = 2
learning_rate = 1e-2
warmup = 1
workers = 0
evaluate_every = 2
"""


def items_of(patient: str, split: str, count: int) -> list[Item]:
    """The shortest conversations about a phantom that name something with a mask in their first exchange."""
    found = [
        replace(item, split=split, exchanges=item.exchanges[:1])
        for item in read_items(EXAMPLE / "items.jsonl")
        if item.patient == patient and any(target.mask for target in item.exchanges[0].targets)
    ]
    whole = [item for item in found if item.slices is None][:1]
    return [*whole, *[item for item in found if item.slices is not None][: count - 1]]


def write_set(folder: Path) -> Path:
    """Write the data set: a brain to train on, an abdomen to be judged by."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("images", "labels"):
        shutil.copytree(EXAMPLE / part, folder / part)
    path = folder / "items.jsonl"
    items = [*items_of("phantom-brain", "train", 3), *items_of("phantom-abdomen", "development", 1)]
    write_items(path, items)
    return path


def write_recipe(folder: Path, **changes: str) -> Path:
    """Write the recipe and the model that it starts from; `changes` replace what stands before the =."""
    model = folder / "start"
    if not model.exists():
        save_checkpoint(tiny_model(5), model)
    text = RECIPE.format(model=model.as_posix())
    for key, value in changes.items():
        assert f"{key} = " in text
        text = "\n".join(
            f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in text.split("\n")
        )
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path
