"""Generate: the plain way, in which the model writes an answer of its own on every slice.

It is what the paper does, and is compared with grounding: same weights, KV cache on, slices batched,
embeddings remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from MedSegRLib.model import Conversation, pad_states

from .evidence import Look
from .ground import Grounder, looks_of
from .tell import phrases_of

__all__ = ["Written", "generate_on", "told"]


@dataclass(frozen=True)
class Written:
    """What was written on one slice, and a look for each `[SEG]` in it."""

    raw: str
    looks: tuple[tuple[str, Look], ...]


@torch.inference_mode()
def generate_on(
    grounder: Grounder,
    slices: Sequence[int],
    spoken: Conversation,
    stop: Callable[[], bool] | None = None,
) -> list[Written]:
    """Write an answer to a conversation on each of B slices.

    `stop` is asked before every token; once it says True the answers are only half written.
    """
    understanding = grounder.model.understanding
    embedding, read = grounder.recall(slices)
    batch = understanding.batch([spoken] * len(slices), [[p] for p in read.pictures], answer_open=True)
    limit = grounder.model.config.max_answer_tokens
    answers = understanding.generate(batch, max_new_tokens=limit, stop=stop)
    raws = [understanding.decode(answer.ids) for answer in answers]
    states, _ = pad_states([answer.seg_states for answer in answers])
    if states.shape[1] == 0:
        return [Written(raw, ()) for raw in raws]
    looks = looks_of(grounder.model.decode(embedding, states, read.image_states))
    written = []
    for raw, answer, found in zip(raws, answers, looks, strict=True):
        # A text may spell a tag in letters, which has no state; the real ones come with theirs.
        said = phrases_of(raw)[0][: len(answer.seg_states)]
        written.append(Written(raw, tuple(zip(said, found, strict=False))))
    return written


def told(raws: Sequence[str]) -> str:
    """The text that speaks for all slices: the commonest one that finds anything, else the commonest."""
    finding = [raw for raw in raws if phrases_of(raw)[0]]
    return Counter(finding or raws).most_common(1)[0][0] if raws else ""
