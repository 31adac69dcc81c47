"""Second stage, language alone: questions without pictures, answered as if all of a brain were there.

Cheap next to anything with pixels, so this is where the words are learnt: the annotator writes afresh for
every batch. Only the answers are scored.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.conversation import Exchange, Scene

from .tokenizer import control_ids, encode_roughly

__all__ = ["LanguageStage", "TextBatches", "encode_conversation", "full_brain"]


def full_brain(annotator: OfflineAnnotator, offered: Sequence[str]) -> Scene:
    """A scene in which every offered part is there."""
    table = annotator.table.structures
    parts = {
        (name, side): 1.0
        for name in offered
        for side in ((Side.LEFT, Side.RIGHT) if table[name].sided else (Side.NONE,))
    }
    return Scene("brain", tuple(offered), parts)


def encode_conversation(
    exchanges: Sequence[Exchange],
    tokenizer: Tokenizer,
    rng: random.Random,
    *,
    cut: float = 0.0,
    image_tokens: int = 0,
) -> tuple[list[int], list[int]]:
    """Token ids of a conversation and labels, -100 on all that is not an answer or its end.

    Ids are those of the mini's chat template, but for the share `cut` of the questions' words;
    `image_tokens` stand before the first question.
    """
    token = control_ids(tokenizer)
    ids, labels = [token["<s>"]], [-100]
    for number, exchange in enumerate(exchanges):
        asked = encode_roughly(tokenizer, f" {exchange.question.lower()}", cut, rng)
        pictures = [token["<image>"]] * image_tokens if number == 0 else []
        question = [token["<|user|>"], *pictures, *asked, token["<|end|>"], token["<|assistant|>"]]
        answer = [*tokenizer.encode(exchange.answer, add_special_tokens=False).ids, token["<|end|>"]]
        ids += question + answer
        labels += [-100] * len(question) + answer
    return ids, labels


class TextBatches(Dataset[dict[str, Tensor]]):
    """Numbered batches of conversations of about one length, padded on the right to `tokens` in all."""

    def __init__(
        self,
        annotator: OfflineAnnotator,
        tokenizer: Tokenizer,
        offered: Sequence[str],
        *,
        seed: int,
        tokens: int = 4096,
        pool: int = 192,
        cut: float = 0.06,
    ) -> None:
        self.annotator, self.seed, self.tokens, self.pool = annotator, seed, tokens, pool
        self.tokenizer, self.cut = tokenizer, cut
        self.scene = full_brain(annotator, offered)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        torch.set_num_threads(1)
        rng = random.Random(f"{self.seed}/{number}")
        rows = []
        for _ in range(self.pool):
            turns = rng.choices((1, 2, 3), (70, 20, 10))[0]
            exchanges = self.annotator.converse(self.scene, turns, rng)
            rows.append(encode_conversation(exchanges, self.tokenizer, rng, cut=self.cut))
        rows.sort(key=lambda row: len(row[0]))
        start = rng.randrange(len(rows))
        end = start + 1
        while end < len(rows) and (end + 1 - start) * len(rows[end][0]) <= self.tokens:
            end += 1
        while start > 0 and (end + 1 - start) * len(rows[end - 1][0]) <= self.tokens:
            start -= 1
        rows = rows[start:end]
        length = len(rows[-1][0])
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        labels = torch.full((len(rows), length), -100)
        mask = torch.zeros(len(rows), length, dtype=torch.long)
        for i, (row, row_labels) in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            labels[i, : len(row)] = torch.tensor(row_labels)
            mask[i, : len(row)] = 1
        return {"input_ids": ids, "labels": labels, "attention_mask": mask}

    def __len__(self) -> int:
        return 1 << 30


class LanguageStage:
    """Next-token loss of a decoder and its head on the answers."""

    name = "language"

    def __init__(self, decoder: nn.Module, head: nn.Module, batches: TextBatches) -> None:
        self.batches = batches
        self.modules = nn.ModuleDict({"decoder": decoder, "head": head})

    def losses(self, batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Cross-entropy where an answer is predicted; the head runs only there."""
        hidden = self.modules["decoder"](
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
        ).last_hidden_state
        labels = batch["labels"][:, 1:]
        scored = labels != -100
        logits = self.modules["head"](hidden[:, :-1][scored]).float()
        return {"text": functional.cross_entropy(logits, labels[scored])}
