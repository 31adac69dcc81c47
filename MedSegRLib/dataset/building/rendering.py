"""Rendering: a picture for a label map that came without one.

Each label gets a random grey value, left and right alike, with texture, the blur of a scanner and noise on
top, so that nothing in it is anybody's scan. Kept apart from the judge's own (`evaluation.synthetic_volume`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import DatasetError, OutputError
from MedSegRLib.imaging import atomic_path
from MedSegRLib.imaging.itk import quiet_itk

__all__ = ["render", "render_file"]

# Of 255, so that noise is not cut off.
_DARKEST, _BRIGHTEST = 25.0, 230.0


def render_file(labels: Path, picture: Path, seed: int, alike: Mapping[int, object]) -> None:
    """Write a picture for the file of a label map, whole or not at all; its folder is made.

    Raises
    ------
    DatasetError
        If the label map cannot be read.
    OutputError
        If the picture cannot be written.
    """
    try:
        with quiet_itk():
            drawn = sitk.ReadImage(str(labels))
    except RuntimeError as error:
        raise DatasetError(f"{labels} cannot be read as a label map; check the path.") from error
    try:
        picture.parent.mkdir(exist_ok=True)
        with atomic_path(picture) as partial, quiet_itk():
            sitk.WriteImage(render(drawn, seed, alike), str(partial), True)
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"{picture} cannot be written; make room and run the same command again, it goes on where it "
            "stopped."
        ) from error


def render(labels: sitk.Image, seed: int, alike: Mapping[int, object] | None = None) -> sitk.Image:
    """Make an 8-bit picture out of a label map.

    Parameters
    ----------
    labels
        Whole numbers, 0 outside the body.
    seed
        The same seed makes the same picture.
    alike
        Label -> anything that is equal for labels of one tissue, such as the structure of both sides;
        labels without an entry are tissues of their own.

    Returns
    -------
    An image of the same grid, 0 to 255; its background is dark and noisy.
    """
    rng = np.random.default_rng(seed)
    values = sitk.GetArrayFromImage(labels).astype(np.int64)
    tissues: dict[object, float] = {}
    grey_of = np.zeros(int(values.max()) + 1, np.float32)
    for label in np.unique(values):
        if label:
            tissue = (alike or {}).get(int(label), int(label))
            grey_of[label] = tissues.setdefault(tissue, float(rng.uniform(_DARKEST, _BRIGHTEST)))
    grey: npt.NDArray[np.float32] = grey_of[values]
    body = values > 0
    grey[body] += rng.normal(0.0, float(rng.uniform(2.0, 6.0)), int(body.sum())).astype(np.float32)
    blurred = sitk.DiscreteGaussian(sitk.GetImageFromArray(grey), [float(rng.uniform(0.3, 0.8))] * 3)
    grey = sitk.GetArrayFromImage(blurred)
    grey += rng.normal(0.0, float(rng.uniform(1.0, 4.0)), grey.shape).astype(np.float32)
    picture = sitk.GetImageFromArray(np.clip(np.abs(grey), 0, 255).astype(np.uint8))
    picture.CopyInformation(labels)
    return picture
