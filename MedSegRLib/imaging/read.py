"""Reading: from a path to a `Volume`, or to a sentence that says why not.

NRRD, NIfTI and MetaImage files, a folder with a DICOM series, a single DICOM file, and plain
pictures (PNG and the like), which become volumes of one slice whose spacing is not known.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import ImageReadError, SeriesChoiceError, UnsupportedVolumeError
from MedSegRLib.imaging.dicom import is_dicom, read_dicom_file, read_dicom_folder
from MedSegRLib.imaging.geometry import lps_to_ijk_to_ras
from MedSegRLib.imaging.itk import itk_path, quiet_itk
from MedSegRLib.imaging.nifti_file import check_nifti
from MedSegRLib.imaging.volume import Modality, Volume
from MedSegRLib.imaging.windows import looks_like_hounsfield_units

_PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
_KNOWN_FORMATS = "NRRD, NIfTI, MetaImage, DICOM or PNG"


def read_volume(
    path: str | os.PathLike[str], series: str | None = None, modality: Modality | None = None
) -> Volume:
    """Read a scan.

    Parameters
    ----------
    path
        A file, or a folder that holds a DICOM series (folders in it are searched too).
    series
        Which series of a DICOM folder: its SeriesInstanceUID, its number or its description.
    modality
        How the scan was made, where the file does not say or is wrong about it.

    Returns
    -------
    The volume; what had to be assumed stands in its `notes`.

    Raises
    ------
    ImageReadError
        If there is no such file, or it is not an image or cut short.
    SeriesChoiceError
        If a folder holds several series and none was chosen, or not the chosen one.
    UnsupportedVolumeError
        If it is an image that cannot be asked about.
    """
    place = Path(path)
    # os.path takes a name that the system refuses (too long, say) for one that is not there.
    if not os.path.exists(place):
        raise ImageReadError(f"There is no file or folder {place}; check the path.")
    if place.is_dir():
        return read_dicom_folder(place, series, modality)
    if series is not None:
        raise SeriesChoiceError(f"{place} is a single file, only a folder has series; leave --series out.")
    try:
        if is_dicom(place):
            return read_dicom_file(place, modality)
        return _read_image_file(place, modality)
    except OSError as error:
        raise ImageReadError(
            f"{place} cannot be opened ({error.strerror}); check the permissions."
        ) from error


def read_size_ijk(path: Path) -> tuple[int, int, int]:
    """Voxels along I, J, K of an image file that is no DICOM, by its header alone.

    Raises
    ------
    ImageReadError
        If it is not an image.
    UnsupportedVolumeError
        If it holds several volumes.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_path(path))
    try:
        with quiet_itk():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise _reading_failed(path, str(error)) from error
    size = (*reader.GetSize(), 1, 1)
    _refuse_frames(path.name, size[: reader.GetDimension()])
    return size[0], size[1], size[2]


def _read_image_file(path: Path, modality: Modality | None) -> Volume:
    notes: list[str] = []
    nifti = check_nifti(path)
    if nifti is not None and not nifti.says_where_it_lies:
        notes.append("The file does not say how the patient lay; left and right are an assumption.")
    image = _first_of_one_frame(path.name, _read_itk(path))
    voxels = _grey_values(path.name, image, notes)

    spacing_known = path.suffix.lower() not in _PICTURE_SUFFIXES
    if not spacing_known:
        # Dots per inch are those of a print, not of the body.
        image.SetSpacing([1.0] * image.GetDimension())
        notes.append(
            "A picture has no spacing: 1 mm was assumed, so do not rely on millimetres and millilitres."
        )
    if image.GetDimension() == 2:
        voxels = voxels[np.newaxis]
        ijk_to_ras = _plane_to_ras(image)
        if spacing_known:
            notes.append("The image has two dimensions: a slice thickness of 1 mm was assumed.")
    else:
        ijk_to_ras = lps_to_ijk_to_ras(image.GetOrigin(), image.GetSpacing(), image.GetDirection())

    if modality is None:
        modality = Modality.UNKNOWN
        if looks_like_hounsfield_units(voxels):
            modality = Modality.CT
            notes.append("The file does not say how it was made; its values are those of CT.")
    return Volume(
        voxels.astype(np.float32),
        ijk_to_ras,
        modality=modality,
        name=path.name,
        source=str(path),
        spacing_known=spacing_known,
        orientation_known=spacing_known and (nifti is None or nifti.says_where_it_lies),
        notes=tuple(notes),
    )


def _read_itk(path: Path) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_path(path))
    try:
        with quiet_itk():
            return reader.Execute()
    except RuntimeError as error:
        raise _reading_failed(path, str(error)) from error


def _reading_failed(path: Path, message: str) -> ImageReadError | UnsupportedVolumeError:
    if "Zero-valued spacing" in message:
        return UnsupportedVolumeError(
            f"{path.name} has voxels of spacing 0; write the true spacing into the file."
        )
    if "Unknown PixelType" in message:
        return UnsupportedVolumeError(
            f"{path.name} has pixels of a kind that is not read (grey with opacity, or the like); "
            "save it with one grey value per pixel."
        )
    if "Unable to determine ImageIO" in message:
        return ImageReadError(f"{path} is not an image that can be read; give {_KNOWN_FORMATS}.")
    return ImageReadError(f"{path} is cut short or damaged; copy or export it again.")


def _first_of_one_frame(name: str, image: sitk.Image) -> sitk.Image:
    """Take the only frame of an image that is 4-D in name, and refuse several frames."""
    if image.GetDimension() <= 3:
        return image
    _refuse_frames(name, image.GetSize())
    while image.GetDimension() > 3:
        image = image[(slice(None),) * (image.GetDimension() - 1) + (0,)]
    return image


def _refuse_frames(name: str, size: tuple[int, ...]) -> None:
    frames = size[3:]
    if any(count != 1 for count in frames):
        raise UnsupportedVolumeError(
            f"{name} is {len(size)}-D with {' x '.join(map(str, frames))} volumes in it; "
            "give one three-dimensional volume, for a series over time a single time point."
        )


def _grey_values(name: str, image: sitk.Image, notes: list[str]) -> npt.NDArray[np.generic]:
    voxels: npt.NDArray[np.generic] = sitk.GetArrayFromImage(image)
    if np.iscomplexobj(voxels):
        raise UnsupportedVolumeError(f"{name} has complex values; give its magnitude image.")
    count = image.GetNumberOfComponentsPerPixel()
    if count == 1:
        return voxels
    # The last of four channels of a picture is its opacity.
    opaque = count == 4 and bool((voxels[..., -1] == voxels[..., -1].flat[0]).all())
    grey = voxels[..., :-1] if opaque and name.lower().endswith(tuple(_PICTURE_SUFFIXES)) else voxels
    if not (grey == grey[..., :1]).all():
        what = "in colour (RGB)" if count in (3, 4) else f"4-D, with {count} values per voxel"
        raise UnsupportedVolumeError(f"{name} is {what}; give a grey-value image with one value per voxel.")
    notes.append("The colour channels are all equal; one was taken as grey.")
    return grey[..., 0]


def _plane_to_ras(image: sitk.Image) -> npt.NDArray[np.float64]:
    """Lay a two-dimensional image down as an axial slice, shown as it is stored."""
    direction = np.eye(3)
    direction[:2, :2] = np.asarray(image.GetDirection()).reshape(2, 2)
    return lps_to_ijk_to_ras((*image.GetOrigin(), 0.0), (*image.GetSpacing(), 1.0), direction)
