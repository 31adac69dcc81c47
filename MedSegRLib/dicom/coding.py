"""Coding: what a finding is, in the codes that DICOM files carry.

The codes are those of the finding's terminology string, the same that its segment in a .seg.nrrd has. A
finding without a code is "Tissue", Slicer's general code: a general one rather than a guessed one.
"""

from __future__ import annotations

from dataclasses import dataclass

from highdicom.color import CIELabColor
from highdicom.sr import CodedConcept

from MedSegRLib.anatomy import Side, TerminologyCode, load_table, terminology_codes, terminology_entry
from MedSegRLib.answers import Answer, Finding

__all__ = ["FindingCodes", "as_lo", "codes_of", "colour_of", "shortened", "tracking_ids"]

_BOTH_SIDES = TerminologyCode("SCT", "51440002", "Right and left")


@dataclass(frozen=True)
class FindingCodes:
    """Category and type of what a finding shows, and its side if it has one.

    `is_specific` is False where no more is known than that it is tissue.
    """

    category: CodedConcept
    kind: CodedConcept
    side: CodedConcept | None
    is_specific: bool


def codes_of(finding: Finding) -> FindingCodes:
    """Find the codes of a finding."""
    category, kind, side = terminology_codes(finding.terminology)
    general, tissue, _ = terminology_codes(terminology_entry(None))
    if category is None or kind is None:
        category, kind, side = general, tissue, None
    is_specific = kind != tissue
    if side is None and is_specific and _means_both(finding):
        side = _BOTH_SIDES
    assert category is not None and kind is not None
    return FindingCodes(
        _concept(category), _concept(kind), None if side is None else _concept(side), is_specific
    )


def colour_of(finding: Finding) -> CIELabColor:
    """The finding's colour, which is red, green and blue, in CIELab."""
    red, green, blue = (255.0 * part for part in finding.colour)
    return CIELabColor.from_rgb(red, green, blue)


def tracking_ids(answers: list[Answer]) -> list[str]:
    """Names for the findings of all answers, in their order, none of them twice."""
    ids = []
    for number, answer in enumerate(answers, 1):
        mark = f"question_{number}." if len(answers) > 1 else ""
        ids += [mark + segment.id for segment in answer.segments()]
    return ids


def as_lo(text: str) -> str:
    """Text as DICOM's value representation LO takes it: one line of 64 characters without a backslash."""
    return shortened(" ".join(text.replace("\\", "/").split()), 64)


def shortened(text: str, length: int) -> str:
    """Text of at most so many bytes: DICOM counts characters, but not every reader does."""
    coded = text.encode()
    return text if len(coded) <= length else coded[: length - 3].decode(errors="ignore").rstrip() + "..."


def _means_both(finding: Finding) -> bool:
    table = load_table()
    if finding.side is not Side.NONE or finding.structure is None or finding.structure not in table:
        return False
    known = table[finding.structure]
    return known.sided and finding.name == known.plural != known.name


def _concept(code: TerminologyCode) -> CodedConcept:
    return CodedConcept(code.value, code.scheme, as_lo(code.meaning))
