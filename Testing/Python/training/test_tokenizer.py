"""The mini's tokenizer: marks are whole, answers come back, slips are no strangers."""

from __future__ import annotations

import random

import pytest
from tokenizers import Tokenizer

from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.training.language_stage import full_scene
from MedSegRLib.training.tokenizer import CONTROL_TOKENS, control_ids, encode_roughly, train_tokenizer


def test_control_tokens_are_the_first_ids_and_never_split(tokenizer: Tokenizer) -> None:
    assert list(control_ids(tokenizer).values()) == list(range(10))
    for number, mark in enumerate(CONTROL_TOKENS):
        assert tokenizer.encode(mark).ids == [number]
        ids = tokenizer.encode(f"left{mark}right").ids
        assert ids.count(number) == 1
        assert ids == [*tokenizer.encode("left").ids, number, *tokenizer.encode("right").ids]


def test_answers_come_back_exactly(
    tokenizer: Tokenizer, annotator: OfflineAnnotator, offered: tuple[str, ...]
) -> None:
    rng, scene = random.Random(8), full_scene(annotator, offered)
    answers = [e.answer for _ in range(60) for e in annotator.converse(scene, 2, rng)]
    for answer in [*answers, "µ – 3½ mm² of <p>left Ammon’s horn</p>[SEG]", ""]:
        assert tokenizer.decode(tokenizer.encode(answer).ids, skip_special_tokens=False) == answer


def test_words_that_are_cut_in_two_read_the_same(tokenizer: Tokenizer) -> None:
    text = " where is the left hippocampus and the cerebellar cortex?"
    ways = {tuple(encode_roughly(tokenizer, text, 0.5, random.Random(seed))) for seed in range(20)}
    assert len(ways) > 1
    assert {tokenizer.decode(list(way), skip_special_tokens=False) for way in ways} == {text}
    assert encode_roughly(tokenizer, text, 0.0, random.Random(0)) == tokenizer.encode(text).ids
    again = [encode_roughly(tokenizer, text, 0.5, random.Random(3)) for _ in range(2)]
    assert again[0] == again[1]


def test_a_tokenizer_without_the_marks_is_refused() -> None:
    from tokenizers import models

    with pytest.raises(ValueError, match="<pad>"):
        control_ids(Tokenizer(models.BPE()))
    assert train_tokenizer(["a b"], 300).get_vocab_size() >= 266
