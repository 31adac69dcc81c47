"""Recipe files: read with a sentence for what is missing, and held to while a run goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from MedSegRLib.errors import UserInputError
from MedSegRLib.imaging import atomic_path

from .loop import LoopConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["hold_to", "loop_config", "read_recipe"]

# What may change on the way, since the result does not depend on it.
_FREE = ("workers", "save_every")
_RECORD = "recipe.json"


def read_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe.

    Raises
    ------
    UserInputError
        If it cannot be read, or has neither the parts of a recipe from scratch nor those of a fine-tuning.
    """
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserInputError(f"The recipe {path} cannot be read: {error}.") from error
    example = "lora.toml" if "lora" in values else "mini.toml"
    parts = (
        ("seed", "start", "lora", "stage")
        if "lora" in values
        else ("seed", "model", "tokenizer", "data", "stage")
    )
    for part in parts:
        if part not in values:
            raise UserInputError(f"The recipe {path} has no {part}; see Resources/Recipes/{example}.")
        if not isinstance(values[part], int if part == "seed" else dict):
            kind = "a whole number" if part == "seed" else f"a table [{part}]"
            raise UserInputError(
                f"{part} in the recipe {path} is not {kind}; see Resources/Recipes/{example}."
            )
    return values


def loop_config(values: Mapping[str, Any], stage: str) -> LoopConfig:
    """How a recipe wants a stage to be run.

    Raises
    ------
    UserInputError
        If the stage or something that it needs is missing, or a key is unknown.
    """
    settings = values["stage"].get(stage)
    if not isinstance(settings, Mapping):
        raise UserInputError(
            f"The recipe has no table [stage.{stage}]; write one with steps and learning_rate."
        )
    known = [field.name for field in fields(LoopConfig)]
    unknown = [key for key in settings if key not in known]
    if unknown:
        raise UserInputError(f"[stage.{stage}] has the unknown key {unknown[0]}; use {', '.join(known)}.")
    for key in ("steps", "learning_rate"):
        if key not in settings:
            raise UserInputError(f"[stage.{stage}] of the recipe has no {key}; add it.")
    for key in ("steps", "accumulate"):
        number = settings.get(key, 1)
        if not isinstance(number, int) or number < 1:
            raise UserInputError(f"{key} of [stage.{stage}] is {number}; use a whole number from 1.")
    return LoopConfig(**settings)


def hold_to(values: Mapping[str, Any], folder: Path, stages: Sequence[str], *, write: bool = True) -> None:
    """Refuse to go on with a run by a recipe that has changed; the first time, write down what it says.

    Stages without a state in the folder may change, and so may what no result depends on. Of several
    processes one has to `write`.

    Raises
    ------
    UserInputError
        If a value that the run rests on is another one; the sentence names its key.
    """
    record = folder / _RECORD
    begun = [stage for stage in stages if (folder / f"{stage}.safetensors").exists()]
    if record.exists() and begun:
        then, now = (dict(_flat(v)) for v in (json.loads(record.read_text(encoding="utf-8")), values))
        for key in sorted({*then, *now}):
            part, _, rest = key.partition(".")
            stage, _, name = rest.partition(".")
            if part == "stage" and (stage not in begun or name in _FREE):
                continue
            if then.get(key) != now.get(key):
                raise UserInputError(
                    f"The run in {folder} was begun with {key} = {_told(then.get(key))}, and now it is "
                    f"{_told(now.get(key))}; change it back, or name another folder with --output."
                )
    if not write:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(record) as partial:
        partial.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _told(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value)
