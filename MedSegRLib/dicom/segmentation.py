"""Segmentation: answers as one DICOM SEG, a segment for each finding.

Frames are the slices of the source series, in its own geometry; nothing is resampled. Only frames with
something in them are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime

import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.valuerep import DS

from MedSegRLib.answers import Answer, Finding
from MedSegRLib.answers.provenance import DISCLAIMER
from MedSegRLib.dicom.coding import as_lo, codes_of, colour_of, shortened, tracking_ids
from MedSegRLib.dicom.equipment import MANUFACTURER, Lead, series_number, shared_attributes, stamp
from MedSegRLib.dicom.identity import Identity

__all__ = ["build_segmentation", "drawn_slices"]

_SERIES_OFFSET = 1000
_DESCRIPTION_LENGTH = 1024  # of the value representation ST


def build_segmentation(
    answers: Sequence[Answer], headers: Sequence[Dataset], lead: Lead, identity: Identity, created: datetime
) -> hd.seg.Segmentation:
    """Make the data set.

    Parameters
    ----------
    answers
        With at least one finding among them, all about the same scan.
    headers
        Of the source series, one for each slice of the scan from K = 0 on.
    lead
        Where patient and study are copied from: the header of the first slice that is drawn on.
    identity
        Of these answers.
    created
        When it is said to have been made.
    """
    pairs = [(answer, finding) for answer in answers for finding in answer.findings]
    used = drawn_slices(answers)
    # All slices between too, so that their spacing is seen; empty frames are left out later.
    within = slice(used[0], used[-1] + 1)
    drawn = [_turned_like(lead.header, header) for header in headers[within]]
    _say_spacing(lead.header, answers[0].volume.spacing_mm[2])
    segmentation = hd.seg.Segmentation(
        source_images=drawn,
        further_source_images=[*headers[: within.start], *headers[within.stop :]],
        pixel_array=_pixels([finding.mask[within] for _, finding in pairs]),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _describe(number, name, answer, finding, identity)
            for number, (name, (answer, finding)) in enumerate(
                zip(tracking_ids(list(answers)), pairs, strict=True), 1
            )
        ],
        series_instance_uid=identity.uid("SEG", "series"),
        series_number=series_number(lead.header, _SERIES_OFFSET),
        sop_instance_uid=identity.uid("SEG", "instance"),
        instance_number=1,
        series_description="MedSeg-R segmentation",
        content_label="MEDSEGR",
        content_description=as_lo(DISCLAIMER),
        **shared_attributes(answers[0], created),
    )
    stamp(segmentation, lead, created)
    organization = identity.uid("SEG", "dimensions")
    for item in (*segmentation.DimensionOrganizationSequence, *segmentation.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    return segmentation


def drawn_slices(answers: Sequence[Answer]) -> list[int]:
    """The indices along K of the slices in which a finding lies, rising."""
    masks = [finding.mask for answer in answers for finding in answer.findings]
    used: list[int] = np.flatnonzero(sum(mask.any(axis=(1, 2)).astype(int) for mask in masks)).tolist()
    return used


def _turned_like(lead: Dataset, header: Dataset) -> Dataset:
    """A header with the directions of the first one, which scanners write anew for each slice.

    They may differ in the last digits, as far as `imaging` lets them; highdicom wants them equal.
    """
    if header.ImageOrientationPatient == lead.ImageOrientationPatient:
        return header
    turned = deepcopy(header)
    turned.ImageOrientationPatient = lead.ImageOrientationPatient
    return turned


def _say_spacing(lead: Dataset, step_mm: float) -> None:
    """Put the distance of the slices where highdicom looks for it; what the series says may be wrong."""
    lead.SpacingBetweenSlices = DS(step_mm, auto_format=True)
    if not lead.get("SliceThickness"):
        lead.SliceThickness = lead.SpacingBetweenSlices


def _pixels(masks: Sequence[npt.NDArray[np.bool_]]) -> npt.NDArray[np.generic]:
    """A label map [K, J, I] if no masks overlap, which saves much memory; else [K, J, I, segment]."""
    labels = np.zeros(masks[0].shape, np.uint8 if len(masks) < 256 else np.uint16)
    for number, mask in enumerate(masks, 1):
        if labels[mask].any():
            return np.stack(masks, axis=-1)
        labels[mask] = number
    return labels


def _describe(
    number: int, tracking_id: str, answer: Answer, finding: Finding, identity: Identity
) -> hd.seg.SegmentDescription:
    coded, origin = codes_of(finding), answer.provenance
    algorithm = hd.AlgorithmIdentificationSequence(
        name=as_lo(origin.model),
        version=as_lo(origin.model_version),
        family=codes.DCM.ArtificialIntelligence,
        source=MANUFACTURER,
    )
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=as_lo(finding.name),
        segmented_property_category=coded.category,
        segmented_property_type=coded.kind,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=identity.uid("finding", number),
        tracking_id=as_lo(tracking_id),
        display_color=colour_of(finding),
    )
    if coded.side is not None:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [coded.side]
    said = f"Confidence {finding.confidence:.3f}. Asked: {answer.question.text}"
    description.SegmentDescription = shortened(said, _DESCRIPTION_LENGTH)
    return description
