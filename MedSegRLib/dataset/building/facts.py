"""Facts: what is known of a scan, or of one slice of it, before anybody writes a word.

All is computed from the image and its labels. *Undrawn* is not *absent*: of what nobody drew nothing is said.

Conventions: a part is (structure, side); positions and lengths are RAS millimetres: towards the patient's
right, front and head; grey values are in the scan's own units (HU for CT).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from MedSegRLib.anatomy import Side
from MedSegRLib.imaging import Plane

from ..conversation import Part

__all__ = ["Facts", "Part", "PartFacts"]


@dataclass(frozen=True)
class PartFacts:
    """What was measured of one part.

    Attributes
    ----------
    part
        Structure and side; a sided structure with `Side.NONE` is drawn without its sides being told apart.
    voxels, volume_ml, area_cm2
        How large it is: voxels always; millilitres in a scan, square centimetres in a single slice, both
        None where the spacing is unknown.
    centroid_ras_mm
        Mean position of its voxels' centres.
    extent_mm
        Length of its box from right to left, back to front and foot to head, voxels included; None where
        the spacing is unknown.
    lies
        The patient's side of the body's middle that it lies on; NONE if it crosses or nears it, or nobody
        says how the patient lay.
    pieces
        Connected components (by faces, edges and corners), specks left out; in a slice not more than in
        the whole scan, since one thing may be cut twice.
    touches
        Parts that share a face of a voxel with it.
    mean_intensity, surrounding_intensity
        Mean grey value inside, and within two voxels around.
    contrast
        Their difference in standard deviations of both together; above 0 where it is brighter.
    at_edge
        Whether it reaches the edge of what is seen, so that the whole may be larger.
    """

    part: Part
    voxels: int
    volume_ml: float | None
    area_cm2: float | None
    centroid_ras_mm: tuple[float, float, float]
    extent_mm: tuple[float, float, float] | None
    lies: Side
    pieces: int
    touches: tuple[Part, ...]
    mean_intensity: float
    surrounding_intensity: float
    contrast: float
    at_edge: bool


@dataclass(frozen=True)
class Facts:
    """What conversations about a scan or a slice are written from.

    Attributes
    ----------
    region, modality, plane
        As of the source.
    parts
        Every part that is there.
    absent
        Parts that are certainly not in what is seen, although the region could show them: they have a
        label in the table and no voxel, or lie in other slices of the scan.
    outside
        Structures that cannot be in the field of view, since they belong to another part of the body.
    undrawn
        Parts that may be there and were not drawn; nothing true can be said of them.
    slice_index
        The canonical slice, counted from 0, that it is about; None for the whole scan.
    spacing_known, orientation_known
        Whether millimetres and millilitres, and directions and the patient's sides, mean anything.
    """

    region: str
    modality: str
    plane: Plane
    parts: Mapping[Part, PartFacts]
    absent: tuple[Part, ...] = ()
    outside: tuple[str, ...] = ()
    undrawn: tuple[Part, ...] = ()
    slice_index: int | None = None
    spacing_known: bool = True
    orientation_known: bool = True
    # By structure; see `asymmetry_percent`.
    _sides: Mapping[str, tuple[int, int]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        sides = {}
        for structure, side in self.parts:
            other = self.parts.get((structure, side.other))
            if side is Side.LEFT and other is not None:
                sides[structure] = (self.parts[structure, side].voxels, other.voxels)
        object.__setattr__(self, "_sides", sides)

    def asymmetry_percent(self, structure: str) -> float | None:
        """Difference of the sides in percent of their mean, above 0 where the left is larger.

        None if one side is missing or cut by the edge, since the whole of it is not known.
        """
        if structure not in self._sides:
            return None
        if any(self.parts[structure, side].at_edge for side in (Side.LEFT, Side.RIGHT)):
            return None
        left, right = self._sides[structure]
        return 200.0 * (left - right) / (left + right)
