"""Reading without a question: classes and sides become parts, and a model without such a head is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from MedSegRLib.anatomy import Side
from MedSegRLib.errors import UserInputError
from MedSegRLib.evaluation.cases import Case
from MedSegRLib.evaluation.plain import plain, read_parts
from MedSegRLib.imaging import Volume
from MedSegRLib.model import MedSegR, tiny_model
from MedSegRLib.model.grounding import Grounding


@pytest.fixture
def reader() -> MedSegR:
    """A model whose semantic head says the same of every pixel: structure 1, on the left."""
    model = tiny_model(0)
    model.grounding = Grounding(replace(model.grounding.config, semantic_classes=2)).eval()
    head = model.grounding.mask_decoder.semantic_head
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor([0.0, 3.0, 1.0, 2.0]))
    return model


@pytest.fixture
def small() -> Volume:
    values = np.random.default_rng(0).random((4, 30, 28), np.float32)
    return Volume(values, np.diag([-1.0, -1.0, 1.0, 1.0]))


@pytest.mark.parametrize(("bias", "side"), [(2.0, Side.LEFT), (-2.0, Side.RIGHT)])
def test_the_likeliest_class_and_its_side_are_the_mask(
    reader: MedSegR, small: Volume, bias: float, side: Side
) -> None:
    with torch.no_grad():
        reader.grounding.mask_decoder.semantic_head.bias[-1] = bias
    found = read_parts(reader, small)
    assert set(found) == {("hippocampus", side)}
    assert found[("hippocampus", side)].all()


def test_background_is_no_part(reader: MedSegR, small: Volume) -> None:
    with torch.no_grad():
        reader.grounding.mask_decoder.semantic_head.bias[0] = 9.0
    assert read_parts(reader, small) == {}


def test_what_is_read_is_scored_and_tells_no_confidence(reader: MedSegR, small: Volume) -> None:
    labels = np.full(small.shape_kji, 17, np.int32)
    case = Case("phantoms", "one", "brain", "freesurfer", lambda: (small, labels))
    told: list[str] = []
    (part,) = plain([case], reader, told.append)
    assert part.group == "phantoms, read without a question" and told
    assert part.score.found and part.score.confidence is None


def test_a_model_without_a_semantic_head_is_refused() -> None:
    with pytest.raises(UserInputError, match="no semantic head"):
        list(plain((), tiny_model(0), print))
