"""What the tests of the command line share: a small scan, a tiny model's folder, and DICOM folders."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from typer.testing import CliRunner, Result

from MedSegRLib.cli import main

Run = Callable[..., Result]


@pytest.fixture(scope="session", autouse=True)
def quiet_libraries() -> None:
    """What the program says to transformers before it is imported, which other tests may have done."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


@pytest.fixture(autouse=True)
def heeded_interrupt() -> Iterator[None]:
    """Ctrl-C as in a terminal; a shell's background job, which tests may be, is told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(work: Path) -> Run:
    """Run `medsegr` with arguments, in the folder `work`."""

    def invoke(*arguments: str | Path, text: str | None = None) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=text)
        # Anything but a wanted exit is a mistake of ours, and has a traceback.
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return invoke


@pytest.fixture(scope="session")
def voxels() -> np.ndarray:
    """A ball with noise in it, [K, J, I]."""
    rng = np.random.default_rng(0)
    distance = np.linalg.norm(np.indices((10, 40, 40)) - np.array([5, 20, 20])[:, None, None, None], axis=0)
    return (rng.normal(100, 10, (10, 40, 40)) * (distance < 18)).astype(np.float32)


@pytest.fixture
def scan(work: Path, voxels: np.ndarray) -> Path:
    """A scan of ten slices that lies in the folder `work`."""
    path = work / "scan.nii.gz"
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((3.0, 3.0, 4.0))
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model with random weights."""
    from MedSegRLib.model import save_checkpoint, tiny_model

    folder = tmp_path_factory.mktemp("model") / "tiny"
    save_checkpoint(tiny_model(0), folder)
    return folder


@pytest.fixture
def dicom(work: Path) -> Callable[..., Path]:
    """Write DICOM series into a folder; slices are 3 mm apart."""

    def write(uids: Sequence[str] = ("1.2.3.4",), slices: Sequence[int] = range(6)) -> Path:
        folder = work / "study"
        folder.mkdir()
        for number, uid in enumerate(uids, start=1):
            for n in slices:
                _write_slice(folder / f"{uid}-{n}.dcm", uid, number, n)
        return folder

    return write


def _write_slice(path: Path, series_uid: str, number: int, n: int) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    item.SOPClassUID, item.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    item.PatientName, item.PatientID, item.StudyInstanceUID, item.Modality = "Nobody", "0", "1.2.3", "MR"
    item.SeriesInstanceUID, item.SeriesNumber = series_uid, number
    item.SeriesDescription, item.FrameOfReferenceUID = f"series {number}", "1.2.3.0"
    item.ImagePositionPatient, item.ImageOrientationPatient = [0, 0, 3.0 * n], [1, 0, 0, 0, 1, 0]
    item.PixelSpacing, item.SliceThickness, item.InstanceNumber = [3.0, 3.0], 3.0, n + 1
    item.Rows = item.Columns = 40
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.BitsAllocated = item.BitsStored = 16
    item.HighBit, item.PixelRepresentation = 15, 0
    stored = np.random.default_rng(n).integers(0, 500, (40, 40)).astype(np.uint16)
    item.PixelData = stored.tobytes()
    item.save_as(path, enforce_file_format=True)
