"""What the language stage learns is what the model will read: the same ids, and only answers scored."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.conversation import Exchange, QuestionType
from MedSegRLib.model import Turn, Understanding
from MedSegRLib.model.mini import build_mini_understanding
from MedSegRLib.training.language_stage import (
    LanguageStage,
    TextBatches,
    encode_conversation,
    full_scene,
    words_loss,
)


@pytest.fixture(scope="module")
def understanding(tokenizer: Tokenizer) -> Understanding:
    small = {"text_hidden": 16, "text_layers": 1, "text_heads": 2, "text_ffn": 16}
    eyes = {"vision_hidden": 16, "vision_layers": 1, "vision_heads": 2, "vision_ffn": 16}
    return build_mini_understanding(Tokenizer.from_str(tokenizer.to_str()), **small, **eyes)


def same_by_both_ways(
    exchanges: tuple[Exchange, ...], pictures: int, tokenizer: Tokenizer, understanding: Understanding
) -> None:
    turns = tuple(turn for e in exchanges for turn in (Turn("user", e.question), Turn("assistant", e.answer)))
    shown = [np.full((96, 96, 3), 40 * n, np.uint8) for n in range(pictures)]
    batch = understanding.batch([turns], [shown], answer_open=False, training=True)
    ids, labels = encode_conversation(exchanges, tokenizer, random.Random(0), image_tokens=64 * pictures)
    assert ids == batch["input_ids"][0].tolist()
    assert labels == batch["labels"][0].tolist()


@pytest.mark.parametrize("pictures", [0, 1, 3])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_ids_are_those_of_the_chat_template(
    annotator: OfflineAnnotator,
    offered: tuple[str, ...],
    tokenizer: Tokenizer,
    understanding: Understanding,
    pictures: int,
    turns: int,
) -> None:
    rng, scene = random.Random(f"{pictures}{turns}"), full_scene(annotator, offered)
    for _ in range(6):
        same_by_both_ways(annotator.converse(scene, turns, rng), pictures, tokenizer, understanding)


@pytest.mark.parametrize("question", ["  Where?  ", "WHERE IS\nthe Thalamus", "Größe – 3½?", "'\"\\{q}"])
def test_odd_questions_too(tokenizer: Tokenizer, understanding: Understanding, question: str) -> None:
    exchange = Exchange(question, "Here: <p>Left</p>[SEG].", QuestionType.DIRECT)
    same_by_both_ways((exchange, exchange), 1, tokenizer, understanding)


def test_only_answers_and_their_ends_are_scored(tokenizer: Tokenizer) -> None:
    exchanges = (
        Exchange("Where is it?", "<p>pons</p>[SEG]", QuestionType.DIRECT),
        Exchange("And now?", "Nowhere.", QuestionType.DIRECT),
    )
    ids, labels = encode_conversation(exchanges, tokenizer, random.Random(0), image_tokens=2)
    scored = [i for i in labels if i != -100]
    assert tokenizer.decode(scored, skip_special_tokens=False) == "<p>pons</p>[SEG]<|end|>Nowhere.<|end|>"
    assert all(label in (-100, i) for i, label in zip(ids, labels, strict=True))
    whole = tokenizer.decode(ids, skip_special_tokens=False)
    assert whole == (
        "<s><|user|><image><image> where is it?<|end|><|assistant|><p>pons</p>[SEG]<|end|>"
        "<|user|> and now?<|end|><|assistant|>Nowhere.<|end|>"
    )


@pytest.fixture
def batches(annotator: OfflineAnnotator, offered: tuple[str, ...], tokenizer: Tokenizer) -> TextBatches:
    return TextBatches(annotator, tokenizer, offered, seed=2, tokens=600, pool=12, cut=0.0)


def test_text_batches_come_from_their_number(batches: TextBatches) -> None:
    first, again, other = batches[3], batches[3], batches[4]
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["input_ids"].flatten()[:50], other["input_ids"].flatten()[:50])


def test_text_batches_hold_to_their_size_and_hide_the_padding(batches: TextBatches) -> None:
    for number in range(4):
        batch = batches[number]
        rows, length = batch["input_ids"].shape
        assert rows * length <= 600 or rows == 1
        padding = batch["attention_mask"] == 0
        assert bool((batch["labels"][padding] == -100).all())
        assert bool((batch["input_ids"][padding] == 0).all())
        assert bool(((batch["labels"] != -100).sum(1) > 0).all())


def test_text_batches_with_cut_words_come_from_their_number(
    annotator: OfflineAnnotator, offered: tuple[str, ...], tokenizer: Tokenizer
) -> None:
    batches = TextBatches(annotator, tokenizer, offered, seed=2, tokens=2000, pool=24, cut=0.3)
    assert torch.equal(batches[0]["input_ids"], batches[0]["input_ids"])


def test_a_bag_holds_the_first_question_of_every_conversation_of_the_pool(
    annotator: OfflineAnnotator, offered: tuple[str, ...], tokenizer: Tokenizer
) -> None:
    batches = TextBatches(annotator, tokenizer, offered, seed=4, tokens=600, pool=12, cut=0.0, bag=True)
    batch = batches[3]
    rng, scene = random.Random("4/3"), full_scene(annotator, offered)
    first = []
    for _ in range(12):
        turns = rng.choices((1, 2, 3), (70, 20, 10))[0]
        exchanges = annotator.converse(scene, turns, rng)
        encode_conversation(exchanges, tokenizer, rng)
        first.append(exchanges[0])
    ends = [*batch["bag_starts"].tolist()[1:], len(batch["bag_ids"])]
    for exchange, start, end, told in zip(first, batch["bag_starts"], ends, batch["bag_meant"], strict=True):
        ids = tokenizer.encode(f" {exchange.question.lower()}", add_special_tokens=False).ids
        assert batch["bag_ids"][start:end].tolist() == ids
        structures = {offered[n] for n in range(len(offered)) if told[n]}
        assert structures == {target.structure for target in exchange.targets}
    plain = TextBatches(annotator, tokenizer, offered, seed=4, tokens=600, pool=12, cut=0.0)[3]
    assert plain.keys() == {"input_ids", "labels", "attention_mask"}
    assert all(torch.equal(plain[name], batch[name]) for name in plain)


def test_a_word_learns_by_itself_what_it_speaks_for(
    annotator: OfflineAnnotator, offered: tuple[str, ...], tokenizer: Tokenizer, understanding: Understanding
) -> None:
    """By the loss of the bag alone the embeddings of what was asked move, and no others."""
    batches = TextBatches(annotator, tokenizer, offered, seed=1, tokens=300, pool=4, bag=True)
    model = understanding.model
    stage = LanguageStage(model.get_decoder(), model.get_output_embeddings(), batches)
    batch = batches[0]
    terms = stage.losses(batch)
    words = model.get_decoder().get_input_embeddings().weight
    (gradient,) = torch.autograd.grad(terms["bag"], words)
    assert set(gradient.abs().sum(1).nonzero()[:, 0].tolist()) == set(batch["bag_ids"].tolist())
    missed = len(offered) + 2  # of a bag that knows nothing: ln 2 for each thing it may mean
    with torch.no_grad():
        stage.modules["bag"].weight.zero_()
        stage.modules["bag"].bias.zero_()
    assert stage.losses(batch)["bag"].item() == pytest.approx(0.1 * missed * np.log(2), rel=1e-5)


def test_what_decides_an_answer_weighs_more_than_its_other_words() -> None:
    opens, closes, end = 8, 9, 2
    answer = torch.tensor([5, 7, opens, 3, closes, 6, 7, end])
    logits = torch.randn(16, 12, generator=torch.Generator().manual_seed(0))
    labels = torch.cat([answer, answer])
    weight = torch.tensor([4.0, 1.0, 4.0, 4.0, 4.0, 4.0, 1.0, 1.0]).repeat(2)
    each = -logits.log_softmax(1)[torch.arange(16), labels]
    expected = (each * weight).sum() / weight.sum()
    torch.testing.assert_close(words_loss(logits, labels, (opens, closes, end)), expected)
