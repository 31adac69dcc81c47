"""Made-up slices: what the label map says is in them, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from MedSegRLib.training.synthesis import (
    HeadMap,
    SliceSample,
    Subject,
    SynthesisConfig,
    draw_subject,
    render,
    synthesize,
)

OFFSETS = (-3, -1, 0, 1, 3)
SIZE = (80, 64)
RIGHT = {41, 42, 43, 49, 50, 51, 52, 53, 54, 58, 60, 47, 46}
LEFT = {2, 3, 4, 10, 11, 12, 13, 17, 18, 26, 28, 8, 7}


def plain(head: HeadMap, seed: int = 0, **changes: object) -> Subject:
    """A subject that is not deformed, shaded, noisy, textured or thick."""
    subject = draw_subject(head, SynthesisConfig(), np.random.default_rng(seed))
    usual = {
        "matrix": np.eye(3, dtype=np.float32), "shift_mm": (0.0, 0.0), "noise": 0.0, "gamma": 1.0,
        "elastic": torch.zeros(1, 3, 4, 4), "shading": torch.zeros(1, 1, 3, 3), "lost": None,
        "spread": torch.zeros_like(subject.spread), "texture_sigma": 0.0, "blur_sigma_mm": 1.0,
        "spacing_mm": 1.0, "gain": 0.8, "mirrored": False,
    }  # fmt: skip
    return replace(subject, **{**usual, **changes})


def shot(subject: Subject, size: tuple[int, int] = SIZE, pixel_mm: float = 1.0, seed: int = 1) -> SliceSample:
    rng = np.random.default_rng(seed)
    return render(subject, subject.head.centre[0], size, rng, offsets_mm=OFFSETS, pixel_mm=pixel_mm)


def test_a_head_is_packed_without_loss(head: HeadMap) -> None:
    from_map = np.asarray(head.labels)[head.codes]
    assert {*LEFT, *RIGHT, 14, 15, 16, 24, 512, 0} == set(np.unique(from_map).tolist())
    assert head.counts.sum() == head.codes.size
    brain = np.isin(from_map, (2, 3, 41, 42))
    slices = np.flatnonzero(brain.any(axis=(1, 2)))
    assert head.brain_slices == (slices[0], slices[-1])
    assert head.brain_slices[0] < head.deep_slices[0] < head.deep_slices[1] < head.brain_slices[1]
    middle = [(a[0] + a[-1]) / 2 for a in map(np.unique, np.nonzero(brain))]
    assert head.centre == pytest.approx(middle)


def test_the_same_seed_makes_the_same_slice(head: HeadMap) -> None:
    config = SynthesisConfig()
    first, again, other = (synthesize(head, config, SIZE, np.random.default_rng(s)) for s in (4, 4, 5))
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.image, other.image)


@pytest.mark.parametrize("seed", range(12))
def test_images_lie_in_range_and_labels_in_the_map(head: HeadMap, seed: int) -> None:
    sample = synthesize(head, SynthesisConfig(), SIZE, np.random.default_rng(seed))
    assert sample.image.shape == (5, *SIZE)
    assert sample.image.dtype == torch.float32
    assert bool(torch.isfinite(sample.image).all())
    assert float(sample.image.min()) >= 0 and float(sample.image.max()) <= 1
    assert set(sample.labels.unique().tolist()) <= set(head.labels)


def test_an_undeformed_slice_shows_the_map_itself(head: HeadMap) -> None:
    z, r, c = (int(v) for v in head.centre)
    sample = shot(plain(replace(head, centre=(float(z), float(r), float(c)))), size=(41, 31))
    expected = np.asarray(head.labels)[head.codes[z, r - 20 : r + 21, c - 15 : c + 16]]
    assert np.array_equal(sample.labels.numpy(), expected)


def test_a_mirrored_sample_is_the_same_one_turned_round(head: HeadMap) -> None:
    straight = shot(plain(head, noise=0.05))
    mirrored = shot(plain(head, noise=0.05, mirrored=True))
    assert mirrored.mirrored and not straight.mirrored
    assert torch.equal(mirrored.image, straight.image.flip(-1))
    assert torch.equal(mirrored.labels, straight.labels.flip(-1))


@pytest.mark.parametrize("seed", range(6))
def test_a_stripped_head_is_black_outside_the_brain(head: HeadMap, seed: int) -> None:
    """As drawn, noise and all; the blur may spill over by its own radius."""
    drawn = draw_subject(
        head, SynthesisConfig(stripped_share=1.0, thick_share=0.0), np.random.default_rng(seed)
    )
    assert drawn.lost is not None
    lost = {label for label, gone in zip(head.labels, drawn.lost.tolist(), strict=True) if gone}
    assert {0, 512} <= lost <= {0, 512, 24}
    sample = shot(drawn)
    kept = ~torch.isin(sample.labels, torch.tensor(sorted(lost)))
    radius = int(3 * drawn.blur_sigma_mm + 0.5) + 1
    near = functional.max_pool2d(kept[None, None].float(), 2 * radius + 1, 1, radius)[0, 0] > 0
    assert 0 < int(near.sum()) < near.numel()
    assert float(sample.image[2][~near].abs().max()) == 0.0
    assert float(sample.image[2][kept].mean()) > 0.0


def test_an_unstripped_head_keeps_its_skin(head: HeadMap) -> None:
    drawn = draw_subject(head, SynthesisConfig(stripped_share=0.0), np.random.default_rng(3))
    assert drawn.lost is None
    mean = torch.full_like(drawn.mean, 0.7) * (torch.tensor(head.labels) != 0)
    sample = shot(plain(head, mean=mean))
    assert float(sample.image[2][sample.labels == 512].mean()) > 0.3


def test_slices_thicker_than_the_offsets_are_one_slice_in_every_channel(head: HeadMap) -> None:
    thick, thin = (
        shot(plain(head, spacing_mm=s, spread=torch.full((len(head.labels),), 0.05))) for s in (7.0, 1.0)
    )
    assert all(torch.equal(thick.image[c], thick.image[2]) for c in range(5))
    assert not torch.equal(thin.image[0], thin.image[2])
    assert torch.equal(thick.labels, thin.labels), "labels are those of the middle of the slice"


@pytest.mark.parametrize(("half", "gone", "stays"), [("low", LEFT, RIGHT), ("high", RIGHT, LEFT)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_half_head_holds_one_side_only(
    head: HeadMap, half: str, gone: set[int], stays: set[int], mirrored: bool
) -> None:
    sample = shot(plain(head, half=half, mirrored=mirrored))
    found = set(sample.labels.unique().tolist())
    assert len(found & stays) >= 5
    assert not found & gone
    empty = sample.labels[:, 34:] if (half == "low") != mirrored else sample.labels[:, :30]
    assert int(empty.sum()) == 0


@pytest.mark.parametrize("seed", range(4))
def test_coarse_pixels_show_what_fine_ones_show(head: HeadMap, seed: int) -> None:
    subject = plain(head, seed, blur_sigma_mm=1.4)
    fine, coarse = shot(subject, (80, 64)), shot(subject, (40, 32), pixel_mm=2.0)
    pooled = functional.avg_pool2d(fine.image[None], 2)[0]
    contrast = float(pooled.std())
    off = float((pooled - coarse.image).abs().mean())
    shifted = float((pooled[..., 1:] - coarse.image[..., :-1]).abs().mean())
    assert off < 0.2 * contrast
    assert off < 0.6 * shifted
    # Away from edges the two are the same number.
    flat = functional.max_pool2d(pooled, 5, 1, 2) - (-functional.max_pool2d(-pooled, 5, 1, 2)) < 1e-4
    assert int(flat.sum()) > 20
    torch.testing.assert_close(pooled[flat], coarse.image[flat], atol=2e-3, rtol=0)
