"""From states to masks: prompts, many findings at once, the loss, number types."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from MedSegRLib.model import (
    DecodedMasks,
    MedSegR,
    MedSegRConfig,
    TrainingBatch,
    Turn,
    mask_losses,
    pad_states,
    set_precision,
)

Picture = Callable[[int], np.ndarray]
FINDINGS = (
    Turn("user", "Which?"),
    Turn("assistant", "<p>a</p>[SEG], <p>b</p>[SEG], <p>c</p>[SEG]. No <p>d</p>[REJ]."),
)


def _states(model: MedSegR, k: int = 3, slices: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    hidden = model.understanding.hidden_size
    return (
        torch.rand(slices, 5, 64, 96, generator=generator),
        torch.randn(slices, k, hidden, generator=generator),
        torch.randn(slices, 8, 8, hidden, generator=generator),
    )


@torch.no_grad()
def test_prompts_and_similarity(tiny: MedSegR) -> None:
    _, seg, image = _states(tiny)
    prompts, similarity = tiny.project(seg, image)
    assert prompts.shape == (2, 3, tiny.grounding.config.embed_dim)
    assert similarity.shape == (2, 3, 8, 8)
    assert similarity.abs().max() <= 1
    # By hand at one position: tanh(scale * cosine + bias).
    a, b = tiny.similarity_seg(seg[1, 2]), tiny.similarity_image(image[1, 4, 5])
    cosine = (a @ b) / (a.norm() * b.norm())
    expected = torch.tanh(tiny.similarity_scale.exp() * cosine + tiny.similarity_bias)
    torch.testing.assert_close(similarity[1, 2, 4, 5], expected)


@torch.no_grad()
def test_all_findings_of_an_answer_on_all_slices_are_decoded_at_once(tiny: MedSegR) -> None:
    images, seg, image = _states(tiny)
    embedding = tiny.encode(images)
    decoded = tiny.decode(embedding, seg, image)
    assert decoded.mask_logits.shape == (2, 3, 64, 96)
    assert decoded.presence_logits.shape == decoded.quality.shape == (2, 3)
    for b in range(2):
        for k in range(3):
            one = tiny.decode(embedding[b : b + 1], seg[b : b + 1, k : k + 1], image[b : b + 1])
            torch.testing.assert_close(one.mask_logits[0, 0], decoded.mask_logits[b, k], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(one.presence_logits[0, 0], decoded.presence_logits[b, k])


@torch.no_grad()
def test_swapping_two_seg_states_swaps_their_masks(tiny: MedSegR, picture: Picture) -> None:
    batch = tiny.understanding.batch([FINDINGS] * 2, [[picture(0)], [picture(1)]], answer_open=False)
    hidden = tiny.understanding.forward_states(batch).hidden
    seg = torch.stack(tiny.understanding.seg_states(batch, hidden))
    image = torch.stack([row[0] for row in tiny.understanding.image_states(batch, hidden)])
    embedding = tiny.encode(_states(tiny)[0])
    before, after = tiny.decode(embedding, seg, image), tiny.decode(embedding, seg[:, [2, 1, 0]], image)
    for name in ("mask_logits", "presence_logits", "quality"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name)[:, [2, 1, 0]])
    assert not torch.allclose(before.mask_logits[:, 0], before.mask_logits[:, 2])


@torch.no_grad()
@pytest.mark.parametrize(("sparse", "dense"), [(False, True), (True, False)])
def test_a_model_without_one_kind_of_prompt_ignores_it(tiny: MedSegR, sparse: bool, dense: bool) -> None:
    tiny.config = tiny.config.with_(use_sparse=sparse, use_dense=dense)
    images, seg, image = _states(tiny)
    embedding = tiny.encode(images)
    prompts, similarity = tiny.project(seg, image)
    before = tiny.decode_prompts(embedding, prompts, similarity).mask_logits
    other_prompts = tiny.decode_prompts(embedding, prompts + 1, similarity).mask_logits
    other_map = tiny.decode_prompts(embedding, prompts, -similarity).mask_logits
    assert torch.equal(before, other_prompts) is not sparse
    assert torch.equal(before, other_map) is not dense


@torch.no_grad()
@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_both_number_types_run(tiny: MedSegR, picture: Picture, precision: str, dtype: torch.dtype) -> None:
    codes = tiny.grounding.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix.clone()
    images, _, _ = _states(tiny)
    exact = _masks(tiny, picture, images)
    set_precision(tiny, precision)
    assert tiny.dtype == tiny.understanding.dtype == dtype
    kept = tiny.grounding.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    assert torch.equal(kept, codes)
    masks = _masks(tiny, picture, images.to(dtype))
    assert torch.isfinite(masks).all()
    assert (masks.float() - exact).abs().max() < 0.1 * exact.abs().max()
    batch = tiny.understanding.batch([FINDINGS[:1]], [[picture(0)]], answer_open=True)
    assert len(list(tiny.understanding.stream(batch, max_new_tokens=3))) <= 3


def _masks(model: MedSegR, picture: Picture, images: torch.Tensor) -> torch.Tensor:
    read = model.understanding.read_pictures([picture(0), picture(1)])
    seg = model.understanding.answer_states(read, FINDINGS)
    return model.decode(model.encode(images), seg, read.image_states).mask_logits


def test_training_batch_with_and_without_masks(tiny: MedSegR, picture: Picture) -> None:
    text = tiny.understanding.batch([FINDINGS], [[picture(0)]], answer_open=False, training=True)
    assert set(tiny.training_losses(TrainingBatch(text))) == {"text"}
    images, rows = torch.rand(1, 5, 64, 64), torch.tensor([0])
    few = TrainingBatch(text, rows, images, torch.zeros(1, 2, 64, 64, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"3 \[SEG\] tokens but only 2 masks"):
        tiny.training_losses(few)
    empty = TrainingBatch(text, rows, images, torch.zeros(1, 4, 64, 64, dtype=torch.bool))
    terms = tiny.training_losses(empty)
    # Nothing is there: there is no overlap to learn, but that nothing is there is learnt.
    assert terms["mask_dice"] == 0
    assert terms["presence"] > 0


def test_learning_lowers_the_loss(tiny: MedSegR, picture: Picture) -> None:
    torch.manual_seed(0)
    text = tiny.understanding.batch(
        [FINDINGS] * 2, [[picture(0)], [picture(1)]], answer_open=False, training=True
    )
    masks = torch.zeros(2, 3, 64, 64, dtype=torch.bool)
    masks[0, 0, 10:30, 10:30] = masks[1, 1, 40:60, 8:50] = True
    batch = TrainingBatch(text, torch.tensor([0, 1]), torch.rand(2, 5, 64, 64), masks)
    optimizer = torch.optim.AdamW(tiny.parameters(), lr=3e-3)
    first: dict[str, torch.Tensor] = {}
    for _ in range(25):
        terms = tiny.training_losses(batch)
        first = first or {key: value.detach() for key, value in terms.items()}
        optimizer.zero_grad()
        sum(terms.values(), torch.tensor(0.0)).backward()
        optimizer.step()
    last = tiny.training_losses(batch)
    for key, share in (("text", 0.8), ("mask_ce", 0.8), ("presence", 1.0)):
        assert last[key] < share * first[key], key


def test_loss_terms_by_hand() -> None:
    logits = torch.full((1, 2, 4, 4), -20.0)
    logits[0, 0, :2] = 20.0
    truth = torch.zeros(1, 2, 4, 4, dtype=torch.bool)
    truth[0, 0, :2] = True
    right = DecodedMasks(logits, torch.tensor([[20.0, -20.0]]), torch.tensor([[1.0, 0.3]]))
    assert all(float(value) < 1e-6 for value in mask_losses(right, truth).values())
    swapped = mask_losses(right, truth.flip(1))
    assert swapped["mask_ce"] == pytest.approx(2.0 * 10.0, rel=1e-4)  # half of all pixels are off by 20
    assert swapped["presence"] == pytest.approx(0.2 * 20.0, rel=1e-4)
    assert swapped["quality"] == pytest.approx(0.2 * 0.3**2, rel=1e-4)
    one = mask_losses(right, truth.flip(1), torch.tensor([[False, False]]))
    assert all(float(value) == 0 for value in one.values())


def test_padding_of_states() -> None:
    padded, asked = pad_states([torch.ones(1, 4), torch.ones(3, 4), torch.ones(0, 4)])
    assert padded.shape == (3, 3, 4)
    assert asked.tolist() == [[True, False, False], [True] * 3, [False] * 3]
    assert torch.equal(padded.any(-1), asked)


def test_settings_survive_their_file_and_refuse_unknown_names() -> None:
    config = MedSegRConfig(name="x", offered=("hippocampus",), slice_offsets_mm=(-1.0, 0.0, 1.0))
    assert MedSegRConfig.from_dict({**config.to_dict(), "offered": ["hippocampus"]}) == config
    with pytest.raises(TypeError, match="colour"):
        MedSegRConfig.from_dict({**config.to_dict(), "colour": 1})
