"""Synthesis: MR slices made on the fly from whole-head label maps, no scan needed.

After SynthSeg (Billot et al., Med Image Anal 2023;86:102789): labels are deformed, grey values drawn
per label, then blurred, shaded and made noisy, so that a network trained on them meets no fixed
contrast. A share of the slices has T1 order of tissues, a share the inverse.

Conventions: label maps are canonical axial [slice, row, column], 1 mm; a sample is 2.5-D: `offsets_mm`
says how far from the centre slice each channel lies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "TISSUE_OF_LABEL", "HeadMap", "SliceSample", "Subject", "SynthesisConfig",
    "draw_subject", "render", "synthesize",
]  # fmt: skip

# FreeSurfer-style ids -> a tissue whose grey value both sides share.
TISSUE_OF_LABEL: Mapping[int, str] = {
    2: "wm", 41: "wm", 25: "wm_lesion", 57: "wm_lesion", 3: "cortex", 42: "cortex",
    7: "cerebellar_wm", 46: "cerebellar_wm", 8: "cerebellar_cortex", 47: "cerebellar_cortex",
    4: "ventricle", 43: "ventricle", 5: "ventricle", 44: "ventricle", 14: "ventricle", 15: "ventricle",
    72: "ventricle", 24: "csf", 136: "choroid", 137: "choroid", 163: "choroid", 164: "choroid",
    10: "thalamus", 49: "thalamus", 11: "caudate", 50: "caudate", 12: "putamen", 51: "putamen",
    13: "pallidum", 52: "pallidum", 16: "brainstem", 17: "hippocampus", 53: "hippocampus",
    18: "amygdala", 54: "amygdala", 26: "accumbens", 58: "accumbens", 28: "ventral_dc", 60: "ventral_dc",
    30: "vessel", 62: "vessel", 85: "chiasm",
}  # fmt: skip

# Mean grey values of a T1-weighted image, 0 dark to 1 bright: an ordering, jittered for each sample.
_T1_MEAN: Mapping[str, float] = {
    "wm": 0.80, "wm_lesion": 0.62, "cortex": 0.52, "cerebellar_wm": 0.78, "cerebellar_cortex": 0.52,
    "ventricle": 0.12, "csf": 0.14, "choroid": 0.30, "thalamus": 0.67, "caudate": 0.55, "putamen": 0.60,
    "pallidum": 0.72, "brainstem": 0.74, "hippocampus": 0.53, "amygdala": 0.53, "accumbens": 0.56,
    "ventral_dc": 0.70, "vessel": 0.35, "chiasm": 0.68,
}  # fmt: skip
_EXTRACEREBRAL_FROM = 500


@dataclass(frozen=True)
class HeadMap:
    """One whole-head label map, packed: `codes` uint8 [slice, row, column] index into `labels`.

    `counts` are voxels per code; `brain_slices` and `deep_slices` first and last slice of the brain and of
    the deep nuclei; `centre` (slice, row, column) is that of the brain.
    """

    codes: npt.NDArray[np.uint8]
    labels: tuple[int, ...]
    centre: tuple[float, float, float]
    brain_slices: tuple[int, int]
    deep_slices: tuple[int, int]
    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, labels_kji: npt.NDArray[np.integer]) -> HeadMap:
        """Pack a canonical axial label map and crop it to the head about the brain."""
        cerebrum = np.isin(labels_kji, (2, 3, 41, 42, 7, 8, 46, 47, 16))
        deep = np.isin(labels_kji, (10, 11, 12, 13, 17, 18, 26, 28, 49, 50, 51, 52, 53, 54, 58, 60))
        box = [np.flatnonzero(cerebrum.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
        margins = ((45, 20), (45, 35), (35, 35))
        window = tuple(
            slice(max(0, int(b[0]) - before), min(size, int(b[-1]) + after + 1))
            for b, (before, after), size in zip(box, margins, labels_kji.shape, strict=True)
        )
        present = tuple(int(v) for v in np.unique(labels_kji))
        lookup = np.zeros(max(present) + 1, np.uint8)
        lookup[list(present)] = np.arange(len(present), dtype=np.uint8)
        centre = tuple((b[0] + b[-1]) / 2 - w.start for b, w in zip(box, window, strict=True))
        z0 = window[0].start
        deep_z = np.flatnonzero(deep.any(axis=(1, 2)))
        codes = lookup[labels_kji[window]]
        return cls(
            codes,
            present,
            (float(centre[0]), float(centre[1]), float(centre[2])),
            (int(box[0][0]) - z0, int(box[0][-1]) - z0),
            (int(deep_z[0]) - z0, int(deep_z[-1]) - z0),
            np.bincount(codes.reshape(-1), minlength=len(present)),
        )


@dataclass(frozen=True)
class SynthesisConfig:
    """How slices are drawn; lengths in mm, shares 0..1."""

    offsets_mm: tuple[int, ...] = (-3, -1, 0, 1, 3)
    deep_share: float = 0.5
    outside_share: float = 0.05
    stripped_share: float = 0.55
    thick_share: float = 0.2
    random_contrast_share: float = 0.4
    inverted_share: float = 0.2


@dataclass(frozen=True)
class SliceSample:
    """`image` float32 [C, H, W] in 0..1; `labels` int64 [H, W] FreeSurfer-style ids, 0 outside."""

    image: Tensor
    labels: Tensor
    mirrored: bool


@dataclass(frozen=True)
class Subject:
    """One made-up examination: a deformed head under one scanner, of which any slice can be rendered.

    `matrix` [3, 3] and `elastic` [1, 3, g, g] deform; `mean` and `spread` are grey values per code, `lost`
    the codes that skull-stripping took; `half` keeps one half of the head, by columns of the map.
    """

    head: HeadMap
    matrix: npt.NDArray[np.float32]
    shift_mm: tuple[float, float]
    elastic: Tensor
    mean: Tensor
    spread: Tensor
    lost: Tensor | None
    spacing_mm: float
    texture_sigma: float
    blur_sigma_mm: float
    shading: Tensor
    noise: float
    gamma: float
    gain: float
    mirrored: bool
    half: Literal["low", "high"] | None = None


def draw_subject(
    head: HeadMap, config: SynthesisConfig, rng: np.random.Generator, *, halves: bool = False
) -> Subject:
    """Draw everything that the slices of one examination share."""
    mean, spread = _grey_values(head.labels, config, rng)
    stripped = rng.random() < config.stripped_share
    lost = _lost_when_stripped(head.labels, rng) if stripped else None
    counts = torch.from_numpy(head.counts.astype(np.float32))
    kept = counts * ~lost if lost is not None else counts * (mean > 0.02)
    order = mean.argsort()
    share = kept[order].cumsum(0) / kept.sum()
    top = float(mean[order][int((share < 0.97).sum())]) + 0.05
    coarse, fine = int(rng.integers(4, 9)), int(rng.integers(2, 6))
    half: Literal["low", "high"] | None = ("low", "high")[int(rng.integers(2))] if halves else None
    # A canvas lies about the middle of what a scan shows, which in a half is not that of the head.
    beside = {None: 0.0, "low": -1.0, "high": 1.0}[half] * float(rng.uniform(15, 45))
    return Subject(
        head=head,
        matrix=_deformation(rng),
        shift_mm=(float(rng.uniform(-12, 12)), float(rng.uniform(-12, 12)) + beside),
        elastic=_normal((1, 3, coarse + 1, coarse), rng) * float(rng.uniform(0, 4)),
        mean=mean,
        spread=spread,
        lost=lost,
        spacing_mm=1.0 if rng.random() > config.thick_share else float(rng.uniform(1.5, 8.0)),
        texture_sigma=float(rng.uniform(0.5, 1.2)) if rng.random() < 0.5 else 0.0,
        blur_sigma_mm=float(rng.uniform(0.3, 1.4)),
        shading=_normal((1, 1, fine, fine), rng) * float(rng.uniform(0, 0.3)),
        noise=float(rng.uniform(0, 0.06)),
        gamma=float(np.exp(rng.normal(0, 0.2))),
        gain=float(rng.uniform(0.6 if stripped else 0.45, 1.1)) / max(top, 0.05),
        mirrored=bool(rng.random() < 0.5),
        half=half,
    )


def render(
    subject: Subject,
    slice_mm: float,
    size: tuple[int, int],
    rng: np.random.Generator,
    *,
    offsets_mm: Sequence[int],
    pixel_mm: float = 1.0,
) -> SliceSample:
    """Render one 2.5-D slice of `size` (H, W) pixels.

    `slice_mm` is an index of the map. A mirrored sample has its columns turned round and must have its
    sides swapped by the caller.
    """
    spacing = subject.spacing_mm
    positions = [round(offset / spacing) * spacing for offset in offsets_mm]
    subs = (0.0,) if spacing < 1.5 else (-spacing / 3, 0.0, spacing / 3)
    distinct = sorted({p + s for p in positions for s in subs})
    planes = _gather(subject, slice_mm, distinct, size, pixel_mm)  # [D, H, W] codes
    centre_codes = planes[distinct.index(positions[list(offsets_mm).index(0)])]
    flat = planes.reshape(-1)
    texture = _normal(planes.shape, rng)
    if subject.texture_sigma:
        texture = _blur(texture, subject.texture_sigma) * 2.0
    values = subject.mean[flat].reshape(planes.shape) + subject.spread[flat].reshape(planes.shape) * texture
    if subject.lost is not None:
        values = torch.where(subject.lost[flat].reshape(planes.shape), 0.0, values)
    index = [[distinct.index(p + s) for s in subs] for p in positions]
    image = _scanner(torch.stack([values[i].mean(0) for i in index]), subject, pixel_mm, rng)
    labels = torch.as_tensor(np.asarray(subject.head.labels, np.int64))[centre_codes.long()]
    if subject.mirrored:
        image, labels = image.flip(-1), labels.flip(-1)
    return SliceSample(image.contiguous(), labels.contiguous(), subject.mirrored)


def synthesize(
    head: HeadMap, config: SynthesisConfig, size: tuple[int, int], rng: np.random.Generator
) -> SliceSample:
    """Draw one slice of one examination."""
    slice_mm = _draw_slice(head, config, rng)
    return render(draw_subject(head, config, rng), slice_mm, size, rng, offsets_mm=config.offsets_mm)


def _draw_slice(head: HeadMap, config: SynthesisConfig, rng: np.random.Generator) -> float:
    draw = rng.random()
    if draw < config.outside_share:
        return float(rng.uniform(0, head.codes.shape[0] - 1))
    low, high = head.deep_slices if draw < config.outside_share + config.deep_share else head.brain_slices
    return float(rng.uniform(low - 2, high + 2))


def _deformation(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Rotation, shear and scale, [3, 3] over (slice, row, column)."""
    rotation = rng.uniform(-1, 1, 3) * np.radians((12.0, 10.0, 14.0))
    cx, cy, cz = np.cos(rotation)
    sx, sy, sz = np.sin(rotation)
    about_c = np.array([[cx, -sx, 0], [sx, cx, 0], [0, 0, 1]])
    about_r = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[1, 0, 0], [0, cz, -sz], [0, sz, cz]])
    shear = np.eye(3) + rng.uniform(-0.06, 0.06, (3, 3)) * (1 - np.eye(3))
    matrix = about_z @ about_r @ about_c @ shear @ np.diag(1 / rng.uniform(0.87, 1.15, 3))
    return matrix.astype(np.float32)


