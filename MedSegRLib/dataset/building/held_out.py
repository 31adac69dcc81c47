"""Held out: the questions that judge a model, which no training data may share words with."""

from __future__ import annotations

import json
from pathlib import Path

from MedSegRLib.resources import resource_path

__all__ = ["held_out_questions"]


def held_out_questions() -> list[str]:
    """Questions of every file `Resources/Evaluation/implicit*.jsonl`."""
    files = sorted(Path(resource_path("Evaluation")).glob("implicit*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [json.loads(line)["question"] for line in lines]
