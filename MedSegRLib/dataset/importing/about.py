"""About: what the files of a folder of scans do not say themselves, given once for all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Modality, Plane, Volume

from ..regions import REGIONS

__all__ = ["About"]


@dataclass(frozen=True)
class About:
    """Facts that all scans of an import share.

    Attributes
    ----------
    region
        One of `REGIONS`.
    modality
        MR or CT; None for what each file says.
    plane
        The plane that slices are looked at in.
    split
        train, development or validation; None until the patients are split.
    origin, licence
        The data set's name and its terms.
    patient_pattern
        A regular expression whose first group is the patient in a file's name; None where each file is a
        patient of its own.

    Raises
    ------
    DatasetError
        If the region is unknown or the pattern is none or has no group.
    """

    region: str
    modality: Modality | None = None
    plane: Plane = Plane.AXIAL
    split: str | None = None
    origin: str = ""
    licence: str = ""
    patient_pattern: str | None = None

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise DatasetError(f"The region '{self.region}' is unknown; write one of {', '.join(REGIONS)}.")
        if self.patient_pattern is not None:
            try:
                groups = re.compile(self.patient_pattern).groups
            except re.error as error:
                raise DatasetError(f"'{self.patient_pattern}' is no regular expression ({error}).") from error
            if groups != 1:
                raise DatasetError(f"'{self.patient_pattern}' needs one group in brackets, the patient.")

    def patient_of(self, stem: str) -> str:
        """The patient of a file, by its name without the ending.

        Raises
        ------
        DatasetError
            If the pattern does not fit, since a patient who is not known may come into two splits.
        """
        if self.patient_pattern is None:
            return stem
        found = re.search(self.patient_pattern, stem)
        if found is None or not found.group(1):
            raise DatasetError(f"'{self.patient_pattern}' finds no patient in '{stem}'; correct the pattern.")
        return found.group(1)

    def modality_of(self, volume: Volume) -> str:
        """MR, CT or unknown."""
        return (self.modality or volume.modality).value
