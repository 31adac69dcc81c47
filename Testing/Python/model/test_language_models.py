"""One battery for every kind of language model: reading, writing, `[SEG]` states, learning, saving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from MedSegRLib.errors import CheckpointError
from MedSegRLib.model import (
    SPECIAL_TOKENS,
    Grounding,
    GroundingConfig,
    MedSegR,
    MedSegRConfig,
    PrefixCache,
    TrainingBatch,
    Turn,
    Understanding,
)

Picture = Callable[[int], np.ndarray]

ASKED = Turn("user", "Where is it?")
ANSWER = "<p>one</p>[SEG] and <p>two</p>[SEG], no [REJ]."
SHORT = (ASKED, Turn("assistant", ANSWER))
LONG = (*SHORT, Turn("user", "And the other side?"), Turn("assistant", "There: <p>three</p>[SEG]."))
CLOSE = {"atol": 2e-5, "rtol": 1e-4}


def _differ(a: torch.Tensor, b: torch.Tensor) -> bool:
    """By more than rounding could do: ten times what counts as equal here."""
    return bool((a - b).abs().max() > 10 * CLOSE["atol"])


def test_special_tokens_are_one_id_each(understanding: Understanding) -> None:
    tokenizer = understanding.processor.tokenizer
    ids = [tokenizer.encode(f"a{token}b", add_special_tokens=False) for token in SPECIAL_TOKENS]
    assert all(len(i) == 3 for i in ids)
    assert len({i[1] for i in ids}) == len(SPECIAL_TOKENS)
    assert understanding.model.get_input_embeddings().num_embeddings >= len(tokenizer)


def test_seg_states_predict_the_token(understanding: Understanding, picture: Picture) -> None:
    batch = understanding.batch(
        [SHORT, LONG], [[picture(0), picture(1)], [picture(2)]], answer_open=False, training=True
    )
    with torch.no_grad():
        states = understanding.forward_states(batch, logits=True)
    assert states.logits is not None
    found = understanding.predicts(batch, understanding.seg_id)
    assert found.sum(1).tolist() == [2, 3]
    head = understanding.model.get_output_embeddings()
    for row, seg in enumerate(understanding.seg_states(batch, states.hidden)):
        at = found[row].nonzero()[:, 0]
        assert (batch["labels"][row, at + 1] == understanding.seg_id).all()
        # The head makes of these very states the logits that the loss compares with [SEG].
        torch.testing.assert_close(head(seg), states.logits[row, at], **CLOSE)
    last = understanding.seg_states(batch, states.hidden, last_answer=True)
    assert [len(s) for s in last] == [2, 1]


def test_seg_state_depends_on_what_is_before_it_and_on_nothing_after(
    understanding: Understanding, picture: Picture
) -> None:
    batch = understanding.batch([SHORT], [[picture(0), picture(1)]], answer_open=False)
    at = understanding.predicts(batch, understanding.seg_id)[0].nonzero()[:, 0]
    other = {**batch, "input_ids": batch["input_ids"].clone()}
    other["input_ids"][0, at[0] + 1 :] = understanding.rej_id
    earlier = {**batch, "input_ids": batch["input_ids"].clone()}
    earlier["input_ids"][0, at[0]] = understanding.rej_id
    with torch.no_grad():
        before, after, changed = (understanding.forward_states(b).hidden[0] for b in (batch, other, earlier))
    torch.testing.assert_close(after[at[0]], before[at[0]], **CLOSE)
    assert _differ(after[at[1]], before[at[1]])
    assert _differ(changed[at[0]], before[at[0]])


def test_states_do_not_depend_on_padding_or_neighbours(
    understanding: Understanding, picture: Picture
) -> None:
    conversations, pictures = [SHORT, LONG], [[picture(0), picture(1)], [picture(2)]]
    batch = understanding.batch(conversations, pictures, answer_open=False)
    with torch.no_grad():
        together = understanding.forward_states(batch).hidden
        segs, images = understanding.seg_states(batch, together), understanding.image_states(batch, together)
        assert [len(row) for row in images] == [2, 1]
        for row in range(2):
            alone = understanding.batch(
                conversations[row : row + 1], pictures[row : row + 1], answer_open=False
            )
            hidden = understanding.forward_states(alone).hidden
            torch.testing.assert_close(understanding.seg_states(alone, hidden)[0], segs[row], **CLOSE)
            for one, other in zip(understanding.image_states(alone, hidden)[0], images[row], strict=True):
                assert one.ndim == 3
                torch.testing.assert_close(one, other, **CLOSE)


def test_image_states_follow_their_pictures(understanding: Understanding, picture: Picture) -> None:
    def states(first: int, second: int) -> list[torch.Tensor]:
        batch = understanding.batch([SHORT], [[picture(first), picture(second)]], answer_open=False)
        with torch.no_grad():
            return understanding.image_states(batch, understanding.forward_states(batch).hidden)[0]

    before, after = states(0, 1), states(0, 2)
    torch.testing.assert_close(after[0], before[0], **CLOSE)
    assert _differ(after[1], before[1])


def _scripted(understanding: Understanding, text: str) -> Callable[[torch.Tensor], int]:
    ids = iter(
        [
            *understanding.processor.tokenizer.encode(text, add_special_tokens=False),
            min(understanding.end_ids),
        ]
    )
    return lambda _logits: next(ids)


def test_states_caught_while_writing_are_those_of_the_whole_text(
    understanding: Understanding, picture: Picture
) -> None:
    pictures = [[picture(0), picture(1)]]
    stream = understanding.stream(
        understanding.batch([(ASKED,)], pictures, answer_open=True),
        max_new_tokens=100,
        sampler=_scripted(understanding, ANSWER),
    )
    ids = list(stream)
    assert understanding.decode(ids) == ANSWER
    caught = torch.stack([s for i, s in zip(ids, stream.states, strict=True) if i == understanding.seg_id])
    whole = understanding.batch([SHORT], pictures, answer_open=False)
    with torch.no_grad():
        expected = understanding.seg_states(whole, understanding.forward_states(whole).hidden)[0]
    torch.testing.assert_close(caught, expected, **CLOSE)


def test_writing_takes_the_most_likely_token(understanding: Understanding, picture: Picture) -> None:
    batch = understanding.batch([(ASKED,)], [[picture(0), picture(1)]], answer_open=True)
    ids = list(understanding.stream(batch, max_new_tokens=6))
    full, length = dict(batch), batch["input_ids"].shape[1]
    for key, fill in (
        ("input_ids", None),
        ("attention_mask", 1),
        ("token_type_ids", 0),
        ("mm_token_type_ids", 0),
    ):
        if key in full:
            new = torch.tensor([ids]) if fill is None else torch.full((1, len(ids)), fill)
            full[key] = torch.cat([full[key], new], dim=1)
    with torch.no_grad():
        logits = understanding.forward_states(full, logits=True).logits
    assert logits is not None
    assert logits[0, length - 1 : length - 1 + len(ids)].argmax(-1).tolist() == ids


def test_several_answers_at_once_are_those_of_each_alone(
    understanding: Understanding, picture: Picture
) -> None:
    conversations = [(ASKED,), (*SHORT, Turn("user", "And there?"))]
    pictures = [[picture(0)], [picture(1)]]
    together = understanding.generate(
        understanding.batch(conversations, pictures, answer_open=True), max_new_tokens=6
    )
    for row in range(2):
        alone = understanding.batch(conversations[row : row + 1], pictures[row : row + 1], answer_open=True)
        ids = list(understanding.stream(alone, max_new_tokens=6))
        assert list(together[row].ids) == ids
        assert len(together[row].seg_states) == ids.count(understanding.seg_id)


def test_writing_stops_when_told(understanding: Understanding, picture: Picture) -> None:
    batch = understanding.batch([(ASKED,)], [[picture(0)]], answer_open=True)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    ids = list(
        understanding.stream(batch, max_new_tokens=9, stop=stop, sampler=_scripted(understanding, ANSWER))
    )
    assert len(ids) == 2
    assert len(asked) == 3


def test_a_follow_up_reads_only_what_is_new(understanding: Understanding, picture: Picture) -> None:
    pictures, prefix = [[picture(0), picture(1)]], PrefixCache()
    first = understanding.batch([(ASKED,)], pictures, answer_open=True)
    list(
        understanding.stream(
            first, max_new_tokens=100, sampler=_scripted(understanding, ANSWER), prefix=prefix
        )
    )
    slides = any(prefix.cache.is_sliding)
    second = understanding.batch([(*SHORT, Turn("user", "And?"))], pictures, answer_open=True)
    with understanding.captured() as caught:
        stream = understanding.stream(second, max_new_tokens=5, prefix=prefix)
        again = list(stream)
    anew = understanding.stream(second, max_new_tokens=5)
    assert again == list(anew)
    torch.testing.assert_close(torch.stack(stream.states), torch.stack(anew.states), **CLOSE)
    read = caught[0].shape[1]
    whole = second["input_ids"].shape[1]
    # A decoder with a sliding window has forgotten the beginning, and reads it again.
    assert read == whole if slides else read < whole - first["input_ids"].shape[1]
    # Other pictures under the same words share nothing.
    other = understanding.batch([(ASKED,)], [[picture(0), picture(2)]], answer_open=True)
    reused = understanding.stream(other, max_new_tokens=3, prefix=prefix)
    fresh = understanding.stream(other, max_new_tokens=3)
    assert list(reused) == list(fresh)
    torch.testing.assert_close(torch.stack(reused.states), torch.stack(fresh.states), **CLOSE)


def test_pictures_read_once_give_the_states_of_reading_all(
    understanding: Understanding, picture: Picture
) -> None:
    pictures = [picture(n) for n in range(3)]
    read = understanding.read_pictures(pictures)
    for conversation in (SHORT, LONG):  # a second question must find the first one's reading untouched
        batch = understanding.batch([conversation] * 3, [[p] for p in pictures], answer_open=False)
        with torch.no_grad():
            hidden = understanding.forward_states(batch).hidden
        expected = torch.stack(understanding.seg_states(batch, hidden, last_answer=True))
        torch.testing.assert_close(understanding.answer_states(read, conversation), expected, **CLOSE)
        images = torch.stack([row[0] for row in understanding.image_states(batch, hidden)])
        torch.testing.assert_close(read.image_states, images, **CLOSE)


def test_only_the_answers_are_learnt(understanding: Understanding, picture: Picture) -> None:
    batch = understanding.batch([LONG, SHORT], [[picture(0)], []], answer_open=False, training=True)
    learnt = [understanding.decode([i for i in row.tolist() if i != -100]) for row in batch["labels"]]
    assert learnt[0].replace("\n", "") == _without_controls(understanding, LONG)
    assert learnt[1].replace("\n", "") == _without_controls(understanding, SHORT)
    # The end of the turn is learnt too: more tokens than the words have.
    for row, conversation in enumerate((LONG, SHORT)):
        words = sum(
            len(understanding.processor.tokenizer.encode(t.text, add_special_tokens=False))
            for t in conversation
            if t.role == "assistant"
        )
        turns = sum(t.role == "assistant" for t in conversation)
        assert int((batch["labels"][row] != -100).sum()) >= words + turns


def _without_controls(understanding: Understanding, conversation: tuple[Turn, ...]) -> str:
    return "".join(t.text for t in conversation if t.role == "assistant")


def test_masks_and_words_are_learnt_together(understanding: Understanding, picture: Picture) -> None:
    torch.manual_seed(0)
    grounding = Grounding(
        GroundingConfig(
            encoder="pyramid",
            image_size=(32, 32),
            embed_dim=16,
            decoder_depth=1,
            decoder_heads=2,
            decoder_mlp_dim=16,
            multimask_outputs=1,
            quality_hidden_dim=8,
            mask_in_chans=16,
            in_channels=3,
            widths=(8, 8, 8),
            detail_dim=2,
        )
    )
    model = MedSegR(understanding, grounding, MedSegRConfig(similarity_dim=8))
    masks = torch.zeros(2, 3, 32, 32, dtype=torch.bool)
    masks[0, 0, :9, :9] = True
    masks[1, 2, 9:, 9:] = True
    text = understanding.batch(
        [SHORT, LONG, SHORT], [[picture(0)], [picture(1)], [picture(2)] * 2], answer_open=False, training=True
    )
    batch = TrainingBatch(text, torch.tensor([0, 1]), torch.rand(2, 3, 32, 32), masks)
    terms = model.training_losses(batch)
    assert set(terms) == {"text", "mask_ce", "mask_dice", "presence", "quality"}
    assert all(torch.isfinite(term) for term in terms.values())
    (terms["mask_ce"] + terms["mask_dice"]).backward()
    embedding = understanding.model.get_input_embeddings().weight
    for name, parameter in (*model.seg_projector.named_parameters(), ("embedding", embedding)):
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    model.zero_grad()
    model.training_losses(batch, seg_gradient=0.0)["mask_dice"].backward()
    assert embedding.grad is None or embedding.grad.abs().sum() == 0
    model.zero_grad(set_to_none=True)


def test_saved_and_loaded_strictly(understanding: Understanding, picture: Picture, tmp_path: Path) -> None:
    understanding.save_pretrained(tmp_path)
    again = Understanding.from_pretrained(tmp_path)
    made = [u.batch([LONG], [[picture(0)]], answer_open=False) for u in (understanding, again)]
    assert made[0].keys() == made[1].keys()
    with torch.no_grad():
        hidden = [u.forward_states(b).hidden for u, b in zip((understanding, again), made, strict=True)]
    torch.testing.assert_close(hidden[1], hidden[0], atol=0, rtol=0)

    weights = tmp_path / "model.safetensors"
    state = load_file(weights)
    name = next(key for key in state if key.endswith("layers.1.mlp.up_proj.weight"))
    save_file({k: v for k, v in state.items() if k != name}, weights, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"missing .*layers\.1\.mlp\.up_proj\.weight"):
        Understanding.from_pretrained(tmp_path)
    save_file({**state, "stranger.weight": torch.zeros(2)}, weights, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"unexpected .*stranger\.weight"):
        Understanding.from_pretrained(tmp_path)
    weights.unlink()
    torch.save(state, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"no \.safetensors"):
        Understanding.from_pretrained(tmp_path)
