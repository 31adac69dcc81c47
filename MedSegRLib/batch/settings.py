"""Settings: what a batch is asked to do with every study, wherever the study is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FORMATS", "Format", "Settings"]

Format = Literal["nifti", "dicom-seg", "dicom-sr"]

# Beside .seg.nrrd and JSON, which are always written: they are what a later run builds on.
FORMATS: tuple[Format, ...] = ("nifti", "dicom-seg", "dicom-sr")


@dataclass(frozen=True)
class Settings:
    """What does not differ from study to study.

    Attributes
    ----------
    model
        Name of the model, or its folder.
    model_fingerprint
        Of its files.
    formats
        What is written beside .seg.nrrd and JSON.
    deidentify
        Whether outputs name scans by pseudonyms and say nothing of where they lie.
    names
        Whether patients are named.
    """

    model: str
    model_fingerprint: str
    formats: tuple[Format, ...] = ()
    deidentify: bool = False
    names: bool = False

    @property
    def written(self) -> dict[str, object]:
        """What the files of a study turn on, though its answers do not."""
        return {"formats": sorted(self.formats), "deidentify": self.deidentify, "names": self.names}
