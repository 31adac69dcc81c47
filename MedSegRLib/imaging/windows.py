"""Windows: from a scan's grey values to the range from 0 to 1 that the model sees.

CT values mean something (Hounsfield units), so their windows are fixed by body part. MR values
mean nothing in themselves, so theirs are robust percentiles of what is not background.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

from MedSegRLib.errors import UserInputError
from MedSegRLib.imaging.volume import Modality, Volume

# (center, width) in Hounsfield units.
_CT_CENTER_WIDTH: dict[str, tuple[float, float]] = {
    "abdomen": (50.0, 350.0),
    "bone": (400.0, 1800.0),
    "brain": (40.0, 80.0),
    "head_neck": (40.0, 350.0),
    "lung": (-600.0, 1500.0),
    "mediastinum": (50.0, 400.0),
    "soft_tissue": (40.0, 400.0),
}

_WINDOW_OF_BODY_PART: dict[str, str] = {
    "abdomen": "abdomen",
    "brain": "brain",
    "chest": "mediastinum",
    "head": "brain",
    "head and neck": "head_neck",
    "heart": "mediastinum",
    "lung": "lung",
    "neck": "head_neck",
    "pelvis": "abdomen",
    "spine": "bone",
    "thorax": "mediastinum",
}


@dataclass(frozen=True)
class Window:
    """A range of grey values, kept with the answer that was given under it.

    Parameters
    ----------
    low, high
        In the scan's own units; they become 0 and 1, what lies outside is clipped.
    name
        Where the range comes from, for people.

    Examples
    --------
    >>> Window(-10.0, 30.0, "example").apply(np.array([[-50.0, 0.0, 30.0]])).tolist()
    [[0.0, 0.25, 1.0]]
    """

    low: float
    high: float
    name: str

    def __post_init__(self) -> None:
        if not (isfinite(self.low) and isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a window from {self.low} to {self.high} is empty; low must be below high")

    def apply(self, voxels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Give grey values of any shape as new float32 values from 0 to 1."""
        scaled = (np.asarray(voxels, dtype=np.float32) - np.float32(self.low)) / np.float32(
            self.high - self.low
        )
        return np.clip(scaled, 0.0, 1.0, dtype=np.float32)


def ct_window(name: str) -> Window:
    """Give the CT window of a name (`ct_window_names`), in Hounsfield units.

    Raises
    ------
    UserInputError
        If there is no window of that name.

    Examples
    --------
    >>> ct_window("brain")
    Window(low=0.0, high=80.0, name='CT brain')
    """
    if name not in _CT_CENTER_WIDTH:
        raise UserInputError(f"There is no CT window '{name}'; choose one of {', '.join(ct_window_names())}.")
    center, width = _CT_CENTER_WIDTH[name]
    return Window(center - width / 2, center + width / 2, f"CT {name.replace('_', ' ')}")


def ct_window_names() -> tuple[str, ...]:
    """Names that `ct_window` knows, sorted."""
    return tuple(sorted(_CT_CENTER_WIDTH))


def mr_window(voxels: npt.NDArray[np.generic]) -> Window:
    """Find the window of an MR scan: percentiles 0.5 to 99.5 of what is not background.

    Background is 0 where at least one voxel in a hundred is 0 (skull-stripped or masked
    scans), otherwise the lowest value.

    Examples
    --------
    >>> window = mr_window(np.array([0.0] * 900 + list(range(100, 201))))
    >>> window.low, window.high
    (100.5, 199.5)
    """
    values = np.asarray(voxels, dtype=np.float32).ravel()
    is_zero = values == 0
    background = 0.0 if np.count_nonzero(is_zero) * 100 >= values.size else float(values.min())
    foreground = values[values != np.float32(background)]
    if foreground.size == 0:
        raise ValueError("every voxel has the same value; a constant scan has no window")
    low, high = (float(value) for value in np.percentile(foreground, (0.5, 99.5)))
    if not low < high:
        # One foreground value, as in a mask: the background is the other end.
        low, high = float(values.min()), float(values.max())
    return Window(low, high, "percentiles 0.5 to 99.5 of the foreground")


def looks_like_hounsfield_units(voxels: npt.NDArray[np.generic]) -> bool:
    """Tell whether grey values without a modality must be CT: plenty of air near -1000 and tissue.

    Examples
    --------
    >>> looks_like_hounsfield_units(np.array([-1000.0, -995.0, 40.0, 60.0, 300.0]))
    True
    >>> looks_like_hounsfield_units(np.array([0.0, 40.0, 60.0, 300.0]))
    False
    """
    values = np.asarray(voxels)
    air = np.count_nonzero((values >= -1100) & (values <= -850))
    tissue = np.count_nonzero((values >= -200) & (values <= 200))
    return bool(values.min() >= -5000 and air >= 0.02 * values.size and tissue >= 0.02 * values.size)


def window_for(volume: Volume, body_part: str | None = None) -> Window:
    """Choose the window of a scan.

    Parameters
    ----------
    volume
        The scan. CT gets a fixed window, anything else percentiles of itself.
    body_part
        For CT: a window's name or a body part ("chest", "head and neck"). Without one, and
        for a part that has no window of its own, soft tissue.
    """
    if volume.modality is not Modality.CT:
        return mr_window(volume.voxels)
    wanted = (body_part or "soft_tissue").strip().lower()
    name = wanted.replace(" ", "_")
    if name not in _CT_CENTER_WIDTH:
        name = _WINDOW_OF_BODY_PART.get(wanted.replace("_", " "), "soft_tissue")
    return ct_window(name)
