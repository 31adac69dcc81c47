"""Small models with random weights: the shipped architecture, and three published ones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from MedSegRLib.model import MedSegR, Understanding, tiny_model

sys.path.append(str(Path(__file__).resolve().parents[1]))

from tiny_models import FAMILIES

Picture = Callable[[int], np.ndarray]


@pytest.fixture(scope="module", params=["mini", *FAMILIES])
def understanding(request: pytest.FixtureRequest) -> Understanding:
    """Each kind of language model in turn."""
    torch.manual_seed(3)
    if request.param == "mini":
        return tiny_model(3).understanding
    model, processor = FAMILIES[request.param]()
    # The usual tiny initial weights (some of them zero) would let any two states pass for equal.
    words = model.get_input_embeddings().weight
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1 and parameter is not words:
                parameter.normal_(std=0.2)
    return Understanding(model.eval(), processor)


@pytest.fixture
def tiny() -> MedSegR:
    return tiny_model(5)


@pytest.fixture(scope="session")
def picture() -> Picture:
    """Picture number n, uint8 [96, 96, 3]."""
    return lambda n: np.random.default_rng(n).integers(0, 256, (96, 96, 3), dtype=np.uint8)
