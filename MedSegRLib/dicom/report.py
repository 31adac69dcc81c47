"""Report: answers as one DICOM SR, a measurement report after TID 1500 of PS3.16.

Each finding is a volumetric measurement group (TID 1411) that refers to its segment in the SEG of the
same answers. The questions, the answers' words and what they are for stand as text under "Qualitative
Evaluations", which is all there is where nothing was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from highdicom import sr
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import SegmentationStorage

from MedSegRLib.answers import Answer, Finding
from MedSegRLib.answers.provenance import DISCLAIMER
from MedSegRLib.dicom.coding import as_lo, codes_of, tracking_ids
from MedSegRLib.dicom.equipment import MANUFACTURER, Lead, series_number, shared_attributes, stamp
from MedSegRLib.dicom.identity import Identity, uid_of
from MedSegRLib.imaging import Modality, Volume

__all__ = ["build_report"]

_SERIES_OFFSET = 2000
_PROCEDURES = {
    Modality.CT: codes.cid100.CTUnspecifiedBodyRegion,
    Modality.MR: codes.cid100.MRIUnspecifiedBodyRegion,
    Modality.UNKNOWN: codes.cid100.ImagingProcedure,
}
_GREY_VALUES = {
    Modality.CT: (codes.DCM.AttenuationCoefficient, codes.UCUM.HounsfieldUnit),
    Modality.MR: (codes.DCM.MRSignalIntensity, codes.UCUM.NoUnits),
}
_QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
_MILLILITER = Code("ml", "UCUM", "milliliter")


def build_report(
    answers: Sequence[Answer], headers: Sequence[Dataset], lead: Lead, identity: Identity, created: datetime
) -> sr.ComprehensiveSR:
    """Make the data set; the parameters are those of `build_segmentation`, but a finding is not needed."""
    root = _root(answers, identity, str(lead.header.SeriesInstanceUID))
    root.ContentSequence.append(_words(answers))
    evidence = [lead.header, *headers]
    if any(answer.findings for answer in answers):
        evidence.append(_segmentation(lead.header, identity))
    report = sr.ComprehensiveSR(
        evidence=evidence,
        content=root,
        series_instance_uid=identity.uid("SR", "series"),
        series_number=series_number(lead.header, _SERIES_OFFSET),
        sop_instance_uid=identity.uid("SR", "instance"),
        instance_number=1,
        series_description="MedSeg-R measurements",
        is_complete=all(answer.complete for answer in answers),
        **shared_attributes(answers[0], created),
    )
    stamp(report, lead, created)
    return report


def _root(answers: Sequence[Answer], identity: Identity, series_uid: str) -> Dataset:
    names = tracking_ids(list(answers))
    pairs = [(answer, finding) for answer in answers for finding in answer.findings]
    groups = [
        _group(number, name, answer, finding, identity, series_uid)
        for number, (name, (answer, finding)) in enumerate(zip(names, pairs, strict=True), 1)
    ]
    context = sr.ObservationContext(observer_device_context=_observer(answers[0]))
    procedure = _PROCEDURES[answers[0].volume.modality]
    if groups:
        return sr.MeasurementReport(context, procedure, groups)[0]
    # highdicom's template wants a measurement; the standard's takes evaluations alone.
    root = sr.ContainerContentItem(codes.DCM.ImagingMeasurementReport, template_id="1500")
    english = sr.CodedConcept("en-US", "RFC5646", "English (United States)")
    reported = sr.CodeContentItem(
        codes.DCM.ProcedureReported, procedure, sr.RelationshipTypeValues.HAS_CONCEPT_MOD
    )
    root.ContentSequence = sr.ContentSequence(
        [*sr.LanguageOfContentItemAndDescendants(english), *context, reported]
    )
    return root


def _observer(answer: Answer) -> sr.ObserverContext:
    origin = answer.provenance
    return sr.ObserverContext(
        codes.DCM.Device,
        sr.DeviceObserverIdentifyingAttributes(
            uid=uid_of("device", origin.model, origin.model_version, origin.software_version),
            name=f"{MANUFACTURER} {origin.software_version}",
            manufacturer_name=MANUFACTURER,
            model_name=origin.model,
            serial_number=origin.model_version,
        ),
    )


def _group(
    number: int, name: str, answer: Answer, finding: Finding, identity: Identity, series_uid: str
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    coded, origin = codes_of(finding), answer.provenance
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(identity.uid("finding", number), as_lo(name)),
        referenced_segment=sr.ReferencedSegment(
            SegmentationStorage,
            identity.uid("SEG", "instance"),
            number,
            source_series=sr.SourceSeriesForSegmentation(series_uid),
        ),
        finding_category=coded.category,
        finding_type=coded.kind,
        finding_sites=[sr.FindingSite(coded.kind, laterality=coded.side)] if coded.is_specific else None,
        algorithm_id=sr.AlgorithmIdentification(origin.model, origin.model_version),
        measurements=_measurements(finding, answer.volume),
    )


def _measurements(finding: Finding, volume: Volume) -> list[sr.Measurement]:
    size = finding.measurements
    found = []
    if size.volume_ml is not None:
        found.append(sr.Measurement(codes.SCT.Volume, size.volume_ml, _MILLILITER))
    # Between centres of voxels, so no diameter of a mesh, for which there would be a code of its own.
    if size.longest_3d_mm is not None:
        maximum = codes.SCT.Maximum
        found.append(
            sr.Measurement(codes.SCT.Diameter, size.longest_3d_mm, codes.UCUM.Millimeter, derivation=maximum)
        )
    if size.longest_in_plane_mm is not None:
        found.append(sr.Measurement(codes.SCT.LongAxis, size.longest_in_plane_mm, codes.UCUM.Millimeter))
    if volume.modality in _GREY_VALUES:
        quantity, unit = _GREY_VALUES[volume.modality]
        spread = codes.SCT.StandardDeviation
        found.append(sr.Measurement(quantity, size.mean_intensity, unit, derivation=codes.SCT.Mean))
        found.append(sr.Measurement(quantity, size.sd_intensity, unit, derivation=spread))
    percent = 100.0 * finding.confidence
    return [*found, sr.Measurement(codes.DCM.CertaintyOfFinding, percent, codes.UCUM.Percent)]


def _words(answers: Sequence[Answer]) -> sr.ContainerContentItem:
    lines = []
    for answer in answers:
        lines += [f"Question: {answer.question.text}", f"Answer: {answer.text}"]
        if answer.absent:
            lines.append(f"Looked for and not found: {', '.join(answer.absent)}")
        if not answer.findings:
            lines.append("No finding: nothing was outlined.")
        if not answer.complete:
            lines.append("The answer was stopped on the way.")
        lines += [f"Note: {note}" for note in answer.provenance.notes]
    items = [
        sr.TextContentItem(codes.DCM.Comment, line, sr.RelationshipTypeValues.CONTAINS)
        for line in (*lines, DISCLAIMER)
    ]
    container = sr.ContainerContentItem(
        _QUALITATIVE_EVALUATIONS, relationship_type=sr.RelationshipTypeValues.CONTAINS
    )
    container.ContentSequence = sr.ContentSequence(items)
    return container


def _segmentation(lead: Dataset, identity: Identity) -> Dataset:
    """What must be known of the SEG to refer to it."""
    segmentation = Dataset()
    segmentation.StudyInstanceUID = lead.StudyInstanceUID
    segmentation.SeriesInstanceUID = identity.uid("SEG", "series")
    segmentation.SOPInstanceUID = identity.uid("SEG", "instance")
    segmentation.SOPClassUID = SegmentationStorage
    return segmentation
