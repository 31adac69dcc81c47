"""Second stage, language alone: questions without pictures, answered as if all that is offered were there.

Cheap next to anything with pixels, so this is where the words are learnt: the annotator writes afresh for
every batch. Only the answers are scored.

Beside it every word learns by itself what it speaks for: the mean of a question's embeddings must tell the
parts that are meant (the bag of words of fastText, Joulin et al., EACL 2017). A model this small learns
questions by heart else.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.conversation import Exchange, Scene

from .tokenizer import control_ids, encode_roughly

__all__ = [
    "LanguageStage",
    "TextBatches",
    "deciding_marks",
    "encode_conversation",
    "full_scene",
    "meant",
    "words_loss",
]


_BAG_WEIGHT = 0.1
# What decides an answer counts more than how it is worded, of which several ways are as good.
_DECISION = 4.0


def full_scene(annotator: OfflineAnnotator, offered: Sequence[str]) -> Scene:
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


def meant(exchange: Exchange, offered: Sequence[str]) -> list[float]:
    """What a question means, [structures + 2]: 1 for each structure, for left and for right, else 0.

    >>> from MedSegRLib.dataset.conversation import QuestionType, Target
    >>> right = Target("right putamen", "putamen", Side.RIGHT, True)
    >>> meant(Exchange("?", "!", QuestionType.DIRECT, (right,)), ("pallidum", "putamen"))
    [0.0, 1.0, 0.0, 1.0]
    """
    structures = {target.structure for target in exchange.targets}
    sides = {target.side for target in exchange.targets}
    return [float(name in structures) for name in offered] + [
        float(side in sides) for side in (Side.LEFT, Side.RIGHT)
    ]


def deciding_marks(tokenizer: Tokenizer) -> tuple[int, int, int]:
    """Token ids that `words_loss` goes by."""
    token = control_ids(tokenizer)
    return token["<p>"], token["</p>"], token["<|end|>"]


def words_loss(logits: Tensor, labels: Tensor, marks: tuple[int, int, int]) -> Tensor:
    """Cross-entropy of the words of answers; the first, named things and their marks weigh more.

    Parameters
    ----------
    logits, labels
        [N, V] and [N]: the scored words of whole answers, one answer after the other.
    marks
        Token ids of `<p>`, of `</p>` and of an answer's end.
    """
    opens, closes, ends = (labels == mark for mark in marks)
    within = (opens.cumsum(0) > closes.cumsum(0)) | closes
    # The last of all ends an answer, so that rolling round tells the first word of each, of the first too.
    decides = within | closes.roll(1) | ends.roll(1)
    weight = 1 + (_DECISION - 1) * decides.float()
    each = functional.cross_entropy(logits.float(), labels, reduction="none")
    return (each * weight).sum() / weight.sum()


class TextBatches(Dataset[dict[str, Tensor]]):
    """Numbered batches of conversations of about one length, padded on the right to `tokens` in all.

    With `bag` a batch also holds the first questions of the whole pool: `bag_ids` [n], all their tokens one
    after the other, `bag_starts` [pool] and `bag_meant` [pool, structures + 2].
    """

    def __init__(
        self,
        annotator: OfflineAnnotator,
        tokenizer: Tokenizer,
        offered: Sequence[str],
        *,
        seed: int,
        tokens: int = 4096,
        pool: int = 192,
        cut: float = 0.12,
        bag: bool = False,
    ) -> None:
        self.annotator, self.seed, self.tokens, self.pool = annotator, seed, tokens, pool
        self.tokenizer, self.cut, self.bag = tokenizer, cut, bag
        self.scene = full_scene(annotator, offered)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        torch.set_num_threads(1)
        rng = random.Random(f"{self.seed}/{number}")
        rows, first = [], []
        for _ in range(self.pool):
            turns = rng.choices((1, 2, 3), (70, 20, 10))[0]
            exchanges = self.annotator.converse(self.scene, turns, rng)
            first.append(exchanges[0])
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
        batch = {"input_ids": ids, "labels": labels, "attention_mask": mask}
        return {**batch, **self._bag(first, rng)} if self.bag else batch

    def _bag(self, exchanges: Sequence[Exchange], rng: random.Random) -> dict[str, Tensor]:
        asked = [encode_roughly(self.tokenizer, f" {e.question.lower()}", self.cut, rng) for e in exchanges]
        starts = [0, *itertools.accumulate(len(ids) for ids in asked)][:-1]
        return {
            "bag_ids": torch.tensor([i for ids in asked for i in ids]),
            "bag_starts": torch.tensor(starts),
            "bag_meant": torch.tensor([meant(e, self.scene.offered) for e in exchanges]),
        }

    def __len__(self) -> int:
        return 1 << 30


class LanguageStage:
    """Next-token loss of a decoder and its head on the answers, and what each word speaks for."""

    name = "language"

    def __init__(self, decoder: nn.Module, head: nn.Module, batches: TextBatches) -> None:
        self.batches = batches
        classes = len(batches.scene.offered) + 2
        # Its type says that attributes of a module are tensors or modules, not methods.
        self._marks = deciding_marks(batches.tokenizer)
        self._words: Callable[[], nn.Embedding] = decoder.get_input_embeddings  # type: ignore[assignment]
        bag = nn.Linear(self._words().embedding_dim, classes)
        self.modules = nn.ModuleDict({"decoder": decoder, "head": head, "bag": bag})

    def losses(self, batch: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Loss of the words where an answer is predicted; the head runs only there. Then that of the bag."""
        hidden = self.modules["decoder"](
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
        ).last_hidden_state
        labels = batch["labels"][:, 1:]
        scored = labels != -100
        logits = self.modules["head"](hidden[:, :-1][scored])
        words = self._words().weight
        bags = functional.embedding_bag(batch["bag_ids"], words, batch["bag_starts"], mode="mean")
        told = self.modules["bag"](bags).float()
        missed = functional.binary_cross_entropy_with_logits(told, batch["bag_meant"], reduction="none")
        return {
            "text": words_loss(logits, labels[scored], self._marks),
            "bag": _BAG_WEIGHT * missed.sum(1).mean(),
        }