def _gather(
    subject: Subject, slice_mm: float, offsets: Sequence[float], size: tuple[int, int], pixel_mm: float
) -> Tensor:
    """Codes [D, H, W] of planes through the map, affinely and elastically deformed, nearest voxel."""
    h, w = size
    head, matrix = subject.head, subject.matrix
    rows = (torch.arange(h, dtype=torch.float32) - (h - 1) / 2) * pixel_mm + subject.shift_mm[0]
    columns = (torch.arange(w, dtype=torch.float32) - (w - 1) / 2) * pixel_mm + subject.shift_mm[1]
    elastic = functional.interpolate(subject.elastic, size=size, mode="bicubic", align_corners=True)[0]
    centre = (slice_mm, head.centre[1], head.centre[2])
    base = [
        matrix[a, 1] * rows[:, None] + matrix[a, 2] * columns[None, :] + elastic[a] + centre[a]
        for a in range(3)
    ]
    codes = torch.from_numpy(head.codes.reshape(-1))
    depth, height, width = head.codes.shape
    planes = []
    for offset in offsets:
        z, r, c = ((base[a] + float(matrix[a, 0]) * offset).round_().int() for a in range(3))
        inside = (z >= 0) & (z < depth) & (r >= 0) & (r < height) & (c >= 0) & (c < width)
        if subject.half is not None:
            inside &= (c <= head.centre[2]) if subject.half == "low" else (c >= head.centre[2])
        flat = (z.clamp_(0, depth - 1) * height + r.clamp_(0, height - 1)) * width + c.clamp_(0, width - 1)
        planes.append(codes[flat.long()] * inside)
    return torch.stack(planes).int()


