"""Laying out: a scan as slices, windowed and on the canvas that the model sees."""

from __future__ import annotations

from dataclasses import dataclass

from MedSegRLib.imaging import Plane, SliceStack, Volume, Window, window_for
from MedSegRLib.model import MedSegRConfig
from MedSegRLib.model.canvas import Canvas

from .plan import body_part_of, choose_plane

__all__ = ["LaidOut", "lay_out"]


@dataclass(frozen=True)
class LaidOut:
    """The slices of a scan and their canvas."""

    stack: SliceStack
    canvas: Canvas


def lay_out(
    volume: Volume, config: MedSegRConfig, plane: Plane | None = None, window: Window | None = None
) -> LaidOut:
    """Lay a scan out for a model.

    Parameters
    ----------
    volume, config
        The scan, and what the model was trained for.
    plane, window
        Others than the model's own.

    Raises
    ------
    UserInputError
        If the model does not know the plane.
    """
    stack = SliceStack.of(volume, choose_plane(volume, config, plane))
    window = window or window_for(volume, body_part_of(volume, config))
    canvas = Canvas(
        stack,
        window,
        sizes=config.canvas_sizes,
        pixel_mm=config.pixel_mm,
        offsets_mm=config.slice_offsets_mm,
    )
    return LaidOut(stack, canvas)
