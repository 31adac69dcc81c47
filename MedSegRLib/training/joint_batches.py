"""Batches with pictures: conversations about whole made-up examinations and about single slices of them.

An examination is shown to the language model as it will be when it answers: some key slices in one prompt,
of a made-up whole head, a slab, one half, or of a real scan. Single slices carry masks. Everything comes
from the batch's number.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.annotator import OfflineAnnotator
from MedSegRLib.dataset.conversation import Exchange, Part, Scene
from MedSegRLib.model.canvas import downscale
from MedSegRLib.model.medsegr import MedSegRConfig

from .coverage import Coverage, DrawnSlice
from .language_stage import encode_conversation, full_scene
from .packing import pack_conversations
from .real_examinations import RealExaminations, pictures_of
from .real_scans import RealScan
from .real_slices import RealSlices
from .synthesis import HeadMap, Subject, SynthesisConfig, draw_subject, render
from .targets import SIDE_CODE, PartTargets

__all__ = ["JointBatch", "JointBatches", "Shares"]

_CUT = 0.12
# A part with fewer voxels (of an examination) or pixels (of a slice), but some, is not asked about: whether
# it "is there" could not be seen in the pictures.
_SURE_VOXELS = 150
_SURE_PIXELS = 50
# Share of the slices that are asked for what their own region may show, not for whatever is offered.
_NEAR = 0.85
# A patch with this share of nothing drawn says nothing of a scan that shows more than is drawn.
_BLANK = 0.9


@dataclass(frozen=True)
class Shares:
    """How many of what in a batch.

    `questions` are conversations about each examination, and as many more are about no picture, as if all
    that is offered were there, so that the words for what is seldom seen are kept; `written` is the share of
    the slices that are answered from themselves; `real` that of the examinations, and of the slices, that are
    of real scans; `one_prompt` the share of the batches that must do without the sparse prompt, and as many
    without the dense one.
    """

    examinations: int = 4
    questions: int = 16
    slices: int = 5
    prompts: int = 4
    written: float = 0.5
    real: float = 0.5
    slab: float = 0.25
    half: float = 0.15
    one_prompt: float = 0.0


@dataclass
class JointBatch:
    """One step's worth.

    `pictured` are batches as `Understanding` makes them, each with the share of every part in each patch of
    its pictures, [N, g * g, parts + 1], background first: examinations if there are any, their conversations
    packed, then the slices. Of the slices: `images` [B, C, S, S]; `masks` bool [B, K, S, S]; `parts` int64
    [B, K], -1 where K is filled up; `structure`, `side` uint8 [B, S, S] and `unknown` as in `GroundingBatch`;
    `without` the prompt that is kept from the mask decoder.
    """

    pictured: tuple[tuple[dict[str, Tensor], Tensor], ...]
    images: Tensor
    masks: Tensor
    parts: Tensor
    structure: Tensor
    side: Tensor
    unknown: Tensor
    without: Literal["sparse", "dense"] | None = None


class JointBatches(Dataset[JointBatch]):
    """Batches by number.

    Masks are learnt from made-up heads and `real` scans; words from them and from `others`, of which it is
    said that nothing of what is asked for is there.
    """

    def __init__(
        self,
        heads: Sequence[HeadMap],
        real: Sequence[RealScan],
        others: Sequence[RealScan],
        targets: PartTargets,
        annotator: OfflineAnnotator,
        tokenizer: Tokenizer,
        config: MedSegRConfig,
        synthesis: SynthesisConfig,
        *,
        head_coverage: Coverage,
        patch_grid: int,
        seed: int,
        shares: Shares,
    ) -> None:
        self.heads, self.targets, self.annotator = heads, targets, annotator
        self.tokenizer, self.head_coverage = tokenizer, head_coverage
        self.config, self.synthesis, self.grid = config, synthesis, patch_grid
        self.seed, self.shares = seed, shares
        self._all = full_scene(annotator, config.offered)
        self._part_of = torch.zeros(len(targets.structures) + 1, 3, dtype=torch.long)
        for part, (structure, side) in enumerate(targets.parts):
            self._part_of[structure + 1, SIDE_CODE[side]] = part + 1
        self._extents = [_extent(head, targets, self._part_of) for head in heads]
        self._real_slices = RealSlices(real)
        self._real_examinations = RealExaminations([*real, *others], config)

    def __len__(self) -> int:
        return 1 << 30

    def __getitem__(self, number: int) -> JointBatch:
        torch.set_num_threads(1)
        rng = np.random.default_rng((self.seed, number))
        words = random.Random(f"{self.seed}/{number}")
        examinations = (self._examinations(rng, words),) if self.shares.examinations else ()
        return self._with_slices(rng, words, examinations)

    # -- examinations

    def _examinations(
        self, rng: np.random.Generator, words: random.Random
    ) -> tuple[dict[str, Tensor], Tensor]:
        rows, pictures, patches = [], [], []
        for _ in range(self.shares.examinations):
            shown, parts, scene, doubtful = self._examination(rng)
            asked = [
                self._surely(scene, doubtful, words.choice((1, 1, 2)), words)
                for _ in range(self.shares.questions)
            ]
            rows.append((asked, len(shown) * self.grid**2))
            pictures.append(shown)
            patches.append(parts)
        blind = [self.annotator.converse(self._all, 1, words) for _ in range(self.shares.questions)]
        text = pack_conversations([*rows, (blind, 0)], self.tokenizer, words, cut=_CUT)
        counts = [*(len(shown) for shown in pictures), 0]
        return {**text, **_pictures(torch.cat(pictures), counts)}, torch.cat(patches)

    def _surely(
        self, scene: Scene, doubtful: frozenset[Part], turns: int, words: random.Random
    ) -> tuple[Exchange, ...]:
        """A conversation that asks for nothing doubtful."""
        while True:
            exchanges = self.annotator.converse(scene, turns, words)
            if not any((t.structure, t.side) in doubtful for e in exchanges for t in e.targets):
                return exchanges

    def _examination(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Scene, frozenset[Part]]:
        """Pictures [n, 3, P, P], patches, the scene, and of what it is doubtful whether it is there."""
        if self._real_examinations and rng.random() < self.shares.real:
            return self._real(rng)
        which = int(rng.integers(len(self.heads)))
        head = self.heads[which]
        draw = rng.random()
        half = draw < self.shares.half
        subject = draw_subject(head, self.synthesis, rng, halves=half)
        low: float
        high: float
        low, high = head.brain_slices
        if subject.lost is None:
            low, high = max(0, low - int(rng.integers(0, 30))), min(head.codes.shape[0] - 1, high + 5)
        if not half and draw < self.shares.half + self.shares.slab:
            length = float(rng.uniform(0.12, 0.6)) * (high - low)
            low = float(rng.uniform(low, high - length))
            high = low + length
        count = pictures_of(self.config.key_slices, rng)
        if count == 1:
            low = high = float(rng.uniform(low, high))
        at = low + (np.arange(count) + 0.5) / count * (high - low)
        size = int(rng.choice((192, 192, 224)))
        samples = [self._small(subject, float(z), size, rng) for z in at]
        shown = self._shown(which, low, high, subject, count)
        sure = _SURE_VOXELS if count > 1 else _SURE_PIXELS
        pictures, patches = (torch.stack(values) for values in zip(*samples, strict=True))
        return pictures, patches, *self._scene(self.head_coverage, shown, sure)

    def _small(
        self, subject: Subject, slice_mm: float, size: int, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """A picture, rendered at its own coarse pixels at once."""
        edge = self.config.picture_size
        channels = [int(self.config.slice_offsets_mm[c]) for c in self.config.picture_channels]
        sample = render(subject, slice_mm, (edge, edge), rng, offsets_mm=channels, pixel_mm=size / edge)
        structure, side = self.targets.draw(sample.labels, sample.mirrored)
        return sample.image, self._patches(structure, side, self.head_coverage)

    def _shown(self, which: int, low: float, high: float, subject: Subject, count: int) -> dict[Part, int]:
        """Voxels of each part between the first and last slice of an examination."""
        voxels = self._extents[which]
        first, last = max(0, round(low)), min(len(voxels) - 1, round(high))
        if count == 1:
            first = last = round((low + high) / 2)
        halves = {None: (0, 1), "low": (0,), "high": (1,)}[subject.half]
        total = voxels[first : last + 1][:, halves].sum((0, 1))
        return {
            (self.targets.structures[structure], side.other if subject.mirrored else side): int(voxels)
            for (structure, side), voxels in zip(self.targets.parts, total, strict=True)
        }

    def _real(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Scene, frozenset[Part]]:
        seen = self._real_examinations.draw(rng)
        drawn = zip(seen.structure, seen.side, strict=True)
        patches = torch.stack([self._patches(*one, seen.coverage) for one in drawn])
        return seen.pictures, patches, *self._scene(seen.coverage, self._of_parts(seen.pixels), _SURE_PIXELS)

    def _of_parts(self, pixels: npt.NDArray[np.int64]) -> dict[Part, int]:
        """Pixels of each part, from those of each structure and side, [structures + 1, 3]."""
        return {
            (self.targets.structures[number], side): int(pixels[number + 1, SIDE_CODE[side]])
            for number, side in self.targets.parts
        }

    def _scene(
        self, coverage: Coverage, shown: Mapping[Part, int], least: int
    ) -> tuple[Scene, frozenset[Part]]:
        """What is there for sure, with `least` voxels or pixels, and what is doubtful.

        Nobody can see whether what has fewer is there, nor know it of what may be there undrawn.
        """
        present = {part: float(count) for part, count in shown.items() if count >= least}
        doubtful = self._undrawn(coverage, present) | {p for p, count in shown.items() if 0 < count < least}
        return Scene(coverage.region, self.config.offered, present), doubtful

    def _undrawn(self, coverage: Coverage, drawn: Collection[Part]) -> frozenset[Part]:
        """Parts that are not `drawn` and of which nobody knows whether they are there."""
        parts = ((self.targets.structures[number], side) for number, side in self.targets.parts)
        told = zip(parts, coverage.sure, strict=True)
        return frozenset(part for part, sure in told if not sure and part not in drawn)

    # -- slices

    def _with_slices(
        self,
        rng: np.random.Generator,
        words: random.Random,
        examinations: tuple[tuple[dict[str, Tensor], Tensor], ...],
    ) -> JointBatch:
        size = int(rng.choice((192, 192, 192, 224)))
        count = max(2, round(self.shares.slices * (192 / size) ** 2))
        slices, small, rows, score, masks, parts, patches = [], [], [], [], [], [], []
        for i in range(count):
            writes = i < round(self.shares.written * count)
            shown = self._slice(size, rng)
            part_map = self._part_of[shown.structure, shown.side]
            exchange = self._about_slice(part_map, shown.coverage, writes, words)
            row = [self._part_number(t.structure, t.side) for t in exchange.targets if t.present]
            row = row[: self.shares.prompts] + [-1] * (self.shares.prompts - len(row))
            slices.append(shown)
            rows.append((exchange,))
            score.append(writes)
            channels = list(self.config.picture_channels)
            small.append(downscale(shown.image[None, channels], self.config.picture_size)[0])
            parts.append(torch.tensor(row))
            masks.append(torch.stack([(part_map == p + 1) & (p >= 0) for p in row]))
            patches.append(self._patches(shown.structure, shown.side, shown.coverage))
        text = self._text(rows, torch.stack(small), words, score=score)
        kept, draw = self.shares.one_prompt, rng.random()
        return JointBatch(
            (*examinations, (text, torch.stack(patches))),
            torch.stack([s.image for s in slices]),
            torch.stack(masks),
            torch.stack(parts),
            torch.stack([s.structure for s in slices]).to(torch.uint8),
            torch.stack([s.side for s in slices]).to(torch.uint8),
            torch.stack([s.coverage.unknown for s in slices]),
            "sparse" if draw < kept else "dense" if draw < 2 * kept else None,
        )

    def _slice(self, size: int, rng: np.random.Generator) -> DrawnSlice:
        if self._real_slices and rng.random() < self.shares.real:
            return self._real_slices.draw((size, size), rng)
        head = self.heads[int(rng.integers(len(self.heads)))]
        low, high = head.deep_slices if rng.random() < 0.6 else head.brain_slices
        subject = draw_subject(head, self.synthesis, rng, halves=rng.random() < self.shares.half)
        offsets = [int(o) for o in self.config.slice_offsets_mm]
        sample = render(subject, float(rng.uniform(low - 2, high + 2)), (size, size), rng, offsets_mm=offsets)
        drawn = self.targets.draw(sample.labels, sample.mirrored)
        return DrawnSlice(sample.image, *drawn, self.head_coverage)

    def _about_slice(
        self, part_map: Tensor, coverage: Coverage, writes: bool, words: random.Random
    ) -> Exchange:
        """An exchange with few enough targets; one that `writes` tells what this very slice shows."""
        counts = torch.bincount(part_map.flatten(), minlength=len(self.targets.parts) + 1)[1:]
        shown = {
            (self.targets.structures[n], s): int(pixels)
            for (n, s), pixels in zip(self.targets.parts, counts, strict=True)
        }
        scene, doubtful = self._scene(coverage, shown, _SURE_PIXELS)
        if not writes:
            # As if all were there that could be, so that what is not there is asked for as well.
            near = self._near(scene) if words.random() < _NEAR else ()
            scene = replace(self._all, offered=near) if near else self._all
            doubtful = self._undrawn(coverage, [part for part, pixels in shown.items() if pixels])
        nothing_to_find = all(p in doubtful or p[0] not in scene.offered for p in scene.present_ml)
        # Most parts are not on most slices; asked evenly, a model would learn to say so of all.
        may_find_none = nothing_to_find or (writes and words.random() < 0.35)
        while True:
            exchange = self._surely(scene, doubtful, 1, words)[0]
            found = sum(t.present for t in exchange.targets)
            if found <= self.shares.prompts and (found or may_find_none):
                return exchange

    def _near(self, scene: Scene) -> tuple[str, ...]:
        """Structures of the regions of what is there."""
        table = self.annotator.table.structures
        regions = {table[name].region for name, _ in scene.present_ml}
        return tuple(name for name in self.config.offered if table[name].region in regions)

    # -- tensors

    def _part_number(self, structure: str, side: Side) -> int:
        return int(self.targets.parts.index((self.targets.structures.index(structure), side)))

    def _patches(self, structure: Tensor, side: Tensor, coverage: Coverage) -> Tensor:
        """Share of each part in each patch, [g * g, parts + 1]; none in patches of which nobody knows any."""
        part_map = self._part_of[structure, side]
        edge, classes = part_map.shape[0] // self.grid, len(self.targets.parts) + 1
        at = torch.arange(part_map.shape[0]).div(edge, rounding_mode="floor").clamp(max=self.grid - 1)
        patch = at[:, None] * self.grid + at[None, :]
        counts = torch.bincount((patch * classes + part_map).flatten(), minlength=self.grid**2 * classes)
        counts = counts.reshape(self.grid**2, classes).float()
        shares = counts / counts.sum(1, keepdim=True)
        # What is no brain on a brain's slice is worth learning, although a head shows more than is drawn.
        if coverage.region == "brain" or not coverage.unknown[1:].any():
            return shares
        return shares * (shares[:, :1] < _BLANK)

    def _text(
        self,
        rows: Sequence[Sequence[Exchange]],
        pictures: Tensor,
        words: random.Random,
        score: Sequence[bool],
    ) -> dict[str, Tensor]:
        """Pad conversations on the right, each about one picture, expanded into its image tokens."""
        encoded = [
            encode_conversation(exchanges, self.tokenizer, words, cut=_CUT, image_tokens=self.grid**2)
            for exchanges in rows
        ]
        length = max(len(ids) for ids, _ in encoded)
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        labels = torch.full((len(rows), length), -100)
        mask = torch.zeros(len(rows), length, dtype=torch.long)
        for i, (row, row_labels) in enumerate(encoded):
            ids[i, : len(row)], mask[i, : len(row)] = torch.tensor(row), 1
            if score[i]:
                labels[i, : len(row)] = torch.tensor(row_labels)
        text = {"input_ids": ids, "attention_mask": mask, "labels": labels}
        return {**text, **_pictures(pictures, [1] * len(rows))}


def _pictures(pictures: Tensor, counts: Sequence[int]) -> dict[str, Tensor]:
    """Pictures [N, 3, P, P] in 0..1 as the picture tower wants them, and how many each row has."""
    return {"pixel_values": pictures * 2 - 1, "picture_counts": torch.tensor(counts)}


def _extent(head: HeadMap, targets: PartTargets, part_of: Tensor) -> npt.NDArray[np.int64]:
    """Voxels of each part per slice and half (low and high columns): [slice, 2, parts]."""
    ids = torch.as_tensor(np.asarray(head.labels, np.int64))
    part = part_of[targets.structure_of_id[ids], targets.side_of_id[ids]].numpy()
    middle = round(head.centre[2])
    classes = len(targets.parts) + 1
    out = np.zeros((head.codes.shape[0], 2, classes), np.int64)
    for z, plane in enumerate(head.codes):
        for side, columns in enumerate((plane[:, : middle + 1], plane[:, middle:])):
            out[z, side] = np.bincount(part[columns.reshape(-1)], minlength=classes)
    return out[..., 1:]


def similarity_targets(masks: Tensor, grid: int) -> Tensor:
    """Which image positions a finding touches, [..., S, S] to [..., g, g]."""
    flat = masks.flatten(0, -3).float()[:, None]
    touched = functional.adaptive_avg_pool2d(flat, grid)[:, 0] > 0.02
    return touched.float().reshape(*masks.shape[:-2], grid, grid)
