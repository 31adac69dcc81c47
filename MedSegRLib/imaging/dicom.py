"""DICOM: a folder's series, told apart, checked for completeness and stacked.

Nothing is guessed: a series whose slices differ in size or direction, lie unevenly, share a
place or leave a gap is refused in words. Each file is read by SimpleITK on its own, which
applies that file's own rescale slope and intercept.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import ImageReadError, SeriesChoiceError, UnsupportedVolumeError
from MedSegRLib.imaging.dicom_files import DicomSlice, read_header, scan_folder
from MedSegRLib.imaging.dicom_files import is_dicom as is_dicom
from MedSegRLib.imaging.geometry import LPS_TO_RAS, lps_to_ijk_to_ras
from MedSegRLib.imaging.itk import itk_path, quiet_itk
from MedSegRLib.imaging.volume import Modality, Volume

_MODALITIES = {"CT": Modality.CT, "MR": Modality.MR}
# Positions are written with few digits, often one after the point: steps may differ by this
# part of themselves, or by this length where that stays well below a slice.
_STEP_TOLERANCE = 0.05
_STEP_TOLERANCE_MM = 0.11
_DIRECTION_TOLERANCE = 1e-3


@dataclass(frozen=True)
class DicomSeries:
    """The image files of one series, in no particular order."""

    uid: str
    number: str
    description: str
    slices: tuple[DicomSlice, ...]


def list_series(folder: str | os.PathLike[str]) -> tuple[DicomSeries, ...]:
    """Find the image series of a folder and the folders in it, sorted by number and UID.

    Raises
    ------
    ImageReadError
        If there is no DICOM image, or one that is cut short.
    """
    found: dict[str, list[DicomSlice]] = {}
    for item in scan_folder(Path(folder)):
        found.setdefault(item.series_uid, []).append(item)
    series = [
        DicomSeries(uid, slices[0].series_number, slices[0].series_description, tuple(slices))
        for uid, slices in found.items()
    ]
    return tuple(sorted(series, key=lambda one: (one.number.zfill(12), one.uid)))


def read_dicom_folder(folder: Path, series: str | None = None, modality: Modality | None = None) -> Volume:
    """Read the one series of a folder, or the chosen one; see `read_volume`."""
    return _read_series(find_series(folder, series), folder, modality)


def read_dicom_files(paths: Sequence[Path], modality: Modality | None = None) -> Volume:
    """Read the files of one series, given in any order, and nothing else of their folders.

    Raises
    ------
    ImageReadError
        If one is not there, holds no image or is damaged, or they are not of one series.
    UnsupportedVolumeError
        If they are no stack that can be asked about; see `read_volume`.
    """
    slices = []
    for path in paths:
        try:
            item = read_header(path) if is_dicom(path) else None
        except OSError as error:
            raise ImageReadError(f"{path} cannot be opened ({error.strerror}); check the path.") from error
        if item is None:
            raise ImageReadError(f"{path} is no DICOM image (any more); list the studies again.")
        slices.append(item)
    first = slices[0]
    if any(item.series_uid != first.series_uid for item in slices):
        raise ImageReadError(f"{first.path} and files with it are of several series; list the studies again.")
    series = DicomSeries(first.series_uid, first.series_number, first.series_description, tuple(slices))
    return _read_series(series, Path(os.path.commonpath([path.parent for path in paths])), modality)


def _read_series(chosen: DicomSeries, folder: Path, modality: Modality | None) -> Volume:
    name = chosen.description or folder.name
    if len(chosen.slices) == 1:
        return _read_single(chosen.slices[0], name, str(folder), modality)
    slices, step_lps_mm = stacked(name, chosen.slices)
    voxels = np.stack([_read_pixels(item) for item in slices])
    first = slices[0]
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, 0] = first.row_direction * first.spacing_mm[0]
    ijk_to_ras[:3, 1] = first.column_direction * first.spacing_mm[1]
    ijk_to_ras[:3, 2] = step_lps_mm
    ijk_to_ras[:3, 3] = first.position_lps_mm
    return _volume(
        voxels, LPS_TO_RAS @ ijk_to_ras, slices, name, str(folder), modality, first.spacing_known, ()
    )


def read_dicom_file(path: Path, modality: Modality | None = None) -> Volume:
    """Read one DICOM file as a volume of one slice; see `read_volume`."""
    item = read_header(path)
    if item is None:
        raise ImageReadError(f"{path} is DICOM without a picture in it; give an image or a series folder.")
    return _read_single(item, path.name, str(path), modality)


def _read_single(item: DicomSlice, name: str, source: str, modality: Modality | None) -> Volume:
    refuse_other_than_one_grey_frame(item)
    voxels = _read_pixels(item)[np.newaxis]
    notes = ["A single slice: nothing is known of what lies above and below it."]
    direction = np.eye(3)
    position: npt.NDArray[np.float64] = np.zeros(3)
    if item.has_position:
        direction = np.stack([item.row_direction, item.column_direction, item.normal], axis=1)
        position = item.position_lps_mm
    else:
        notes.append("The file does not say how the patient lay; left and right are an assumption.")
    thickness_mm = item.thickness_mm
    if thickness_mm is None:
        thickness_mm = 1.0
        notes.append("No slice thickness is given: 1 mm was assumed, so do not rely on millilitres.")
    ijk_to_ras = lps_to_ijk_to_ras(position, (*item.spacing_mm, thickness_mm), direction)
    spacing_known = item.spacing_known
    volume = _volume(voxels, ijk_to_ras, [item], name, source, modality, spacing_known, tuple(notes))
    return replace(volume, orientation_known=item.has_position)


def _volume(
    voxels: npt.NDArray[np.float32],
    ijk_to_ras: npt.NDArray[np.float64],
    slices: list[DicomSlice],
    name: str,
    source: str,
    modality: Modality | None,
    spacing_known: bool,
    notes: tuple[str, ...],
) -> Volume:
    if not spacing_known:
        notes += ("No pixel spacing is given: 1 mm was assumed, so do not rely on millimetres.",)
    if slices[0].photometric == "MONOCHROME1":
        # In such files low means bright; SimpleITK turns them over, so only the note is due.
        notes += ("The picture is stored as a negative and was turned over.",)
    return Volume(
        voxels,
        ijk_to_ras,
        modality=modality or _MODALITIES.get(slices[0].modality, Modality.UNKNOWN),
        name=name,
        source=source,
        spacing_known=spacing_known,
        notes=notes,
    )


def find_series(folder: str | os.PathLike[str], series: str | None = None) -> DicomSeries:
    """Find the one series of a folder, or the chosen one; see `read_volume`."""
    return _choose(Path(folder), list_series(folder), series)


def _choose(folder: Path, found: tuple[DicomSeries, ...], wanted: str | None) -> DicomSeries:
    if not found:
        raise ImageReadError(f"There is no DICOM image in {folder}; give a folder with one or an image.")
    listed = [(one.uid, one.description, len(one.slices)) for one in found]
    lines = "; ".join(
        f"{one.uid} ({one.description or 'no description'}, {len(one.slices)} images)" for one in found
    )
    if wanted is None:
        if len(found) == 1:
            return found[0]
        raise SeriesChoiceError(
            f"{folder} holds {len(found)} DICOM series; choose one with --series: {lines}.", listed
        )
    same_uid = [one for one in found if one.uid == wanted]
    same_word = [one for one in found if wanted.strip().lower() in (one.number, one.description.lower())]
    matches = same_uid or same_word
    if len(matches) != 1:
        how_many = "no series" if not matches else f"{len(matches)} series that are called"
        raise SeriesChoiceError(
            f"{folder} holds {how_many} '{wanted}'; choose one with --series: {lines}.", listed
        )
    return matches[0]


def refuse_other_than_one_grey_frame(item: DicomSlice) -> None:
    """Refuse a file that holds several pictures, or one in colour."""
    name = item.path.name
    if item.frames > 1:
        raise UnsupportedVolumeError(
            f"{name} is 4-D or multi-frame, with {item.frames} pictures in one file; "
            "export it as one file per slice, or convert it to NIfTI, and try again."
        )
    if item.samples > 1:
        raise UnsupportedVolumeError(
            f"{name} is in colour (RGB); give an image with one grey value per voxel."
        )


def stacked(name: str, unordered: Sequence[DicomSlice]) -> tuple[list[DicomSlice], npt.NDArray[np.float64]]:
    """Sort two or more slices along their normal, and find the step from one to the next in LPS mm.

    Raises
    ------
    UnsupportedVolumeError
        If they are not one regular stack of grey slices; the sentence calls it by `name`.
    """
    for item in unordered:
        refuse_other_than_one_grey_frame(item)
        if not item.has_position:
            raise UnsupportedVolumeError(
                f"{name} has slices that do not say where they lie ({item.path.name}); "
                "export the series again, or ask about a single file."
            )
    first = unordered[0]
    for item in unordered[1:]:
        _refuse_mixed(name, first, item)
    slices = sorted(unordered, key=lambda item: float(item.position_lps_mm @ first.normal))
    positions = np.array([item.position_lps_mm for item in slices])
    steps_mm = np.diff(positions @ first.normal)
    _refuse_uneven(name, slices, steps_mm)
    step_lps_mm = (positions[-1] - positions[0]) / (len(slices) - 1)
    sideways_mm = np.linalg.norm(step_lps_mm - (step_lps_mm @ first.normal) * first.normal)
    if sideways_mm > 0.01 * np.linalg.norm(step_lps_mm):
        degrees = np.degrees(np.arctan2(sideways_mm, step_lps_mm @ first.normal))
        raise UnsupportedVolumeError(
            f"{name} was taken with a gantry tilted by {degrees:.1f} degrees, which shifts its slices "
            "against each other; resample it onto a straight grid (dcm2niix does) and try again."
        )
    return slices, step_lps_mm


def _refuse_mixed(name: str, first: DicomSlice, item: DicomSlice) -> None:
    differs = None
    if (item.rows, item.columns) != (first.rows, first.columns):
        differs = f"sizes ({first.columns} x {first.rows} and {item.columns} x {item.rows})"
    elif not np.allclose(item.orientation, first.orientation, atol=_DIRECTION_TOLERANCE):
        differs = "directions"
    elif not np.allclose(item.spacing_mm, first.spacing_mm, rtol=1e-3):
        differs = "pixel spacings"
    if differs is not None:
        raise UnsupportedVolumeError(
            f"{name} has mixed slices, of different {differs}: {first.path.name} and {item.path.name}; "
            "keep the files of one kind in a folder of their own."
        )


def _refuse_uneven(name: str, slices: list[DicomSlice], steps_mm: npt.NDArray[np.float64]) -> None:
    usual_mm = _usual_step_mm(steps_mm)
    same_place = int(np.count_nonzero(steps_mm < 0.01))
    if same_place:
        raise UnsupportedVolumeError(
            f"{name} is 4-D, it has {same_place + 1} or more slices at a place that another slice has "
            "(times, echoes or copies); keep one of each in a folder of its own."
        )
    wrong = np.flatnonzero(np.abs(steps_mm - usual_mm) > _step_tolerance_mm(usual_mm))
    if not wrong.size:
        return
    at = int(wrong[0])
    between = f"between {slices[at].path.name} and {slices[at + 1].path.name}"
    if steps_mm[at] > 1.5 * usual_mm:
        missing = sum(round(float(steps_mm[n]) / usual_mm) - 1 for n in wrong)
        raise UnsupportedVolumeError(
            f"{name} has missing slices, {missing} in all, the first {between} "
            f"({steps_mm[at]:g} mm instead of {usual_mm:g} mm); export the whole series again."
        )
    raise UnsupportedVolumeError(
        f"{name} has mixed slices, unevenly spaced {between} ({steps_mm[at]:g} mm, not {usual_mm:g} mm); "
        "resample it to an even spacing, or keep the files of one kind in a folder of their own."
    )


def _usual_step_mm(steps_mm: npt.NDArray[np.float64]) -> float:
    """Find the step of a series that may have gaps.

    Where every step is a multiple of the shortest, that one: so it is found even if most
    slices are missing. Otherwise the median.
    """
    shortest_mm = float(steps_mm.min())
    if shortest_mm > 0.01:
        off_mm = np.abs(steps_mm - np.round(steps_mm / shortest_mm) * shortest_mm)
        if bool((off_mm <= _step_tolerance_mm(shortest_mm)).all()) and steps_mm.max() > 1.5 * shortest_mm:
            return shortest_mm
    return float(np.median(steps_mm))


def _step_tolerance_mm(step_mm: float) -> float:
    return max(_STEP_TOLERANCE * step_mm, min(_STEP_TOLERANCE_MM, 0.25 * step_mm))


def _read_pixels(item: DicomSlice) -> npt.NDArray[np.float32]:
    try:
        with quiet_itk():
            image = sitk.ReadImage(itk_path(item.path), sitk.sitkFloat32, "GDCMImageIO")
    except RuntimeError as error:
        raise ImageReadError(f"{item.path} is cut short or damaged; copy or export it again.") from error
    voxels: npt.NDArray[np.float32] = sitk.GetArrayFromImage(image)
    return voxels.reshape(item.rows, item.columns)
