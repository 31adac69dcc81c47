"""What the tests of DICOM out share: series, answers about them, and a judge of what is written."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from MedSegRLib.answers import Answer, Finding, Provenance, Question
from MedSegRLib.imaging import Volume, read_volume, window_for

from .made import ORIENTATIONS, SHAPE_KJI, SPACING_MM, write_slice

Series = Callable[..., Path]
Ask = Callable[..., Answer]


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """Write a series of six slices of 9 rows and 11 columns; file names run against the slices' order."""

    def write(
        name: str = "series", orientation: str = "axial", modality: str = "CT", **attributes: object
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        along = np.array(ORIENTATIONS[orientation], float)
        normal = np.cross(along[:3], along[3:])
        stored = np.random.default_rng(1).integers(0, 1500, SHAPE_KJI).astype(np.int16)
        for k, picture in enumerate(stored):
            place = np.array([-31.5, -20.25, 7.0]) + k * SPACING_MM[2] * normal
            attributes_of_slice = {
                "StudyInstanceUID": generate_uid(entropy_srcs=["study"]),
                "SeriesInstanceUID": generate_uid(entropy_srcs=[name]),
                "FrameOfReferenceUID": generate_uid(entropy_srcs=["frame"]),
                "SOPInstanceUID": generate_uid(entropy_srcs=[name, str(k)]),
                "InstanceNumber": k + 1,
                "ImagePositionPatient": [round(float(part), 4) for part in place],
                "ImageOrientationPatient": list(ORIENTATIONS[orientation]),
                **attributes,
            }
            write_slice(folder / f"{9 - k}.dcm", picture, modality, **attributes_of_slice)
        return folder

    return write


@pytest.fixture
def ask() -> Ask:
    """An answer about a scan; by default it finds a sided part, an organ, and something unknown."""

    def answer(scan: Path | Volume, findings: tuple[Finding, ...] | None = None) -> Answer:
        volume = read_volume(scan) if isinstance(scan, Path) else scan
        plane = volume.acquisition_plane
        provenance = Provenance(
            "medsegr-mini", "2", window_for(volume), plane, tuple(range(6)), "ground", 7, "0.1.0",
            {"talk": 1.5}, ("The text was corrected once.",),
        )  # fmt: skip
        return Answer(
            Question("Where is the left hippocampus? Größe > 3 µl?", seed=7), "Here is the left hippocampus.",
            usual(volume) if findings is None else findings, ("tumour",), provenance, volume,
        )  # fmt: skip

    def usual(volume: Volume) -> tuple[Finding, ...]:
        plane = volume.acquisition_plane
        left, liver, unknown = (np.zeros(volume.shape_kji, bool) for _ in range(3))
        left[1:3, 2:5, 3:8] = True
        left[2, 2, 3] = False
        liver[2:5, 6:8, 1:4] = True
        unknown[4, 0, 0] = unknown[4, 8, 10] = True
        return (
            Finding.of("left hippocampus", left, volume, plane, 0.9),
            Finding.of("the liver", liver, volume, plane, 0.625),
            Finding.of("grey blob", unknown, volume, plane, 0.5),
        )

    return answer


@pytest.fixture
def verified() -> Callable[[Path], pydicom.Dataset]:
    """Read a file after Debian's dciodvfy, where it is installed, has found nothing wrong with it."""

    def read(path: Path, allowed: tuple[str, ...] = ()) -> pydicom.Dataset:
        if shutil.which("dciodvfy"):
            done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace")
            told = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            wrong = [line for line in told if line.startswith(("Error", "Warning"))]
            assert told, "dciodvfy names the kind of object at least"
            assert [line for line in wrong if not any(words in line for words in allowed)] == []
        return pydicom.dcmread(path)

    return read
