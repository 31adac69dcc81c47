"""Conversations of a MedSeg-QA data set as numbered batches, shown as they will be when the model answers.

A batch is about one scan: a whole conversation behind the pictures of its key slices, from which the words
are learnt, and some single slices, each with one question and its answer behind it, as
`reasoning.answering` reads them, from whose `[SEG]` states the masks are learnt.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from MedSegRLib.answers import Question
from MedSegRLib.dataset.format import Item, ItemExchange, read_items
from MedSegRLib.dataset.masks import read_mask
from MedSegRLib.dataset.split import refuse_two_splits
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Modality, SliceStack, gather_canonical, read_volume
from MedSegRLib.imaging.volume import Volume
from MedSegRLib.model import Conversation, MedSegRConfig, Turn
from MedSegRLib.model.canvas import Canvas
from MedSegRLib.reasoning.ground import encoder_images
from MedSegRLib.reasoning.laying_out import lay_out
from MedSegRLib.reasoning.plan import make_plan

__all__ = ["ConversationBatch", "ConversationBatches", "has_masks", "read_parts"]

Pictures = list[npt.NDArray[np.uint8]]

_KEPT = 2  # scans in memory
_SHOWN = 0.75  # share of the slices that show a target; the others teach to say that it is not there


def read_parts(path: Path) -> dict[str, list[Item]]:
    """Items that are not rejected, by split.

    Raises
    ------
    DatasetError
        If a line is no item, a patient is in two splits, a scan is not there, or nothing is to be trained on.
    """
    parts: dict[str, list[Item]] = {}
    for item in refuse_two_splits(read_items(path)):
        if item.review.value != "rejected":
            parts.setdefault(item.split, []).append(item)
    for image in sorted({item.image for items in parts.values() for item in items}):
        if not (path.parent / image).exists():
            raise DatasetError(f"{path} names the scan {image}, which is not there; put it beside the file.")
    if not any(map(has_masks, parts.get("train", ()))):
        raise DatasetError(
            f"{path} has no conversation with a mask in the split train; build or divide the data set first."
        )
    return parts


def has_masks(item: Item) -> bool:
    """Whether something that an item names is there and drawn."""
    return bool(_drawn(item))


def _drawn(item: Item) -> list[ItemExchange]:
    """Exchanges with a `[SEG]`, all of which have masks."""
    found = []
    for exchange in item.exchanges:
        there = [target for target in exchange.targets if target.present]
        if there and all(target.mask is not None for target in there):
            found.append(exchange)
    return found


@dataclass(frozen=True)
class ConversationBatch:
    """B conversations with their pictures, uint8 [H, W, 3]; the last G of them are about one slice each.

    `images` [G, C, S, S] as the image encoder takes them, `masks` bool [G, K, S, S] of the `[SEG]` tokens of
    each in their order, filled up with empty ones.
    """

    conversations: tuple[Conversation, ...]
    pictures: tuple[Pictures, ...]
    images: Tensor
    masks: Tensor


@dataclass(frozen=True)
class _Scan:
    volume: Volume
    stack: SliceStack
    canvas: Canvas
    filled: tuple[int, ...]


class ConversationBatches(Dataset[ConversationBatch]):
    """Batches by number; every item comes once before one comes again.

    Parameters
    ----------
    items, folder
        What is trained on, and the folder that their paths start from.
    config, encoder
        Of the model, and the kind of its image encoder.
    slices
        Single slices of a batch.
    words
        False for slices alone, where only masks are learnt.
    seed
        Another seed gives another order and other slices.
    """

    def __init__(
        self,
        items: Sequence[Item],
        folder: Path,
        config: MedSegRConfig,
        encoder: str,
        *,
        slices: int,
        words: bool,
        seed: int,
    ) -> None:
        self.items = [item for item in items if has_masks(item)]
        self.folder, self.config, self.encoder = folder, config, encoder
        # Items without a mask, such as those about what is absent, have words to learn only.
        self.items += [item for item in items if words and not has_masks(item)]
        self.slices, self.words, self.seed = slices, words, seed
        self._scans: OrderedDict[tuple[str, bool], _Scan] = OrderedDict()

    def __len__(self) -> int:
        return 1 << 30

    def __getitem__(self, number: int) -> ConversationBatch:
        torch.set_num_threads(1)
        round_, place = divmod(number, len(self.items))
        order = np.random.default_rng((self.seed, 0, round_)).permutation(len(self.items))
        item = self.items[int(order[place])]
        rng = np.random.default_rng((self.seed, 1, number))
        scan = self._scan(item)
        asked = Question(item.exchanges[0].question, slices=item.slices)
        plan = make_plan(asked, scan.filled, scan.stack.count, self.config.key_slices)
        conversations: list[Conversation] = []
        pictures: list[Pictures] = []
        if self.words:
            conversations.append(tuple(t for exchange in item.exchanges for t in _turns(exchange)))
            pictures.append(self._pictures(scan, plan.key_slices))
        drawn, chosen, masks = _drawn(item), [], []
        for _ in range(self.slices if drawn else 0):
            exchange = drawn[int(rng.integers(len(drawn)))]
            index, mask = self._slice_of(exchange, scan, plan.slices, rng)
            conversations.append(_turns(exchange))
            pictures.append(self._pictures(scan, (index,)))
            chosen.append(index)
            masks.append(mask)
        most = max((len(mask) for mask in masks), default=0)
        size = scan.canvas.frame.size
        filled_up = torch.zeros(len(masks), most, size, size, dtype=torch.bool)
        for row, mask in enumerate(masks):
            filled_up[row, : len(mask)] = mask
        images = encoder_images(scan.canvas, chosen, self.encoder)
        return ConversationBatch(tuple(conversations), tuple(pictures), images, filled_up)

    def _slice_of(
        self, exchange: ItemExchange, scan: _Scan, slices: Sequence[int], rng: np.random.Generator
    ) -> tuple[int, Tensor]:
        """A slice to look at, and the masks [K, S, S] of what the exchange names on it."""
        references = [target.mask for target in exchange.targets if target.present]
        masks = [
            gather_canonical(read_mask(reference, self.folder, scan.volume), scan.stack.order)
            for reference in references
            if reference is not None
        ]
        one = masks[int(rng.integers(len(masks)))]
        shown = [index for index in slices if one[index].any()]
        among = shown if shown and rng.random() < _SHOWN else slices
        index = int(among[int(rng.integers(len(among)))])
        on_slice = torch.from_numpy(np.stack([mask[index] for mask in masks]).astype(np.float32))
        return index, scan.canvas.frame.place(on_slice) > 0.5

    def _pictures(self, scan: _Scan, slices: Sequence[int]) -> Pictures:
        return scan.canvas.pictures(slices, self.config.picture_size, self.config.picture_channels)

    def _scan(self, item: Item) -> _Scan:
        key = (item.image, item.slices is not None)
        if key in self._scans:
            self._scans.move_to_end(key)
            return self._scans[key]
        modality = Modality(item.modality)
        volume = read_volume(
            self.folder / item.image, modality=None if modality is Modality.UNKNOWN else modality
        )
        laid_out = lay_out(volume, self.config, item.plane if item.slices else None)
        filled = tuple(laid_out.canvas.filled())
        self._scans[key] = _Scan(volume, laid_out.stack, laid_out.canvas, filled)
        while len(self._scans) > _KEPT:
            self._scans.popitem(last=False)
        return self._scans[key]


def _turns(exchange: ItemExchange) -> Conversation:
    return (Turn("user", exchange.question), Turn("assistant", exchange.answer))
