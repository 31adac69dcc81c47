"""Packing: a conversation behind shared pictures is what it is in a row of its own."""

from __future__ import annotations

import random

import torch
from tokenizers import Tokenizer

from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.conversation import Exchange
from MedSegRLib.model.mini import build_mini_understanding
from MedSegRLib.training.language_stage import encode_conversation, full_scene
from MedSegRLib.training.packing import pack_conversations

PATCHES = 4


def conversations(annotator: OfflineAnnotator, offered: tuple[str, ...]) -> list[tuple[Exchange, ...]]:
    rng, scene = random.Random(3), full_scene(annotator, offered)
    return [annotator.converse(scene, turns, rng) for turns in (1, 2, 1, 1, 2)]


def test_every_state_and_label_is_that_of_a_row_of_its_own(  # type: ignore[no-untyped-def]
    annotator: OfflineAnnotator, offered: tuple[str, ...], tokenizer: Tokenizer
) -> None:
    torch.manual_seed(0)
    small = {f"{part}_{size}": value for part in ("text", "vision") for size, value in (
        ("hidden", 32), ("layers", 2), ("heads", 2), ("ffn", 48),
    )}  # fmt: skip
    understanding = build_mini_understanding(tokenizer, picture_size=8, patch=4, **small)
    said = conversations(annotator, offered)
    rows = [(said[:3], 2 * PATCHES), (said[3:], PATCHES)]
    packed = pack_conversations(rows, tokenizer, random.Random(0))
    pixels = torch.randn(3, 3, 8, 8)

    def states(batch: dict[str, torch.Tensor], pictures: torch.Tensor) -> torch.Tensor:
        counts = torch.tensor([len(pictures)])
        made = {**batch, "pixel_values": pictures, "picture_counts": counts}
        with torch.inference_mode():
            return understanding.forward_states(made).hidden

    together = states(packed, pixels)
    for row, (own, tokens) in enumerate(rows):
        pictures, start = (pixels[:2], pixels[2:])[row], 2 + tokens
        for exchanges in own:
            ids, labels = encode_conversation(exchanges, tokenizer, random.Random(0), image_tokens=tokens)
            alone = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids)).long()}
            end = start + len(ids) - 2 - tokens
            assert packed["input_ids"][row, start:end].tolist() == ids[2 + tokens :]
            assert packed["labels"][row, start:end].tolist() == labels[2 + tokens :]
            expected = states(alone, pictures)[0]
            torch.testing.assert_close(together[row, start:end], expected[2 + tokens :], atol=1e-4, rtol=1e-4)
            start = end
        assert (packed["labels"][row, start:] == -100).all()
