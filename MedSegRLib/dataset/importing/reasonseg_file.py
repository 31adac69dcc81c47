"""ReasonSeg file: one JSON of LISA's data set, beside a picture: questions, and polygons of their answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.errors import DatasetError

from ..polygons import fill

__all__ = ["ReasonSegFile", "Shape", "draw", "read_reasonseg_file"]


@dataclass(frozen=True)
class Shape:
    """One polygon: points (column, row), whether it is to be ignored, and what it shows if that is said.

    What it shows stands in `description`, a key of labelme's that LISA does not read.
    """

    points_xy: tuple[tuple[float, float], ...] = field(repr=False)
    ignored: bool
    description: str


@dataclass(frozen=True)
class ReasonSegFile:
    """The questions, whether they are sentences (or only name the target), and the polygons.

    Who the picture is of stands in `patient`, which only our own export writes; else it is empty.
    """

    texts: tuple[str, ...]
    is_sentence: bool
    shapes: tuple[Shape, ...]
    patient: str = ""


def read_reasonseg_file(path: Path) -> ReasonSegFile:
    """Read a JSON file of ReasonSeg; shapes labelled `flag` have no meaning and are left out.

    Raises
    ------
    DatasetError
        If it cannot be read, asks nothing, or a shape is no polygon.
    """
    data = _json(path)
    texts = data.get("text") if isinstance(data, dict) else None
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) and t.strip() for t in texts):
        raise DatasetError(f"{path} has no question in 'text'; write a list of them.")
    shapes = data.get("shapes")
    if not isinstance(shapes, list):
        raise DatasetError(f"{path} has no list 'shapes'; write the polygons of the target there.")
    read = [_shape(entry, f"{path}, shape {n}") for n, entry in enumerate(shapes, 1)]
    return ReasonSegFile(
        tuple(texts),
        bool(data.get("is_sentence", True)),
        tuple(shape for shape in read if shape is not None),
        str(data.get("patient") or ""),
    )


def _json(path: Path) -> Any:
    try:
        raw = path.read_bytes()
        try:
            return json.loads(raw.decode("utf-8"))
        except UnicodeDecodeError:
            # Some of the published files are in the encoding of Windows.
            return json.loads(raw.decode("cp1252"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read as a file of ReasonSeg ({error}); check it.") from error


def _shape(entry: Any, place: str) -> Shape | None:
    label = entry.get("label") if isinstance(entry, dict) else None
    if not isinstance(label, str) or not label.strip():
        raise DatasetError(f"{place} is a label without a name; write target, ignore or flag.")
    if label.lower() == "flag":
        return None
    try:
        points = np.asarray(entry.get("points"), np.float64)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise DatasetError(f"{place} has points that are no list of [column, row]; correct them.")
    return Shape(
        tuple((float(x), float(y)) for x, y in points),
        "ignore" in label.lower(),
        str(entry.get("description") or ""),
    )


def draw(shapes: tuple[Shape, ...], values: tuple[int, ...], shape: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Draw polygons by descending area, so that small ones lie upon large ones.

    Parameters
    ----------
    shapes, values
        The polygons, and what each is drawn with.
    shape
        (rows, columns).
    """
    masks = [fill(one.points_xy, shape) for one in shapes]
    drawn = np.zeros(shape, np.int32)
    # Reversed after sorting, so that of equals the first lies on top, as in LISA.
    for number in sorted(range(len(masks)), key=lambda n: int(masks[n].sum()))[::-1]:
        drawn[masks[number]] = values[number]
    return drawn
