"""Study: one scan of a batch, known by its headers and read when its turn comes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from MedSegRLib.errors import ImageReadError
from MedSegRLib.imaging import Modality, Volume, read_volume
from MedSegRLib.imaging.dicom import read_dicom_files

__all__ = ["Kind", "Study"]

Kind = Literal["file", "dicom", "scene"]

_CHUNK_BYTES = 1 << 20


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
        The file; all files of the series in the order of their slices; or the scene and its volume's files.
    modality, body_part, description
        As the headers or the list say; "" where nobody does.
    slices
        How many were acquired; 0 where only reading tells.
    part
        SeriesInstanceUID of a DICOM series, the node's id in a scene; "" for a file.
    patient
        Name of the patient, to be shown only to whoever asks for names; "" where it is not known.
    name_words
        Words of patients' names that are to be taken out of what is told of the scan.
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
    name_words: frozenset[str] = field(default=frozenset(), repr=False)

    def read(self) -> Volume:
        """Read the scan.

        Returns
        -------
        The volume; its modality is the study's where that is MR or CT.

        Raises
        ------
        ImageReadError, UnsupportedVolumeError
            If it cannot be read or asked about; see `imaging.read_volume`.
        """
        said = Modality(self.modality) if self.modality in ("MR", "CT") else None
        if self.kind == "dicom":
            return read_dicom_files(self.paths, said)
        if self.kind == "scene":
            # Needs Slicer's nodes, which few have.
            from MedSegRLib.scene.scene_file import read_scene_volume

            return read_scene_volume(self.paths[0], self.part, said)
        return read_volume(self.paths[0], modality=said)

    def fingerprint(self) -> str:
        """SHA-256, hexadecimal, of the bytes of its files in their order, and of which part is asked about.

        Raises
        ------
        ImageReadError
            If a file cannot be opened any more.
        """
        digest = hashlib.sha256(self.part.encode())
        for path in self.paths:
            # Each file by itself, so that bytes that move from one to the next are noticed.
            inside = hashlib.sha256()
            try:
                with open(path, "rb") as file:
                    while chunk := file.read(_CHUNK_BYTES):
                        inside.update(chunk)
            except OSError as error:
                raise ImageReadError(
                    f"{path} cannot be opened ({error.strerror}); check the path."
                ) from error
            digest.update(inside.digest())
        return digest.hexdigest()
