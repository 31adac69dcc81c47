"""Write: answers to a file, checked before anything is made and there whole or not at all."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydicom.config import disable_value_validation

from MedSegRLib.answers import Answer
from MedSegRLib.dicom.identity import identify
from MedSegRLib.dicom.source import DicomSource
from MedSegRLib.errors import MedSegRError, OutputError
from MedSegRLib.extras import import_extra
from MedSegRLib.imaging import atomic_path

__all__ = ["write_dicom_seg", "write_dicom_sr"]


def write_dicom_seg(
    answers: Sequence[Answer],
    source: DicomSource,
    path: str | os.PathLike[str],
    *,
    created: datetime | None = None,
) -> None:
    """Write the findings of answers as a DICOM SEG in the study of the series that was asked about.

    One binary segment for each finding, in the order of the answers; they may overlap. UIDs follow from the
    contents: the same answers of the same series are the same object.

    Parameters
    ----------
    answers
        About one scan, by one model; at least one of them with a finding.
    source
        The series that the scan was read from.
    path
        The file.
    created
        When it is said to have been made; None for now. With the same moment the same bytes are written.

    Raises
    ------
    OutputError
        If there is no finding, the file cannot be written, or it is a slice of the series.
    UnsupportedVolumeError
        If the scan is not the one of the series, or the series has what DICOM SEG does not take.
    ImageReadError
        If a file of the series is gone.
    UserInputError
        If highdicom is not installed.
    """
    if not any(answer.findings for answer in answers):
        raise OutputError(
            f"{path} was not written: nothing was found, and a DICOM SEG holds at least one segment; "
            "a DICOM SR can say so."
        )
    build = import_extra("MedSegRLib.dicom.segmentation", "Writing DICOM SEG", "dicom").build_segmentation
    _write(build, answers, source, path, created)


def write_dicom_sr(
    answers: Sequence[Answer],
    source: DicomSource,
    path: str | os.PathLike[str],
    *,
    created: datetime | None = None,
) -> None:
    """Write answers as a DICOM SR: measurements, and the words of questions and answers.

    It refers to the segments of the SEG that `write_dicom_seg` writes of the same answers, which belongs
    beside it. Without a finding it says so and refers to no SEG.

    Parameters and errors are those of `write_dicom_seg`, but a finding is not needed.
    """
    if not answers:
        raise OutputError(f"{path} was not written: there is no answer to report.")
    build = import_extra("MedSegRLib.dicom.report", "Writing DICOM SR", "dicom").build_report
    _write(build, answers, source, path, created)


def _write(
    build: Any,
    answers: Sequence[Answer],
    source: DicomSource,
    path: str | os.PathLike[str],
    created: datetime | None,
) -> None:
    # Not above: they need highdicom, which was asked for by now.
    from MedSegRLib.dicom.equipment import Lead
    from MedSegRLib.dicom.segmentation import drawn_slices

    source.refuse_to_replace(path)
    order, *others = (source.slices_along(answer.volume) for answer in answers)
    if any(other != order for other in others):
        raise ValueError("answers that are written into one file must be about one scan")
    headers = [source.headers[number] for number in order]
    with atomic_path(path) as partial, disable_value_validation():
        first = min(drawn_slices(answers), default=0)
        lead = Lead.of(source, order[first])
        headers[first] = lead.header
        try:
            dataset = build(answers, headers, lead, identify(answers, source), created or datetime.now())
            dataset.save_as(partial, enforce_file_format=True)
        except MedSegRError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError, struct.error) as error:
            # What highdicom and pydicom make of headers that are not as the standard wants them; one such
            # series must not end a batch.
            reason = " ".join(str(error).split())[:200]
            raise OutputError(
                f"{path} was not written: the headers of the series do not make a valid object ({reason}); "
                "write .seg.nrrd or NIfTI instead."
            ) from error
