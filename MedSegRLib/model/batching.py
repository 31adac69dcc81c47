"""Batching: conversations and pictures as the tensors that a model's forward takes, by its own processor.

A batch in which every conversation reads the same (one answer on every slice) is written down and
tokenized once; only the pictures differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .conversation import Conversation
from .rendering import Rendered, Renderer

__all__ = ["Batcher"]

IGNORED = -100


class Batcher:
    """Makes batches with a processor; `accepted` are the names that the model's forward takes."""

    def __init__(self, processor: Any, renderer: Renderer, *, accepted: frozenset[str]) -> None:
        self._processor, self._renderer, self._accepted = processor, renderer, accepted

    def batch(
        self,
        conversations: Sequence[Conversation],
        pictures: Sequence[Sequence[np.ndarray]],
        *,
        answer_open: bool,
        training: bool,
    ) -> dict[str, Tensor]:
        """Make a batch; see `Understanding.batch`."""
        if len(conversations) != len(pictures) or not conversations:
            raise ValueError("A batch needs one list of pictures for each of its conversations.")
        _check_pictures(pictures)
        if len(conversations) > 1 and _all_alike(conversations, pictures):
            one = self._texts_and_pictures(conversations[:1], pictures[:1], answer_open, training)
            rows = len(conversations)
            made = {key: one[key].expand(rows, *one[key].shape[1:]) for key in one if _is_text(key)}
            made = {key: value.contiguous() for key, value in made.items()}
            made.update(self._pictures([p for row in pictures for p in row]))
            return made
        return self._texts_and_pictures(conversations, pictures, answer_open, training)

    def _texts_and_pictures(
        self,
        conversations: Sequence[Conversation],
        pictures: Sequence[Sequence[np.ndarray]],
        answer_open: bool,
        training: bool,
    ) -> dict[str, Tensor]:
        rendered = [
            self._renderer.render(c, len(p), answer_open=answer_open)
            for c, p in zip(conversations, pictures, strict=True)
        ]
        tokenizer = self._processor.tokenizer
        texts = [r.text for r in rendered]
        # A template that writes the start token itself must not get a second one.
        own_start = not (tokenizer.bos_token and texts[0].startswith(tokenizer.bos_token))
        nested = [list(row) for row in pictures]
        made = self._processor(
            text=texts,
            images=nested if any(nested) else None,
            return_tensors="pt",
            padding=True,
            padding_side="left" if answer_open else "right",
            add_special_tokens=own_start,
        )
        tensors = {key: torch.as_tensor(value) for key, value in made.items() if key in self._accepted}
        tensors["picture_counts"] = torch.tensor([len(row) for row in pictures])
        spoken = self._spoken(rendered, tensors, own_start)
        ids = tensors["input_ids"]
        tensors["answer_start"] = torch.tensor([s[-1][0] if s else ids.shape[1] for s in spoken])
        if training:
            labels = torch.full_like(ids, IGNORED)
            for row, spans in enumerate(spoken):
                for start, end in spans:
                    labels[row, start:end] = ids[row, start:end]
            tensors["labels"] = labels
        return tensors

    def _spoken(
        self, rendered: Sequence[Rendered], tensors: dict[str, Tensor], own_start: bool
    ) -> list[list[tuple[int, int]]]:
        """Token spans of every assistant turn.

        Pictures stand before all of them, so a token lies as far from the end of the sequence with the
        pictures expanded as without.
        """
        spans: list[list[tuple[int, int]]] = []
        for row, one in enumerate(rendered):
            row_spans: list[tuple[int, int]] = []
            if one.spans:
                plain = self._processor.tokenizer(
                    one.text, add_special_tokens=own_start, return_offsets_mapping=True
                )
                offsets, plain_ids = plain["offset_mapping"], plain["input_ids"]
                real = tensors["attention_mask"][row].nonzero()[:, 0]
                shift = int(real[-1]) + 1 - len(plain_ids)
                for start, end in one.spans:
                    inside = [n for n, (a, b) in enumerate(offsets) if b > start and a < end and b > a]
                    if not inside:
                        continue
                    first, last = inside[0] + shift, inside[-1] + shift + 1
                    if (
                        tensors["input_ids"][row, first:last].tolist()
                        != plain_ids[inside[0] : inside[-1] + 1]
                    ):
                        raise ValueError("The processor rewrites text that follows the pictures.")
                    row_spans.append((first, last))
            spans.append(row_spans)
        return spans

    def _pictures(self, pictures: Sequence[np.ndarray]) -> dict[str, Tensor]:
        if not pictures:
            return {}
        made = self._processor.image_processor(images=list(pictures), return_tensors="pt")
        return {key: torch.as_tensor(value) for key, value in made.items() if key in self._accepted}


def _is_text(key: str) -> bool:
    return key.endswith("_ids") or key in ("attention_mask", "labels", "picture_counts", "answer_start")


def _all_alike(conversations: Sequence[Conversation], pictures: Sequence[Sequence[np.ndarray]]) -> bool:
    shapes = {tuple(p.shape for p in row) for row in pictures}
    return len(shapes) == 1 and all(c == conversations[0] for c in conversations)


def _check_pictures(pictures: Sequence[Sequence[np.ndarray]]) -> None:
    for picture in (p for row in pictures for p in row):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise ValueError(f"A picture is uint8 [H, W, 3], not {picture.dtype} {picture.shape}.")
