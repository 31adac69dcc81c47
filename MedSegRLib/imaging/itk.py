"""SimpleITK at our border: its images in our arrays, and its chatter kept from the user."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import ImageReadError, MedSegRError
from MedSegRLib.imaging.geometry import ijk_to_ras_to_lps, lps_to_ijk_to_ras

_SILENCE = threading.RLock()


def itk_path(path: str | os.PathLike[str], refusal: type[MedSegRError] = ImageReadError) -> str:
    """A path as SimpleITK takes it.

    Raises
    ------
    MedSegRError
        Of the class `refusal`, if its name is no valid text, as file systems of Linux allow: SimpleITK
        would end the process.
    """
    text = str(path)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        shown = printable(text)
        raise refusal(f"{shown} has a name that is not valid UTF-8; rename the file or folder.") from error
    return text


def printable(text: str) -> str:
    """A text in which what is not valid, as names of files may hold, is a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keep warnings of ITK and of the format libraries below it off the terminal.

    The libraries for MetaImage, NIfTI and DICOM print to the process's error stream
    themselves, so turning ITK's warnings off is not enough: the stream is turned away
    meanwhile. What matters of their messages comes back as our own errors.
    """
    with _SILENCE:
        shown = sitk.ProcessObject.GetGlobalWarningDisplay()
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
        try:
            with _stderr_to_nowhere():
                yield
        finally:
            sitk.ProcessObject.SetGlobalWarningDisplay(shown)


@contextmanager
def _stderr_to_nowhere() -> Iterator[None]:
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        # A program without a console (Slicer on Windows) has no such stream to turn away.
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def ijk_to_ras_of(image: sitk.Image) -> npt.NDArray[np.float64]:
    """Geometry of a three-dimensional image."""
    return lps_to_ijk_to_ras(image.GetOrigin(), image.GetSpacing(), image.GetDirection())


def image_of(voxels: npt.NDArray[np.generic], ijk_to_ras: npt.NDArray[np.float64]) -> sitk.Image:
    """Make an image of an array [K, J, I] and its geometry; bool becomes uint8."""
    image = sitk.GetImageFromArray(voxels.astype(np.uint8) if voxels.dtype == np.bool_ else voxels)
    origin, spacing_mm, direction = ijk_to_ras_to_lps(ijk_to_ras)
    image.SetOrigin(origin)
    image.SetSpacing(spacing_mm)
    image.SetDirection(direction)
    return image
