"""Packing: many conversations about the same pictures in one row, which the decoder reads once.

Pictures are the larger part of a row, and what is learnt of a question costs little behind them. Each
conversation sees the pictures and itself, at the positions that it would have alone, so every state is
the one that it would get in a row of its own (sequence packing, Krell et al., arXiv 2107.02027, with a
shared beginning).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor

from MedSegRLib.dataset.conversation import Exchange

from .language_stage import encode_conversation
from .tokenizer import control_ids

__all__ = ["pack_conversations"]


def pack_conversations(
    rows: Sequence[tuple[Sequence[Sequence[Exchange]], int]],
    tokenizer: Tokenizer,
    rng: random.Random,
    *,
    cut: float = 0.0,
) -> dict[str, Tensor]:
    """Pack rows of conversations, each row behind its own image tokens.

    Parameters
    ----------
    rows
        Of each row its conversations, and the number of image tokens before each of them.
    tokenizer, rng, cut
        See `encode_conversation`.

    Returns
    -------
    `input_ids`, `labels` and `position_ids` int64 [B, T], and `attention_mask` bool [B, 1, T, T], True where
    a position (third axis) sees another one (fourth). What fills a row up is a conversation without labels.
    """
    packed = [_row(conversations, tokens, tokenizer, rng, cut) for conversations, tokens in rows]
    length = max(len(ids) for ids, *_ in packed)
    ids, labels, positions, part = (
        torch.full((len(rows), length), fill) for fill in (control_ids(tokenizer)["<pad>"], -100, 0, -1)
    )
    for i, values in enumerate(packed):
        for tensor, row in zip((ids, labels, positions, part), values, strict=True):
            tensor[i, : len(row)] = torch.tensor(row)
    shared = part[:, None, :] == 0
    sees = (shared | (part[:, None, :] == part[:, :, None])).tril()
    return {
        "input_ids": ids, "labels": labels, "position_ids": positions, "attention_mask": sees[:, None],
    }  # fmt: skip


def _row(
    conversations: Sequence[Sequence[Exchange]],
    image_tokens: int,
    tokenizer: Tokenizer,
    rng: random.Random,
    cut: float,
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Ids, labels, positions, and which conversation each token belongs to, 0 being the shared beginning."""
    beginning = 2 + image_tokens
    ids: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    part: list[int] = []
    for number, exchanges in enumerate(conversations):
        said, scored = encode_conversation(exchanges, tokenizer, rng, cut=cut, image_tokens=image_tokens)
        start = beginning if number else 0
        ids += said[start:]
        labels += scored[start:]
        positions += range(start, len(said))
        part += [0] * (beginning - start) + [number + 1] * (len(said) - beginning)
    return ids, labels, positions, part