def _grey_values(
    labels: tuple[int, ...], config: SynthesisConfig, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mean and spread of the grey value per code; code 0 (outside the head) is dark."""
    draw = rng.random()
    ordered = draw >= config.random_contrast_share
    inverted = draw >= 1 - config.inverted_share
    per_tissue: dict[str, tuple[float, float]] = {}
    contrast = float(rng.uniform(0.7, 1.2))
    mean, spread = np.zeros(len(labels), np.float32), np.zeros(len(labels), np.float32)
    for code, label in enumerate(labels):
        tissue = TISSUE_OF_LABEL.get(label, f"outer {label}")
        if label == 0:
            mean[code], spread[code] = (0.0, 0.01)
            continue
        if tissue not in per_tissue:
            if ordered and tissue in _T1_MEAN:
                value = 0.5 + (_T1_MEAN[tissue] - 0.5) * contrast + rng.normal(0, 0.035)
                per_tissue[tissue] = (1.0 - value if inverted else value, rng.uniform(0.01, 0.06))
            else:
                per_tissue[tissue] = (rng.uniform(0.02, 1.0), rng.uniform(0.0, 0.1))
        mean[code], spread[code] = per_tissue[tissue]
    return torch.from_numpy(mean), torch.from_numpy(spread)


def _lost_when_stripped(labels: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    """Which codes a skull-stripping tool removes: all outside the brain, often the outer fluid too."""
    outer_fluid = rng.random() < 0.4
    lost = [x == 0 or x >= _EXTRACEREBRAL_FROM or (outer_fluid and x == 24) for x in labels]
    return torch.tensor(lost)


def _scanner(image: Tensor, subject: Subject, pixel_mm: float, rng: np.random.Generator) -> Tensor:
    """Resolution, shading, noise, scaling and gamma, in the order a scanner brings them in."""
    inside = image != 0
    image = _blur(image, max(0.25, subject.blur_sigma_mm / pixel_mm))
    size = image.shape[-2:]
    field = functional.interpolate(subject.shading, size=size, mode="bicubic", align_corners=True)
    image = (image * field[0, 0].exp()).clamp_(min=0)
    noise = _normal(image.shape, rng) * subject.noise
    if subject.lost is not None:
        noise = noise * inside
    image = (image + noise).clamp_(min=0) * subject.gain
    return image.clamp_(0, 1).pow(subject.gamma)


def _normal(shape: Sequence[int], rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(shape), dtype=np.float32))


def _blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur in plane of [D, H, W], separable, reflecting at the border."""
    radius = max(1, int(3 * sigma + 0.5))
    x = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (x / sigma) ** 2)
    kernel = kernel / kernel.sum()
    image = image[:, None]
    image = functional.pad(image, (radius, radius, radius, radius), mode="reflect")
    image = functional.conv2d(image, kernel.view(1, 1, 1, -1))
    return functional.conv2d(image, kernel.view(1, 1, -1, 1))[:, 0]
