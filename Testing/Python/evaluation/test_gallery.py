"""The gallery keeps the worst mask of each part, drawn where it went wrong."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegRLib.evaluation.gallery import SHOWN_COLOUR, TRUE_COLOUR, Gallery
from MedSegRLib.imaging import Modality, Plane, Volume

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def volume(shape: tuple[int, int, int] = (20, 120, 100)) -> Volume:
    return Volume(np.random.default_rng(0).random(shape, np.float32), LPS, modality=Modality.MR)


def box(shape: tuple[int, int, int], *spans: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*span) for span in spans)] = True
    return mask


def offer(gallery: Gallery, name: str, dice: float, shown: np.ndarray, truth: np.ndarray) -> None:
    gallery.offer(name, dice, volume(), shown, truth, group="g", patient="p")


@pytest.fixture
def masks() -> tuple[np.ndarray, np.ndarray]:
    """Shown and true: alike but for slice 7, on which half is missing."""
    shape = volume().shape_kji
    truth = box(shape, (5, 10), (50, 70), (40, 60))
    shown = truth.copy()
    shown[7, 50:60] = False
    return shown, truth


def has(rgb: np.ndarray, colour: tuple[float, float, float]) -> bool:
    return bool((np.abs(rgb.astype(int) - np.rint(np.array(colour) * 255)) <= 2).all(axis=2).any())


def test_a_picture_shows_both_outlines_on_the_slice_that_differs_most(
    masks: tuple[np.ndarray, np.ndarray],
) -> None:
    gallery = Gallery()
    offer(gallery, "part", 0.9, *masks)
    (case,) = gallery.cases()
    assert case.slice_index == 7 and case.letters == ("R", "L", "A", "P")
    assert has(case.rgb, TRUE_COLOUR) and has(case.rgb, SHOWN_COLOUR)
    # 20 x 20 mm of masks with 25 mm around: a square.
    assert case.rgb.shape == (480, 480, 3)


def test_a_mask_that_is_missing_is_drawn_with_the_true_outline_alone(
    masks: tuple[np.ndarray, np.ndarray],
) -> None:
    gallery = Gallery()
    offer(gallery, "part", 0.0, np.zeros_like(masks[1]), masks[1])
    (case,) = gallery.cases()
    assert has(case.rgb, TRUE_COLOUR) and not has(case.rgb, SHOWN_COLOUR)


def test_the_worst_of_each_part_and_of_those_the_worst_are_kept(masks: tuple[np.ndarray, np.ndarray]) -> None:
    gallery = Gallery(most=2)
    for name, dice in (("a", 0.5), ("b", 0.7), ("a", 0.6), ("c", 0.6), ("a", 0.4), ("d", 0.9)):
        offer(gallery, name, dice, *masks)
    assert [(case.name, case.dice) for case in gallery.cases()] == [("a", 0.4), ("c", 0.6)]
    assert not gallery.wants("e", 0.6) and gallery.wants("e", 0.5) and not gallery.wants("a", 0.4)


def test_a_perfect_mask_is_never_kept(masks: tuple[np.ndarray, np.ndarray]) -> None:
    gallery = Gallery()
    offer(gallery, "part", 1.0, masks[1], masks[1])
    assert gallery.cases() == ()


def test_it_is_drawn_in_the_plane_that_was_asked_in(masks: tuple[np.ndarray, np.ndarray]) -> None:
    gallery = Gallery()
    gallery.offer(
        "part", 0.5, volume(), *masks, group="g", patient="p", plane=Plane.SAGITTAL, question="q", text="t"
    )
    (case,) = gallery.cases()
    assert case.plane is Plane.SAGITTAL and case.letters == ("A", "P", "S", "I")
    assert (case.question, case.text, case.group, case.patient) == ("q", "t", "g", "p")
