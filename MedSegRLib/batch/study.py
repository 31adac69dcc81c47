"""Study: one scan of a batch, known by its headers and read when its turn comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from MedSegRLib.imaging import Volume

__all__ = ["Kind", "Study"]

Kind = Literal["file", "dicom", "scene"]


@dataclass(frozen=True)
class Study:
    """One scan that is asked about.

    Attributes
    ----------
    key
        Its name in the batch: unique there, safe as the name of a folder, the same in every run.
    kind
        An image file, a DICOM series, or a volume of a scene.
    paths
        The file; all files of the series in the order of their slices; or the scene and the files of its volume.
    modality, body_part, description
        As the headers or the list say; "" where nobody does.
    slices
        How many were acquired; 0 where only reading tells.
    part
        SeriesInstanceUID of a DICOM series, the node's id in a scene; "" for a file.
    patient
        Name of the patient, to be shown only to whoever asks for names; "" where it is not known.
    """

    key: str
    kind: Kind
    paths: tuple[Path, ...]
    modality: str = ""
    body_part: str = ""
    description: str = ""
    slices: int = 0
    part: str = ""
    patient: str = field(default="", repr=False)

    def read(self) -> Volume:
        """Read the scan; see `imaging.read_volume` for what is refused."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        """SHA-256 over the bytes of its files, hexadecimal."""
        raise NotImplementedError
