"""Sharing: pictures read once, and every later answer tried on them by reading its words alone.

Pictures stand before all words, so what the decoder makes of them (keys, values and states) is the same
whatever is asked. The answer's skeleton is the same on every slice: it is written down once.

Shapes: B pictures, one a conversation; P tokens up to the last image token; D hidden size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .conversation import Conversation, Turn
from .generation import new_cache, positions, rope_deltas

if TYPE_CHECKING:
    from .understanding import Understanding

__all__ = ["ReadPictures", "answer_states", "read_pictures"]


@dataclass(frozen=True)
class ReadPictures:
    """What a decoder made of B pictures.

    `image_states` is [B, gh, gw, D]. `layers` holds keys and values [B, heads, P, d] of each layer; it is
    empty for decoders that attend to a sliding window, which read the pictures anew with every answer.
    """

    pictures: tuple[np.ndarray, ...]
    image_states: Tensor
    prefix: tuple[int, ...]
    layers: tuple[tuple[Tensor, Tensor], ...]
    rope_deltas: Tensor | None

    def __len__(self) -> int:
        return len(self.pictures)


@torch.no_grad()
def read_pictures(understanding: Understanding, pictures: Sequence[np.ndarray]) -> ReadPictures:
    """Read pictures; see `Understanding.read_pictures`."""
    model = understanding.model
    batch = understanding.batch(
        [(Turn("user", "?"),)] * len(pictures), [[p] for p in pictures], answer_open=False
    )
    row = batch["input_ids"][0]
    if not bool((batch["input_ids"] == row).all()):
        raise ValueError("Pictures that are read together have one size.")
    length = int((row == understanding.image_token_id).nonzero()[-1]) + 1
    whole = batch["input_ids"].shape[1]
    # Everything that is given token by token is cut after the last image token.
    batch = {k: v[:, :length] if v.ndim == 2 and v.shape[1] == whole else v for k, v in batch.items()}
    cache = new_cache(model)
    keep = not any(cache.is_sliding)
    inputs = {k: v for k, v in batch.items() if k not in ("attention_mask", "picture_counts", "answer_start")}
    with understanding.captured() as caught:
        model(**inputs, past_key_values=cache if keep else None, use_cache=keep, logits_to_keep=1)
    states = understanding.image_states(batch, caught[-1])
    return ReadPictures(
        tuple(pictures),
        torch.stack([row_states[0] for row_states in states]),
        tuple(row[:length].tolist()),
        tuple((layer.keys, layer.values) for layer in cache.layers) if keep else (),
        rope_deltas(model) if keep else None,
    )


@torch.no_grad()
def answer_states(understanding: Understanding, read: ReadPictures, conversation: Conversation) -> Tensor:
    """States [B, K, D] of the last answer's `[SEG]` tokens; see `Understanding.answer_states`."""
    if not read.layers:
        every = understanding.batch(
            [conversation] * len(read), [[p] for p in read.pictures], answer_open=False
        )
        hidden = understanding.forward_states(every).hidden
        return torch.stack(understanding.seg_states(every, hidden, last_answer=True))
    one = understanding.batch([conversation], [read.pictures[:1]], answer_open=False)
    ids, length = one["input_ids"], len(read.prefix)
    if tuple(ids[0, :length].tolist()) != read.prefix:
        raise ValueError("The pictures were read under another chat template.")
    cache = _cache_of(read)
    words = ids[:, length:].expand(len(read), -1)
    at = torch.arange(length, ids.shape[1], device=ids.device)[None]
    with understanding.captured() as caught:
        understanding.model(
            input_ids=words,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **positions(read.rope_deltas, at),
        )
    found = understanding.predicts(one, understanding.seg_id, last_answer=True)[0, length:]
    return caught[-1][:, found]


def _cache_of(read: ReadPictures) -> Any:
    """Make a cache that begins with the pictures; its growth makes new tensors and leaves these alone."""
    from transformers import DynamicCache

    return DynamicCache(read.layers)
