"""Fingerprints: what makes an answer stale if it changes, besides the scan: the model and the question."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from MedSegRLib.batch.questions import BatchQuestion
from MedSegRLib.errors import CheckpointError
from MedSegRLib.model.known import model_folder

__all__ = ["model_fingerprint", "question_fingerprints"]

# What a model computes with; its card and its licence change no answer.
_COMPUTED_WITH = (".json", ".safetensors", ".jinja", ".txt", ".model")
_NOT_COMPUTED_WITH = ("training.json",)


def model_fingerprint(name_or_path: str | Path) -> str:
    """SHA-256, hexadecimal, over the files of a model: weights, configuration, vocabulary, calibration.

    Raises
    ------
    CheckpointError
        If there is no such model, or a file of it cannot be read.
    """
    folder = model_folder(name_or_path)
    found = hashlib.sha256()
    try:
        files = sorted(path for path in folder.rglob("*") if path.suffix in _COMPUTED_WITH and path.is_file())
        for path in files:
            if path.name in _NOT_COMPUTED_WITH:
                continue
            found.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    found.update(block)
    except OSError as error:
        raise CheckpointError(f"The model {name_or_path} cannot be read ({error.strerror}).") from error
    return found.hexdigest()


def question_fingerprints(questions: Sequence[BatchQuestion]) -> dict[str, str]:
    """SHA-256 of all that the answer to each question turns on, by the question's id.

    A follow-up turns on what it follows too. Conditions are no part of it: they say which studies are
    asked, and not what.
    """
    found: dict[str, str] = {}
    for question in questions:
        asked = {
            "id": question.id,
            **question.question().to_dict(),
            "after": None if question.after is None else found[question.after],
        }
        found[question.id] = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return found
