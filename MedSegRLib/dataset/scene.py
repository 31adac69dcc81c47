"""Parts: what can be asked for of structures, each side by itself."""

from __future__ import annotations

from collections.abc import Container, Iterable

from MedSegRLib.anatomy import AnatomyTable, Side

from .conversation import Part

__all__ = ["offered_as", "parts_of"]


def parts_of(structures: Iterable[str], table: AnatomyTable) -> tuple[Part, ...]:
    """Every (structure, side) of the structures: two for a sided one, else one with `Side.NONE`."""
    return tuple(
        (name, side)
        for name in structures
        for side in ((Side.LEFT, Side.RIGHT) if table[name].sided else (Side.NONE,))
    )


def offered_as(name: str | None, offered: Container[str], table: AnatomyTable) -> str | None:
    """The structure that something drawn is offered as: itself, or what it is a part of; None for neither."""
    while name is not None and name not in offered:
        name = table[name].parent
    return name
