"""Canvases: pixels go there and come back; SimpleITK says where they should lie."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MedSegRLib.imaging import Plane, SliceStack, Volume, Window
from MedSegRLib.model.canvas import Canvas, CanvasFrame


def blob(shape: tuple[int, int], spacing: tuple[float, float], at_mm: tuple[float, float]) -> np.ndarray:
    """A smooth spot of 6 mm at a place measured from the corner of the slice."""
    r = (np.arange(shape[0]) + 0.5) * spacing[0] - at_mm[0]
    c = (np.arange(shape[1]) + 0.5) * spacing[1] - at_mm[1]
    return np.exp(-(r[:, None] ** 2 + c[None, :] ** 2) / (2 * 6.0**2)).astype(np.float32)


def centroid(image: np.ndarray) -> np.ndarray:
    weights = image.astype(np.float64) / image.sum()
    return np.array([(np.indices(image.shape)[axis] * weights).sum() for axis in (0, 1)])


@pytest.mark.parametrize("shape", [(40, 50), (63, 20), (90, 100)])
def test_at_one_millimetre_what_is_placed_comes_back_exactly(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    slices = np.zeros((3, *shape), np.float32)
    inner = slice(shape[0] // 4, -shape[0] // 4), slice(shape[1] // 4, -shape[1] // 4)
    slices[(slice(None), *inner)] = rng.uniform(0.5, 1, slices[(slice(None), *inner)].shape)
    frame = CanvasFrame.of(slices, (1.0, 1.0), (64, 96), 1.0)
    assert (frame.size, frame.pixel_mm, frame.resized_shape) == (64, 1.0, shape)
    placed = frame.place(torch.from_numpy(slices))
    assert placed.shape == (3, 64, 64)
    back = frame.restore(placed, outside=-7.0).numpy()
    seen = frame.restore(torch.ones(64, 64), outside=0.0).numpy() > 0
    assert np.array_equal(back[:, seen], slices[:, seen])
    assert (back[:, ~seen] == -7.0).all()
    assert seen[inner].all()


@pytest.mark.parametrize("spacing", [(0.7, 0.7), (0.9, 1.3), (2.1, 0.6), (1.01, 1.0)])
def test_other_spacings_agree_with_simpleitk_to_a_tenth_of_a_pixel(spacing: tuple[float, float]) -> None:
    shape = (round(90 / spacing[0]), round(80 / spacing[1]))
    image = blob(shape, spacing, (37.3, 44.8))
    frame = CanvasFrame.of(image[None], spacing, (64, 96), 1.0)
    placed = frame.place(torch.from_numpy(image[None]))[0].numpy()

    source = sitk.GetImageFromArray(image)
    source.SetSpacing((spacing[1], spacing[0]))
    source.SetOrigin((spacing[1] / 2, spacing[0] / 2))
    grid = sitk.Image(frame.size, frame.size, sitk.sitkFloat32)
    edge = [n * mm / r for n, mm, r in zip(shape, spacing, frame.resized_shape, strict=True)]
    grid.SetSpacing((edge[1], edge[0]))
    grid.SetOrigin(((frame.corner[1] + 0.5) * edge[1], (frame.corner[0] + 0.5) * edge[0]))
    expected = sitk.GetArrayFromImage(sitk.Resample(source, grid, sitk.Transform(), sitk.sitkLinear))
    assert np.abs(centroid(placed) - centroid(expected)).max() < 0.1
    assert np.abs(placed - expected).max() < 0.06

    back = frame.restore(torch.from_numpy(expected), outside=0.0).numpy()
    assert back.shape == shape
    assert (np.abs(centroid(back) - centroid(image)) * spacing).max() < 0.1


@pytest.mark.parametrize(
    ("extent", "size", "pixel"), [(40, 64, 1.0), (56, 64, 1.0), (57, 96, 1.0), (88, 96, 1.0), (184, 96, 2.0)]
)
def test_the_smallest_canvas_that_holds_the_foreground(extent: int, size: int, pixel: float) -> None:
    slices = np.zeros((2, 200, 200), np.float32)
    slices[:, 6 : 6 + extent, 90:110] = 1
    frame = CanvasFrame.of(slices, (1.0, 1.0), (64, 96), 1.0)
    assert (frame.size, frame.pixel_mm) == (size, pytest.approx(pixel, rel=0.02))
    total = float(frame.place(torch.from_numpy(slices))[0].sum()) * frame.pixel_mm**2
    assert total == pytest.approx(20 * extent, rel=0.03), "nothing of it lies outside"


def test_logits_of_any_leading_shape_are_restored() -> None:
    frame = CanvasFrame.of(np.ones((1, 30, 40), np.float32), (1.5, 1.5), (64, 96), 1.0)
    assert frame.restore(torch.zeros(2, 3, frame.size, frame.size)).shape == (2, 3, 30, 40)


def canvas(slices: int, between_mm: float) -> Canvas:
    """Slice n is a square of grey n + 1 hundredths and more."""
    voxels = np.zeros((slices, 40, 40), np.float32)
    voxels[:, 10:30, 10:30] = (0.5 + np.arange(slices) / 100)[:, None, None]
    stack = SliceStack.of(Volume(voxels, np.diag([-1.0, -1.0, between_mm, 1.0])), Plane.AXIAL)
    offsets = (-3.0, -1.0, 0.0, 1.0, 3.0)
    return Canvas(stack, Window(0.0, 1.0, "as it is"), sizes=(64,), pixel_mm=1.0, offsets_mm=offsets)


@pytest.mark.parametrize(
    ("between", "index", "expected"),
    [
        (1.0, 10, [7, 9, 10, 11, 13]),
        (0.5, 10, [4, 8, 10, 12, 16]),
        (2.9, 10, [9, 10, 10, 10, 11]),
        (7.0, 10, [10, 10, 10, 10, 10]),
        (1.0, 0, [0, 0, 0, 1, 3]),
        (1.0, 19, [16, 18, 19, 19, 19]),
    ],
)
def test_neighbours_are_taken_by_millimetres(between: float, index: int, expected: list[int]) -> None:
    images = canvas(20, between).images([index])
    assert images.shape == (1, 5, 64, 64)
    found = ((images[0].amax((1, 2)) - 0.5) * 100).round().int().tolist()
    assert found == expected


def test_a_single_slice_is_its_own_neighbour() -> None:
    made = canvas(1, 1.0)
    images = made.images([0])
    assert all(torch.equal(images[0, c], images[0, 2]) for c in range(5))
    assert made.filled() == [0]


def test_pictures_are_the_canvas_made_small() -> None:
    made = canvas(20, 1.0)
    picture = made.pictures([10], 32, (1, 2, 3))[0]
    assert picture.shape == (32, 32, 3) and picture.dtype == np.uint8
    middle = picture[15:17, 15:17].reshape(-1, 3)
    assert (middle == np.round(np.array([0.59, 0.60, 0.61]) * 255)).all()


def test_empty_slices_are_left_out_unless_all_are() -> None:
    voxels = np.zeros((6, 40, 40), np.float32)
    voxels[2:4, 10:30, 10:30] = 1

    def filled(high: float) -> list[int]:
        stack = SliceStack.of(Volume(voxels, np.diag([-1.0, -1.0, 1.0, 1.0])), Plane.AXIAL)
        window = Window(0.0, high, "example")
        return Canvas(stack, window, sizes=(64,), pixel_mm=1.0, offsets_mm=(0.0,)).filled()

    assert filled(1.0) == [2, 3]
    assert filled(1000.0) == list(range(6))
