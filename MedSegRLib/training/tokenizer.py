"""The mini's tokenizer: byte-level subwords learnt from what the annotator writes.

Questions are lower-cased and begin with a space (the chat template sees to it), so that a word is the same
token wherever it stands, and the vocabulary spends nothing on capitals. Answers are written as they are. A
share of the words of a question is cut in two while training (in the spirit of BPE dropout, Provilkov et al.,
ACL 2020, but from the batch's own generator), so that a word with a slip in it is no stranger.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

__all__ = ["CONTROL_TOKENS", "control_ids", "encode_roughly", "train_tokenizer"]

CONTROL_TOKENS = (
    "<pad>", "<s>", "<|user|>", "<|assistant|>", "<|end|>", "<image>", "[SEG]", "[REJ]", "<p>", "</p>",
)  # fmt: skip


def train_tokenizer(lines: Iterable[str], vocabulary: int) -> Tokenizer:
    """Learn `vocabulary` subwords; the control tokens come first and are never split."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(CONTROL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def control_ids(tokenizer: Tokenizer) -> dict[str, int]:
    """Ids of the control tokens; a tokenizer without one of them is a ValueError."""
    ids: dict[str, int] = {}
    for mark in CONTROL_TOKENS:
        found = tokenizer.token_to_id(mark)
        if found is None:
            raise ValueError(f"The tokenizer does not know {mark}; make it with train_tokenizer.")
        ids[mark] = found
    return ids


def encode_roughly(tokenizer: Tokenizer, text: str, share: float, rng: random.Random) -> list[int]:
    """Token ids of a text of which a share of the longer words is written in two pieces.

    Read together they are the same text; for questions in training only.
    """
    pieces, piece = [], ""
    for word in re.findall(r"\s*\S+|\s+$", text):
        if len(word) > 4 and rng.random() < share:
            cut = rng.randrange(2, len(word))
            pieces.append(piece + word[:cut])
            piece = word[cut:]
        else:
            piece += word
    return [
        i for part in (*pieces, piece) if part for i in tokenizer.encode(part, add_special_tokens=False).ids
    ]
