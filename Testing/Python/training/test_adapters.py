"""Adapters in each kind of language model: what learns, what rests, and that merging changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from MedSegRLib.model import (
    SPECIAL_TOKENS,
    Grounding,
    MedSegR,
    TrainingBatch,
    Turn,
    Understanding,
    tiny_model,
)
from MedSegRLib.training.adapters import Adapters

sys.path.append(str(Path(__file__).resolve().parents[1]))

from tiny_models import FAMILIES

TALK = (Turn("user", "Where?"), Turn("assistant", "<p>a</p>[SEG], no <p>b</p>[REJ]"))


def whole_model(family: str) -> MedSegR:
    tiny = tiny_model(3)
    if family == "mini":
        return tiny
    torch.manual_seed(3)
    model, processor = FAMILIES[family]()
    return MedSegR(
        Understanding(model.eval(), processor), Grounding(tiny.grounding.config), tiny.config
    ).eval()


def training_batch(model: MedSegR) -> TrainingBatch:
    picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    text = model.understanding.batch(
        [TALK, TALK], [[picture], [picture, picture]], answer_open=False, training=True
    )
    images = torch.rand(1, 5, 64, 64, generator=torch.Generator().manual_seed(1))
    masks = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    masks[..., 20:40, 20:40] = True
    return TrainingBatch(text, torch.tensor([0]), images, masks)


@pytest.mark.parametrize("family", ["mini", *FAMILIES])
def test_adapters_learn_what_they_should_and_merge_into_a_plain_model(family: str) -> None:
    model = whole_model(family)
    language = model.understanding.model
    tied = language.get_input_embeddings().weight is language.get_output_embeddings().weight
    before = {name: value.clone() for name, value in model.state_dict().items()}
    adapters = Adapters(model, rank=2, alpha=4)
    learning = adapters.trained(language=True)
    batch = training_batch(model)
    optimizer = torch.optim.AdamW(list(learning.values()), lr=1e-2, weight_decay=0.1)
    losses = []
    for _ in range(3):
        loss = torch.stack(list(model.training_losses(batch).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[2] < losses[1] < losses[0]
    with torch.no_grad():
        adapted = model.understanding.forward_states(batch.text, logits=True).logits
    adapters.merge()
    with torch.no_grad():
        merged = model.understanding.forward_states(batch.text, logits=True).logits
    torch.testing.assert_close(merged, adapted, atol=1e-5, rtol=1e-5)
    # A plain model again, each weight in its place.
    after = model.state_dict()
    assert list(after) == list(before)
    assert (language.get_input_embeddings().weight is language.get_output_embeddings().weight) == tied
    decoder = next(n for n, m in model.named_modules() if m is language.get_decoder())
    matrices = [
        f"{name}.weight"
        for name, module in model.named_modules()
        if module in (language.get_input_embeddings(), language.get_output_embeddings())
    ]
    ours = sorted(model.understanding.processor.tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS)))
    linear = {
        f"{n}.weight" for n, m in language.get_decoder().named_modules() if isinstance(m, torch.nn.Linear)
    }
    assert len(linear) == 7 * len(language.get_decoder().layers)
    for name, value in after.items():
        changed = not torch.equal(value, before[name])
        if name in matrices:
            assert (value != before[name]).any(1).nonzero()[:, 0].tolist() == ours, name
        elif name.removeprefix(f"{decoder}.") in linear or name.startswith(
            ("seg_projector", "similarity_", "grounding.mask_decoder.presence_head")
        ):
            assert changed, name
        elif not name.startswith("grounding.mask_decoder"):
            assert not changed, name


def test_without_the_language_model_only_masks_and_prompts_learn() -> None:
    model = tiny_model(3)
    adapters = Adapters(model, rank=2, alpha=4)
    names = set(adapters.trained(language=True))
    assert {name for name in names if "lora_" in name} and {
        name for name in names if "trainable_tokens" in name
    }
    rest = set(adapters.trained(language=False))
    assert rest == {n for n, p in model.named_parameters() if p.requires_grad}
    assert rest == {n for n in names if not n.startswith("understanding.")} != names


def test_what_learns_is_never_in_half_precision() -> None:
    model = tiny_model(3)
    model.understanding.model.to(torch.bfloat16)
    learning = Adapters(model, rank=2, alpha=4).trained(language=True)
    assert {parameter.dtype for parameter in learning.values()} == {torch.float32}
    resting = {p.dtype for p in model.understanding.parameters() if not p.requires_grad}
    assert resting == {torch.bfloat16}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = model.training_losses(training_batch(model))
        loss = torch.stack([term.float() for term in terms.values()]).sum()
    loss.backward()
    assert bool(loss.isfinite())
    grads = [n for n, p in learning.items() if p.grad is None and "mask_decoder" not in n]
    assert grads == []
