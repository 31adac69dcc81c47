"""A whole model over segment-anything's own encoder: loss, save, strict reload, and a question asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from MedSegRLib import Session
from MedSegRLib.answers import Finished
from MedSegRLib.errors import CheckpointError
from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.model import MedSegR, load_checkpoint, save_checkpoint, tiny_model
from MedSegRLib.model.conversation import Turn
from MedSegRLib.model.grounding import Grounding, GroundingConfig
from MedSegRLib.model.medsegr import TrainingBatch
from MedSegRLib.reasoning import Calibration
from MedSegRLib.reasoning.talk import conversation


@pytest.fixture
def model() -> MedSegR:
    """The tiny language model with a small vision transformer as image encoder, slices as its colours."""
    tiny = tiny_model(0)
    torch.manual_seed(0)
    grounding = Grounding(
        GroundingConfig(
            encoder="vit", image_size=(64, 64), embed_dim=16, decoder_depth=1, decoder_heads=2,
            decoder_mlp_dim=32, quality_hidden_dim=16, vit_dim=32, vit_depth=2, vit_heads=2, vit_window=2,
        )
    )  # fmt: skip
    config = replace(
        tiny.config, canvas_sizes=(64,), slice_offsets_mm=(-1.0, 0.0, 1.0), picture_channels=(0, 1, 2)
    )
    return MedSegR(tiny.understanding, grounding, config).eval()


@pytest.fixture
def scan() -> Volume:
    values = np.random.default_rng(0).random((5, 40, 40), np.float32) * 500
    return Volume(values, np.diag([-1.0, -1.0, 1.0, 1.0]), Modality.MR)


def test_it_is_asked_as_it_is_and_after_a_reload(model: MedSegR, scan: Volume, tmp_path: Path) -> None:
    seen: list[torch.Tensor] = []
    encode = model.grounding.encode
    model.grounding.encode = lambda images: seen.append(images) or encode(images)  # type: ignore[method-assign]
    all_there = Calibration(0.0, 0.0, mask_threshold_logit=-1000.0)

    def masks(of: MedSegR) -> list[np.ndarray]:
        session = Session(scan, of, calibration=all_there)
        grounder = session._laid_out(None).grounder
        looks = grounder.ground([1, 2], conversation((), "where", "<p>left hippocampus</p>[SEG]"))
        *_, last = session.stream("Where is it?")
        assert isinstance(last, Finished)
        return [row[0].logits.numpy() for row in looks]

    first = masks(model)
    # segment-anything's own colours: mean 0 and deviation 1 of photographs, so beyond 0 to 1.
    assert seen[0].shape[1:] == (3, 64, 64) and float(seen[0].min()) < -1.0
    save_checkpoint(model, tmp_path)
    for one, other in zip(first, masks(load_checkpoint(tmp_path, "fp32")), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-2)


def test_its_loss_reaches_both_halves(model: MedSegR) -> None:
    model.train()
    understanding = model.understanding
    picture = np.zeros((96, 96, 3), np.uint8)
    spoken = (Turn("user", "where"), Turn("assistant", "<p>left hippocampus</p>[SEG]"))
    text = understanding.batch([spoken], [[picture]], answer_open=False, training=True)
    masks = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    masks[..., 20:30, 20:30] = True
    batch = TrainingBatch(text, torch.tensor([0]), torch.rand(1, 3, 64, 64), masks)
    losses = model.training_losses(batch)
    assert set(losses) >= {"text", "mask_ce", "mask_dice", "presence", "quality"}
    torch.stack(list(losses.values())).sum().backward()
    for part in (model.grounding.image_encoder, understanding.model):
        assert any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in part.parameters())


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("slice_offsets_mm", [-1.0, 0.0], "2 slice_offsets_mm, but 3"),
        ("canvas_sizes", [64, 96], "of .64, 64"),
        ("picture_channels", [1, 2, 3], "picture_channels"),
    ],
)
def test_slices_that_do_not_fit_the_encoder_are_refused(
    model: MedSegR, tmp_path: Path, setting: str, value: list[float], sentence: str
) -> None:
    save_checkpoint(model, tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    settings["medsegr"][setting] = value
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=sentence):
        load_checkpoint(tmp_path)
