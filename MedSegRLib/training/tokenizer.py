"""The mini's tokenizer: byte-level subwords learnt from what the annotator writes.

Questions are lower-cased and begin with a space (the chat template sees to it), so that a word is the same
token wherever it stands, and the vocabulary spends nothing on capitals. Answers are written as they are. A
share of the merges is dropped while training (BPE dropout, Provilkov et al., ACL 2020), so that a word
with a slip in it is no stranger.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

__all__ = ["CONTROL_TOKENS", "control_ids", "train_tokenizer", "with_dropout"]

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


def with_dropout(tokenizer: Tokenizer, dropout: float) -> Tokenizer:
    """A copy that drops merges at random; for questions in training only."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.model.dropout = dropout
    return copy
