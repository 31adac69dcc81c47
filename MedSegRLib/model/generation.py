"""Generation: answers written token by token, with the KV cache on and the `[SEG]` states kept.

The states are caught while the tokens are written, so nothing is read a second time. The beginning that
two turns of a conversation share (pictures, earlier questions and answers) is read once: `PrefixCache`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .understanding import Understanding

__all__ = [
    "Generated",
    "PrefixCache",
    "Sampler",
    "Stop",
    "TokenStream",
    "generate",
    "new_cache",
    "positions",
    "rope_deltas",
    "stream_tokens",
]

Sampler = Callable[[Tensor], int]
Stop = Callable[[], bool]

_PICTURE_KEYS = ("pixel_values", "image_grid_thw")
# Given per token; a step of generation only has new text tokens.
_PER_TOKEN = ("token_type_ids", "mm_token_type_ids")


@dataclass
class PrefixCache:
    """Keys and values of what one conversation has already read; empty at first."""

    cache: Any = None
    ids: list[int] = field(default_factory=list)
    pictures: dict[str, Tensor] = field(default_factory=dict)
    rope_deltas: Tensor | None = None

    def clear(self) -> None:
        """Forget everything."""
        self.cache, self.ids, self.pictures, self.rope_deltas = None, [], {}, None

    def shared(self, ids: list[int], pictures: dict[str, Tensor], last_image: int) -> int:
        """Count the tokens at the beginning that need not be read again; 0 if the pictures differ."""
        if self.cache is None or any(self.cache.is_sliding):
            return 0
        if self.pictures.keys() != pictures.keys() or not all(
            torch.equal(self.pictures[key], value) for key, value in pictures.items()
        ):
            return 0
        count = 0
        for old, new in zip(self.ids, ids[:-1], strict=False):
            if old != new:
                break
            count += 1
        return count if count > last_image else 0


class TokenStream(Iterator[int]):
    """Token ids as they are written; `states` [D] each is the hidden state that predicted the token."""

    def __init__(self, tokens: Iterator[tuple[int, Tensor]]) -> None:
        self._tokens = tokens
        self.ids: list[int] = []
        self.states: list[Tensor] = []

    def __next__(self) -> int:
        token, state = next(self._tokens)
        self.ids.append(token)
        self.states.append(state)
        return token


@dataclass(frozen=True)
class Generated:
    """A written answer: its token ids, and the states [K, D] that predicted its `[SEG]` tokens."""

    ids: tuple[int, ...]
    seg_states: Tensor


def stream_tokens(
    understanding: Understanding,
    batch: dict[str, Tensor],
    *,
    max_new_tokens: int,
    stop: Stop | None,
    sampler: Sampler | None,
    prefix: PrefixCache | None,
) -> TokenStream:
    """Write an answer; see `Understanding.stream`."""
    if batch["input_ids"].shape[0] != 1:
        raise ValueError("One conversation is streamed at a time; `generate` writes several.")
    return TokenStream(_stream(understanding, batch, max_new_tokens, stop, sampler, prefix or PrefixCache()))


def _stream(
    understanding: Understanding,
    batch: dict[str, Tensor],
    max_new_tokens: int,
    stop: Stop | None,
    sampler: Sampler | None,
    prefix: PrefixCache,
) -> Iterator[tuple[int, Tensor]]:
    ends = understanding.end_ids
    token: int | None = None
    for _ in range(max_new_tokens):
        if stop is not None and stop():
            return
        if token is None:
            state, logits = _read(understanding, batch, prefix)
        else:
            state, logits = _step(understanding, prefix, token)
        token = int(logits.argmax()) if sampler is None else sampler(logits)
        if token in ends:
            return
        yield token, state


@torch.no_grad()
def _read(
    understanding: Understanding, batch: dict[str, Tensor], prefix: PrefixCache
) -> tuple[Tensor, Tensor]:
    """Read the conversation, but for the beginning that `prefix` holds; state [D], logits [V]."""
    real = batch["attention_mask"][0].bool()
    ids = batch["input_ids"][:, real]
    pictures = {key: batch[key] for key in _PICTURE_KEYS if key in batch}
    images = (ids[0] == understanding.image_token_id).nonzero()
    keep = prefix.shared(ids[0].tolist(), pictures, int(images[-1]) if len(images) else -1)
    model = understanding.model
    inputs: dict[str, Any] = {"input_ids": ids[:, keep:]}
    if keep:
        cached = prefix.cache.get_seq_length()
        if cached > keep:
            prefix.cache.crop(keep - cached)
        at = torch.arange(keep, ids.shape[1], device=ids.device)[None]
        inputs.update(positions(prefix.rope_deltas, at))
    else:
        prefix.clear()
        prefix.cache = new_cache(model)
        inputs.update({key: value for key, value in batch.items() if key in _passed_on(batch)})
        inputs.update({key: batch[key][:, real] for key in _PER_TOKEN if key in batch})
    prefix.ids, prefix.pictures = ids[0, :keep].tolist(), pictures
    found = _forward(understanding, prefix, inputs)
    if not keep:
        prefix.rope_deltas = rope_deltas(model)
    prefix.ids = ids[0].tolist()
    return found


@torch.no_grad()
def _step(understanding: Understanding, prefix: PrefixCache, token: int) -> tuple[Tensor, Tensor]:
    ids = torch.tensor([[token]], device=understanding.device)
    at = torch.tensor([[len(prefix.ids)]], device=ids.device)
    inputs = {"input_ids": ids, **positions(prefix.rope_deltas, at)}
    found = _forward(understanding, prefix, inputs)
    prefix.ids.append(token)
    return found


def _forward(
    understanding: Understanding, prefix: PrefixCache, inputs: dict[str, Any]
) -> tuple[Tensor, Tensor]:
    finished = False
    try:
        with understanding.captured() as caught:
            output = understanding.model(
                **inputs, past_key_values=prefix.cache, use_cache=True, logits_to_keep=1
            )
        finished = True
    finally:
        # Half a forward leaves some layers longer than others: such a cache is of no further use.
        if not finished:
            prefix.clear()
    return caught[-1][0, -1], output.logits[0, -1]


@torch.no_grad()
def generate(
    understanding: Understanding, batch: dict[str, Tensor], *, max_new_tokens: int, stop: Stop | None
) -> list[Generated]:
    """Write several answers at once; see `Understanding.generate`."""
    model, ends = understanding.model, understanding.end_ids
    mask = batch["attention_mask"]
    lengths = mask.sum(1)
    if not bool((mask[:, -1] == 1).all()):
        raise ValueError("A batch for generation is padded on the left: make it with answer_open=True.")
    rows = len(mask)
    cache = new_cache(model)
    inputs = {key: value for key, value in batch.items() if key in _passed_on(batch)}
    inputs.update({key: batch[key] for key in ("input_ids", "attention_mask", *_PER_TOKEN) if key in batch})
    written: list[list[int]] = [[] for _ in range(rows)]
    states: list[list[Tensor]] = [[] for _ in range(rows)]
    open_rows = set(range(rows))
    deltas = None
    for number in range(max_new_tokens):
        if stop is not None and stop():
            break
        with understanding.captured() as caught:
            output = model(**inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
        tokens = output.logits[:, -1].argmax(-1)
        for row, token in enumerate(tokens.tolist()):
            if row not in open_rows:
                continue
            if token in ends:
                open_rows.discard(row)
                continue
            written[row].append(token)
            if token == understanding.seg_id:
                states[row].append(caught[-1][row, -1])
        if not open_rows:
            break
        if number == 0:
            deltas = rope_deltas(model)
        mask = torch.cat([mask, mask.new_ones(rows, 1)], dim=1)
        inputs = {"input_ids": tokens[:, None], "attention_mask": mask}
        inputs.update(positions(deltas, (lengths + number)[:, None]))
    empty = torch.empty(0, understanding.hidden_size, device=understanding.device, dtype=understanding.dtype)
    return [
        Generated(tuple(ids), torch.stack(found) if found else empty)
        for ids, found in zip(written, states, strict=True)
    ]


def new_cache(model: Any) -> Any:
    """Make an empty cache for a model's own layers."""
    from transformers import DynamicCache

    return DynamicCache(config=model.config)


def _passed_on(batch: dict[str, Tensor]) -> set[str]:
    """Names of the inputs that describe pictures: everything that is neither text nor bookkeeping."""
    ours = {"input_ids", "attention_mask", "labels", "picture_counts", "answer_start", *_PER_TOKEN}
    return set(batch) - ours


def rope_deltas(model: Any) -> Tensor | None:
    """How far a picture's positions (height x width, not one a token) fall short of the token count."""
    found = getattr(getattr(model, "model", None), "rope_deltas", None)
    return found.clone() if isinstance(found, Tensor) else None


def positions(deltas: Tensor | None, at: Tensor) -> dict[str, Tensor]:
    """Positions [3, B, t] for models whose pictures take less positions than tokens; others count alone."""
    return {} if deltas is None else {"position_ids": (at + deltas.to(at.device)).expand(3, -1, -1)}
