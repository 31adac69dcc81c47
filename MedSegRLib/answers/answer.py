"""Answer: text, findings and where they come from; saved whole or not at all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib.answers.finding import Finding
from MedSegRLib.answers.provenance import DISCLAIMER, Provenance
from MedSegRLib.answers.question import Question
from MedSegRLib.imaging import Segment, Volume, atomic_path, write_segmentation

__all__ = ["DISCLAIMER", "Answer", "Provenance", "slice_ranges"]

_FORMAT, _FORMAT_VERSION = "medsegr-answer", 1


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer to a question about a scan.

    Attributes
    ----------
    question
        What was asked.
    text
        The answer in words, without tags; measured sentences last.
    findings
        What was found, in the order of the text.
    absent
        Phrases for what was looked for and is not there.
    provenance
        How it came about.
    volume
        The scan.
    raw
        The model's text with its tags.
    complete
        False for an answer that was cancelled on the way.

    Raises
    ------
    ValueError
        If a mask does not have the volume's shape.
    """

    question: Question
    text: str
    findings: tuple[Finding, ...]
    absent: tuple[str, ...]
    provenance: Provenance
    volume: Volume = field(repr=False)
    raw: str = field(default="", repr=False)
    complete: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "findings", tuple(self.findings))
        object.__setattr__(self, "absent", tuple(self.absent))
        for finding in self.findings:
            if finding.mask.shape != self.volume.shape_kji:
                raise ValueError(
                    f"the mask of {finding.name} has shape {finding.mask.shape}, "
                    f"the volume {self.volume.shape_kji}"
                )

    def segments(self) -> list[Segment]:
        """The findings as segments, with the question, model, slices and confidence as tags."""
        ids: list[str] = []
        segments = []
        for finding in self.findings:
            stem = re.sub(r"\W+", "_", finding.name.lower()).strip("_") or "finding"
            numbered = (f"{stem}_{number}" for number in count(2))
            ids.append(next(name for name in chain([stem], numbered) if name not in ids))
            tags = {
                "MedSegR.Question": self.question.text,
                "MedSegR.Model": f"{self.provenance.model} {self.provenance.model_version}",
                "MedSegR.Slices": f"{finding.plane.value} {slice_ranges(finding.slices)}",
                "MedSegR.Confidence": f"{finding.confidence:.3f}",
                "MedSegR.Use": DISCLAIMER,
            }
            name, colour = finding.name, finding.colour
            segments.append(Segment(ids[-1], name, colour, finding.mask, finding.terminology, tags))
        return segments

    def save(self, path: str | os.PathLike[str], mask_file: str | None = None) -> tuple[str, ...]:
        """Write the answer; the ending of the name chooses how.

        Parameters
        ----------
        path
            Ends in .seg.nrrd (masks, names, colours, codes), .nii.gz, .nii, .nrrd or .mha (label map:
            1, 2, ... in the order of the findings), .json (everything but the masks) or .html (report).
        mask_file
            For JSON: name of the .seg.nrrd beside it that holds the masks.

        Returns
        -------
        Sentences about what the format could not keep.

        Raises
        ------
        OutputError
            If the ending is unknown or the file cannot be written; nothing is left behind.
        """
        name = Path(path).name.lower()
        if name.endswith((".html", ".htm")):
            # Not above: a report is made of answers.
            from MedSegRLib.answers.report import write_report

            write_report([self], path)
            return ()
        if name.endswith(".json"):
            text = json.dumps(self.to_dict(mask_file), ensure_ascii=False, indent=2, allow_nan=False)
            with atomic_path(path) as partial:
                partial.write_text(text + "\n", encoding="utf-8")
            lost = bool(self.findings) and mask_file is None
            return ("JSON holds no masks; write .seg.nrrd beside it to keep them.",) if lost else ()
        return write_segmentation(path, self.segments(), self.volume)

    def to_dict(self, mask_file: str | None = None) -> dict[str, Any]:
        """What JSON can hold of it: all but voxels and masks.

        Parameters
        ----------
        mask_file
            Name of the .seg.nrrd that the masks are in, to be referred to; None refers to none.
        """
        volume = self.volume
        findings = []
        for finding, segment in zip(self.findings, self.segments(), strict=True):
            mask = None if mask_file is None else {"file": mask_file, "segment": segment.id}
            findings.append({**finding.to_dict(), "mask": mask})
        return {
            "format": _FORMAT,
            "version": _FORMAT_VERSION,
            "use": DISCLAIMER,
            "question": self.question.to_dict(),
            "text": self.text,
            "raw": self.raw,
            "complete": self.complete,
            "findings": findings,
            "absent": list(self.absent),
            "provenance": self.provenance.to_dict(),
            "volume": {
                "name": volume.name,
                "source": volume.source,
                "modality": volume.modality.value,
                "fingerprint": volume.fingerprint(),
                "shape_kji": list(volume.shape_kji),
                "spacing_mm": list(volume.spacing_mm) if volume.spacing_known else None,
                "ijk_to_ras": volume.ijk_to_ras.tolist(),
                "notes": list(volume.notes),
            },
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], volume: Volume, masks: Sequence[npt.NDArray[np.bool_]]
    ) -> Answer:
        """The answer that `to_dict` was made of.

        Parameters
        ----------
        data
            As `to_dict` gives it.
        volume
            The scan.
        masks
            bool [K, J, I] for each finding, in their order.

        Raises
        ------
        ValueError
            If this is no answer, or not about this scan.
        """
        if (data.get("format"), data.get("version")) != (_FORMAT, _FORMAT_VERSION):
            raise ValueError(f"this is not an answer of version {_FORMAT_VERSION}")
        if data["volume"]["fingerprint"] != volume.fingerprint():
            raise ValueError(f"the answer is about {data['volume']['name']}, which is not this scan")
        findings = [
            Finding.from_dict(entry, mask) for entry, mask in zip(data["findings"], masks, strict=True)
        ]
        return cls(
            Question.from_dict(data["question"]),
            data["text"],
            tuple(findings),
            tuple(data["absent"]),
            Provenance.from_dict(data["provenance"]),
            volume,
            data["raw"],
            data["complete"],
        )


def slice_ranges(slices: Sequence[int]) -> str:
    """Rising indices in words.

    Examples
    --------
    >>> slice_ranges((3, 4, 5, 9))
    '3 to 5, 9'
    """
    runs: list[list[int]] = []
    for index in slices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in runs)
