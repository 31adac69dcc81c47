"""First stage, grounding alone: the image encoder and mask decoder learn to follow prompts.

There is no language yet, so a part's prompt is a fixed random code, one vector for the structure plus
one for the side; the joint stage replaces it by the `[SEG]` state and frees it. The decoder's semantic head
gives the pyramid a dense loss on every pixel (deep supervision).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from MedSegRLib.model.grounding import Grounding
from MedSegRLib.model.losses import mask_losses

from .coverage import Coverage, DrawnSlice
from .real_slices import RealSlices
from .synthesis import HeadMap, SynthesisConfig, synthesize
from .targets import SIDE_CODE, PartTargets

__all__ = ["GroundingBatch", "GroundingBatches", "GroundingStage", "dense_losses", "prompt_codes"]

SIMILARITY_GRID = 8
# Keeps the logarithm of a probability finite.
_LEAST = 1e-20


def prompt_codes(targets: PartTargets, dim: int, seed: int) -> Tensor:
    """Fixed prompt of every part, [parts, dim]: a code for the structure plus one for the side.

    A longer list of structures gives the first ones the codes that a shorter one does.
    """
    drawn = torch.Generator().manual_seed(seed)
    # One by one, since the last numbers of a draw depend on how many there are.
    structures = [torch.randn(dim, generator=drawn) for _ in targets.structures]
    sides = torch.randn(3, dim, generator=torch.Generator().manual_seed(seed + 1))
    return torch.stack([structures[n] + sides[SIDE_CODE[s]] for n, s in targets.parts])


@dataclass
class GroundingBatch:
    """B slices, of which the first `parts.shape[0]` carry K prompts each.

    `images` [B, C, H, W]; `structure`, `side` uint8 [B, H, W]; `unknown` bool [B, structures + 1], what a
    pixel with nothing drawn on it may be; `parts` int64 [b, K];
    `similarity` [b, K, g, g] in -1..1, a coarse and noisy idea of where the part lies;
    `noise` [b, K, C], added to the prompts, since a language model's will not be exact either.
    """

    images: Tensor
    structure: Tensor
    side: Tensor
    unknown: Tensor
    parts: Tensor
    similarity: Tensor
    noise: Tensor

    def pin_memory(self) -> GroundingBatch:
        return self


class GroundingBatches(Dataset[GroundingBatch]):
    """Batches by number: batch n is the same whenever and wherever it is made.

    Half of the slices are of real scans, where there are any; made-up heads and real scans are always in one
    batch, since batch normalisation sees them together when the model answers.
    """

    def __init__(
        self,
        heads: Sequence[HeadMap],
        real: RealSlices,
        targets: PartTargets,
        synthesis: SynthesisConfig,
        sizes: Sequence[tuple[tuple[int, int], float]],
        *,
        head_coverage: Coverage,
        seed: int,
        prompt_dim: int,
        slices: int = 16,
        prompted: int = 2,
        prompts: int = 4,
    ) -> None:
        self.heads, self.real, self.targets = heads, real, targets
        self.synthesis, self.sizes, self.head_coverage = synthesis, sizes, head_coverage
        self.seed, self.prompt_dim = seed, prompt_dim
        self.slices, self.prompted, self.prompts = slices, prompted, prompts

    def __getitem__(self, number: int) -> GroundingBatch:
        torch.set_num_threads(1)
        rng = np.random.default_rng((self.seed, number))
        shares = np.array([share for _, share in self.sizes])
        size = self.sizes[int(rng.choice(len(shares), p=shares / shares.sum()))][0]
        count = max(2, round(self.slices * self.sizes[0][0][0] * self.sizes[0][0][1] / (size[0] * size[1])))
        prompted = max(1, round(self.prompted * count / self.slices))
        slices, parts, maps = [], [], []
        for i in range(count):
            shown = self.real.draw(size, rng) if self.real and i % 2 else self._made_up(size, rng)
            slices.append(shown)
            if i < prompted:
                chosen = self._choose(shown, rng)
                parts.append(torch.tensor(chosen))
                maps.append(torch.stack([self._similarity(shown, p, rng) for p in chosen]))
        return GroundingBatch(
            torch.stack([s.image for s in slices]),
            torch.stack([s.structure for s in slices]).to(torch.uint8),
            torch.stack([s.side for s in slices]).to(torch.uint8),
            torch.stack([s.coverage.unknown for s in slices]),
            torch.stack(parts),
            torch.stack(maps),
            self._noise(prompted, rng),
        )

    def _made_up(self, size: tuple[int, int], rng: np.random.Generator) -> DrawnSlice:
        head = self.heads[int(rng.integers(len(self.heads)))]
        sample = synthesize(head, self.synthesis, size, rng)
        drawn = self.targets.draw(sample.labels, sample.mirrored)
        return DrawnSlice(sample.image, *drawn, self.head_coverage)

    def _noise(self, prompted: int, rng: np.random.Generator) -> Tensor:
        shape = (prompted, self.prompts, self.prompt_dim)
        return 0.1 * torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))

    def _choose(self, shown: DrawnSlice, rng: np.random.Generator) -> list[int]:
        """About a quarter absent parts, the rest present ones, small ones as often as large ones."""
        most = 3 * (len(self.targets.structures) + 1)
        counts = torch.bincount((shown.structure * 3 + shown.side).flatten(), minlength=most)
        code = [(n + 1) * 3 + SIDE_CODE[s] for n, s in self.targets.parts]
        present = [p for p, c in enumerate(code) if counts[c] >= 6]
        absent = [p for p, c in enumerate(code) if counts[c] == 0 and shown.coverage.sure[p]]
        wanted = min(len(present), self.prompts - int(rng.random() < 0.7))
        chosen = [int(p) for p in rng.permutation(present)[:wanted]] if present else []
        fill = absent or present or list(range(len(code)))
        while len(chosen) < self.prompts:
            chosen.append(int(fill[int(rng.integers(len(fill)))]))
        return chosen

    def _similarity(self, shown: DrawnSlice, part: int, rng: np.random.Generator) -> Tensor:
        """A coarse map as a language model might give it: right, blurred, noisy, or no idea at all."""
        grid = SIMILARITY_GRID
        if rng.random() < 0.5:
            return torch.zeros(grid, grid)
        mask = self.targets.mask(shown.structure, shown.side, part)
        cover = functional.adaptive_avg_pool2d(mask[None].float(), grid)[0]
        noise = torch.from_numpy(rng.standard_normal((grid, grid), dtype=np.float32))
        strength = float(rng.uniform(0.3, 1.0))
        return (strength * (2 * cover.clamp(0, 1).pow(0.35) - 1) + 0.3 * noise).clamp(-1, 1)

    def __len__(self) -> int:
        return 1 << 30


class GroundingStage:
    """Modules and loss of the first stage."""

    name = "grounding"

    def __init__(self, grounding: Grounding, batches: GroundingBatches, *, codes: Tensor) -> None:
        self.batches, self.codes = batches, codes
        self.modules = nn.ModuleDict({"grounding": grounding})

    def losses(self, batch: GroundingBatch) -> Mapping[str, Tensor]:
        """Dense terms over all slices, prompted terms over the first of them."""
        grounding: Grounding = self.modules["grounding"]  # type: ignore[assignment]
        image = grounding.encode(batch.images.contiguous(memory_format=torch.channels_last))
        read = grounding.mask_decoder.read(image.fine[2])
        terms = dict(dense_losses(read, batch.structure.long(), batch.side, batch.unknown))
        prompts = self.codes[batch.parts]
        prompts = prompts + batch.noise
        decoded = grounding.decode(image[: len(batch.parts)], prompts, batch.similarity)
        mask = self.batches.targets.mask
        masks = torch.stack(
            [
                torch.stack([mask(batch.structure[i], batch.side[i], int(p)) for p in row])
                for i, row in enumerate(batch.parts)
            ]
        )
        terms.update(mask_losses(decoded, masks))
        return terms


def dense_losses(read: Tensor, structure: Tensor, side: Tensor, unknown: Tensor) -> Mapping[str, Tensor]:
    """Loss of the semantic head on every pixel.

    Where nothing is drawn, whatever may be there undrawn is as right as nothing (the marginal loss of Shi et
    al., Med Image Anal 2021;70:101979).

    Parameters
    ----------
    read
        [B, N + 2, H, W], see `FusedMaskDecoder.read`.
    structure, side
        int64 [B, H, W], structure number + 1; 1 left, 2 right, 0 neither.
    unknown
        bool [B, N + 1], see `GroundingBatch`; True at 0.
    """
    likely = read[:, :-1].float().softmax(1)
    nothing = torch.einsum("bnhw,bn->bhw", likely, unknown.to(likely.dtype))
    right = torch.where(structure > 0, likely.gather(1, structure[:, None])[:, 0], nothing)
    # Summed by class without a plane for each, which would be the largest thing in memory.
    pixels = torch.bincount(structure.flatten(), minlength=likely.shape[1])
    overlap = torch.zeros_like(likely[:, :, 0, 0]).scatter_add(1, structure.flatten(1), right.flatten(1))
    # What may be there undrawn claims what is drawn of it alone, and is nothing elsewhere.
    claimed = torch.where(unknown, overlap, likely.sum((2, 3)))[:, 1:].sum(0)
    blank = nothing.sum() - overlap[:, 1:][unknown[:, 1:]].sum()
    total = torch.cat([blank[None], claimed]) + pixels
    dice = 1 - ((2 * overlap.sum(0) + 1) / (total + 1))[pixels > 0].mean()
    lateral = side > 0
    sides = read[:, -1].float()
    left = functional.binary_cross_entropy_with_logits(sides[lateral], (side[lateral] == 1).float())
    return {
        "dense_ce": -(right + _LEAST).log().mean(),
        "dense_dice": dice,
        "dense_side": 0.3 * torch.nan_to_num(left),
    }
