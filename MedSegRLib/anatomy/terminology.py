"""Slicer's terminology strings, which give a segment its code and side.

Seven parts, parted by ``~``: context, category, type, modifier of the type, region context, region,
modifier of the region; codes are ``scheme^value^meaning``.
"""

from __future__ import annotations

from typing import NamedTuple

from MedSegRLib.anatomy.structure import Side, Structure

__all__ = ["TerminologyCode", "terminology_codes", "terminology_entry"]

_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
_REGION_CONTEXT = "Anatomic codes - DICOM master list"
_NOTHING = "^^"
_ANATOMICAL_STRUCTURE = "SCT^123037004^Anatomical Structure"
_TISSUE = "SCT^85756007^Tissue"
_SIDES = {Side.LEFT: "SCT^7771000^Left", Side.RIGHT: "SCT^24028007^Right", Side.NONE: _NOTHING}


class TerminologyCode(NamedTuple):
    """A code, such as SCT, 5366008, Hippocampus."""

    scheme: str
    value: str
    meaning: str


def terminology_entry(structure: Structure | None, side: Side = Side.NONE) -> str:
    """Terminology string of a segment, as Slicer 5 writes it into the tag TerminologyEntry.

    Parameters
    ----------
    structure
        What the segment shows; None where it is not in the table.
    side
        Its side; left out for a structure without sides.

    Returns
    -------
    str
        Seven parts. A structure without a code, or None, is Slicer's general "Tissue": a general
        code rather than a guessed one.
    """
    if structure is None or structure.snomed is None:
        category, kind, modifier = _TISSUE, _TISSUE, _NOTHING
    else:
        category = _ANATOMICAL_STRUCTURE
        kind = f"SCT^{structure.snomed}^{structure.snomed_meaning}"
        modifier = _SIDES[side] if structure.sided else _NOTHING
    return "~".join((_CONTEXT, category, kind, modifier, _REGION_CONTEXT, _NOTHING, _NOTHING))


def terminology_codes(
    entry: str,
) -> tuple[TerminologyCode | None, TerminologyCode | None, TerminologyCode | None]:
    """Take category, type and modifier of the type (the side) out of a terminology string.

    Parameters
    ----------
    entry
        As `terminology_entry` and Slicer write it; of anything else nothing is understood.

    Examples
    --------
    >>> terminology_codes(terminology_entry(None))[1:]
    (TerminologyCode(scheme='SCT', value='85756007', meaning='Tissue'), None)
    """
    _, category, kind, modifier, *_ = (*entry.split("~"), "", "", "")
    return _code(category), _code(kind), _code(modifier)


def _code(text: str) -> TerminologyCode | None:
    parts = text.split("^")
    return TerminologyCode(*parts) if len(parts) == 3 and all(parts) else None
