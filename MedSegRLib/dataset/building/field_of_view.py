"""Field of view: what a scan of one part of the body cannot show, and what it may show undrawn.

Only what is surely out of view is called so. A lumbar spine may show a kidney, so nobody says that it does
not; it shows no larynx.
"""

from __future__ import annotations

from collections.abc import Collection

from MedSegRLib.anatomy import AnatomyTable

from ..scene import parts_of
from .facts import Part

__all__ = ["outside_of", "undrawn_parts"]

# Region of a scan -> regions of structures that its field of view cannot contain.
_FAR = {
    "brain": ("thorax", "heart", "abdomen", "pelvis"),
    "head_neck": ("heart", "abdomen", "pelvis"),
    "thorax": ("brain", "pelvis"),
    "heart": ("brain", "head_neck", "pelvis"),
    "abdomen": ("brain", "head_neck"),
    "pelvis": ("brain", "head_neck", "thorax", "heart"),
    "spine": ("brain", "head_neck", "heart"),
}
# Long structures that reach into the regions beside their own, and spines that are seen with the trunk.
_LONG = frozenset({"aorta", "oesophagus", "rib", "costal_cartilage", "spinal_cord", "brainstem"})
# Bones of the back are in every scan of the trunk; a brain shows none of the lower ones.
_LOWER_BACK = ("vertebra_t", "vertebra_l", "disc_")


def outside_of(region: str, table: AnatomyTable, seen: Collection[Part] = ()) -> tuple[str, ...]:
    """Ids of the structures that a scan of a region cannot show, groups left out.

    Parameters
    ----------
    region
        What the scan shows.
    table
        The anatomy table.
    seen
        Parts that are in the scan all the same: where one of a region is seen, none of it is ruled out.
    """
    shown = {table[structure].region for structure, _ in seen}
    far = set(_FAR[region]) - shown
    ids = [s.id for s in table if s.region in far and s.id not in _LONG and not s.is_group]
    if region in ("brain", "head_neck") and "spine" not in shown:
        ids += [s.id for s in table if s.id.startswith(_LOWER_BACK)]
    return tuple(ids)


def undrawn_parts(
    region: str, table: AnatomyTable, drawn: Collection[str], left_out: Collection[Part] = ()
) -> tuple[Part, ...]:
    """Parts that a scan may show and that nobody drew.

    Parameters
    ----------
    region, table
        As above.
    drawn
        Ids of the structures that the scan's label table holds.
    left_out
        Parts of the table that were not drawn in this scan.
    """
    missing = (s.id for s in table if s.region == region and not s.is_group and s.id not in drawn)
    return (*left_out, *parts_of(missing, table))
