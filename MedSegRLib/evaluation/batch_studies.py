"""Batch studies: small scans for the benchmark of batches, some of them broken, each in another way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

__all__ = ["BROKEN", "make_studies"]

_SHAPE_KJI = (40, 64, 64)
_SPACING_MM = (3.0, 3.0, 4.0)

Voxels = npt.NDArray[np.float32]


def make_studies(folder: Path, good: int, broken: int) -> None:
    """Write scans `good-000.nii.gz`, ... and broken ones `broken-0-WHY.nii.gz`, ...; always the same ones.

    Parameters
    ----------
    folder
        Made.
    good
        How many can be asked about: heads of ellipsoids, 40 x 64 x 64 voxels, each with its own sizes,
        contrast and noise.
    broken
        How many cannot, at most as many as there are `BROKEN`.
    """
    folder.mkdir(parents=True)
    for number in range(good):
        _write(folder / f"good-{number:03d}.nii.gz", _head(number))
    for number, (why, write) in enumerate(list(BROKEN.items())[:broken]):
        write(folder / f"broken-{number}-{why}.nii.gz", _head(number))


def _head(seed: int) -> Voxels:
    rng = np.random.default_rng(seed)
    k, j, i = np.indices(_SHAPE_KJI, dtype=np.float32)
    away = [(axis - size / 2) / (size / 2) for axis, size in zip((k, j, i), _SHAPE_KJI, strict=True)]
    radius = np.sqrt(sum(part**2 for part in away))
    voxels = rng.normal(0, 8, _SHAPE_KJI).astype(np.float32)
    for outer in (0.9, 0.8, 0.35):
        voxels[radius < outer * rng.uniform(0.95, 1.05)] += rng.uniform(-60, 200)
    return np.abs(voxels)


def _write(path: Path, voxels: Voxels) -> None:
    image = sitk.GetImageFromArray(voxels, isVector=False)
    image.SetSpacing(_SPACING_MM[: image.GetDimension()] + (1.0,) * (image.GetDimension() - 3))
    sitk.WriteImage(image, str(path))


def _cut(path: Path, voxels: Voxels) -> None:
    _write(path, voxels)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _no_image(path: Path, voxels: Voxels) -> None:
    path.write_bytes(b"A letter, and no scan.")


def _not_finite(path: Path, voxels: Voxels) -> None:
    voxels[0, 0, :3] = np.nan
    _write(path, voxels)


def _constant(path: Path, voxels: Voxels) -> None:
    _write(path, np.full_like(voxels, 7.0))


def _over_time(path: Path, voxels: Voxels) -> None:
    _write(path, np.stack([voxels, voxels]))


BROKEN: dict[str, Callable[[Path, Voxels], None]] = {
    "cut": _cut,
    "letter": _no_image,
    "nan": _not_finite,
    "constant": _constant,
    "4d": _over_time,
}
