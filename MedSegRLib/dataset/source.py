"""Source: a scan and what its labels mean, the raw material that conversations are written from.

Every importer yields it and the builder takes it. Nothing of a voxel is in it, only where the files are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from MedSegRLib.anatomy import Side
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane

from .format import SPLITS
from .regions import REGIONS

__all__ = ["Source", "SourceLabel", "SourceQuestion"]


@dataclass(frozen=True)
class SourceLabel:
    """One value of a label map and what it stands for.

    Attributes
    ----------
    file
        The label map, on the grid of the scan. Masks that overlap lie in files of their own, but all
        labels of one structure and side are in the same file.
    value
        The voxels' value, above 0.
    name
        As the label table calls it, such as "rib_left_10".
    structure, side
        What it is in the anatomy table; None for something named that the table does not hold. Where a
        sided structure has `Side.NONE`, its sides are not told apart: both are in this one value, or one
        of which nobody says the side.
    """

    file: Path
    value: int
    name: str
    structure: str | None
    side: Side = Side.NONE

    def __post_init__(self) -> None:
        if self.value < 1:
            raise DatasetError(
                f"{self.file} has a label {self.value} in its table; use whole numbers above 0."
            )
        if not self.name.strip():
            raise DatasetError(f"Label {self.value} of {self.file} has no name; name it in the label table.")


@dataclass(frozen=True)
class SourceQuestion:
    """A question that came with the scan, and the values of its labels that answer it, all in one file."""

    text: str
    file: Path
    values: tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """One scan with its labels.

    Attributes
    ----------
    patient, study
        Pseudonyms; the study tells scans of one patient apart.
    image
        A file or a DICOM folder; None for a label map without a scan, from which one is made.
    labels
        The label table: every value that the label maps may hold, also those without a voxel here.
    modality
        MR, CT or unknown.
    region
        One of `REGIONS`: what the scan mainly shows.
    plane
        The plane that its slices are looked at in; pictures lie as axial slices, as they are read.
    undrawn
        Parts of the table without a voxel here that may be in the picture all the same, since they were
        not drawn in every scan. What has no label in the table is not drawn either; a part that has one,
        no voxel, and is not listed here, is not there.
    split
        train, development or validation; None until the patients are split.
    origin, licence
        The data set that it is from, and its terms; empty where nobody said.
    questions
        Questions that came with it (ReasonSeg).
    """

    patient: str
    study: str
    image: Path | None
    labels: tuple[SourceLabel, ...]
    modality: str
    region: str
    plane: Plane = Plane.AXIAL
    undrawn: tuple[tuple[str, Side], ...] = ()
    split: str | None = None
    origin: str = ""
    licence: str = ""
    questions: tuple[SourceQuestion, ...] = field(default=())

    def __post_init__(self) -> None:
        named = f"The scan of patient '{self.patient}'"
        if not self.patient.strip() or not self.study.strip():
            raise DatasetError(f"{named} has no pseudonym or no study; give both.")
        if not self.labels:
            raise DatasetError(f"{named} has no label with a name; give its label table.")
        if self.region not in REGIONS:
            raise DatasetError(f"{named} is of region '{self.region}'; write one of {', '.join(REGIONS)}.")
        if self.split is not None and self.split not in SPLITS:
            raise DatasetError(f"{named} is in split '{self.split}'; write one of {', '.join(SPLITS)}.")
        seen: set[tuple[Path, int]] = set()
        for label in self.labels:
            if (label.file, label.value) in seen:
                raise DatasetError(f"Label {label.value} of {label.file} is named twice; keep one name.")
            seen.add((label.file, label.value))
        for question in self.questions:
            if not question.values or not {(question.file, value) for value in question.values} <= seen:
                raise DatasetError(
                    f"{named} has a question about labels that it does not hold; correct them."
                )

    @property
    def files(self) -> tuple[Path, ...]:
        """Its label maps, each once."""
        return tuple(dict.fromkeys(label.file for label in self.labels))
