"""DICOM in: real files, written here with pydicom, and those that scanners wrote."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from MedSegRLib.errors import ImageReadError, SeriesChoiceError, UnsupportedVolumeError
from MedSegRLib.imaging import Modality, Plane, kji_to_ras_mm, list_series, read_volume

STORAGE = {"CT": CTImageStorage, "MR": MRImageStorage, "OT": SecondaryCaptureImageStorage}
STORED = np.random.default_rng(0).integers(0, 2000, (6, 4, 5)).astype(np.int16)
AXIAL = (1, 0, 0, 0, 1, 0)
SAGITTAL = (0, 1, 0, 0, 0, -1)


def write_slice(path, stored, **attributes):
    """Write one DICOM file; an attribute of None is left out."""
    modality = attributes.get("Modality", "CT")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = attributes.pop("SOPClassUID", STORAGE[modality])
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    item.SOPClassUID, item.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    item.PatientName, item.PatientID, item.StudyInstanceUID = "Nobody^At all", "0", "1.2.3"
    values = {
        "Modality": modality,
        "SeriesInstanceUID": "1.2.3.4",
        "SeriesNumber": 4,
        "SeriesDescription": "scan",
        "ImageOrientationPatient": list(AXIAL),
        "ImagePositionPatient": [0, 0, 0],
        "PixelSpacing": [2.0, 0.5],  # rows are 2 mm apart, columns half a millimetre
        "SliceThickness": 3.0,
        "Rows": stored.shape[-2] if stored.ndim == 2 else stored.shape[0],
        "Columns": stored.shape[-1] if stored.ndim == 2 else stored.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 8 * stored.itemsize,
        "BitsStored": 8 * stored.itemsize,
        "HighBit": 8 * stored.itemsize - 1,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        **attributes,
    }
    for name, value in values.items():
        if value is not None:
            setattr(item, name, value)
    item.PixelData = stored.tobytes()
    item.save_as(path, enforce_file_format=True)
    return path


def write_series(folder, step_mm=3.0, orientation=AXIAL, only=range(6), **attributes):
    """Write a series whose file names run against the order of its slices."""
    folder.mkdir(exist_ok=True)
    normal = np.cross(orientation[:3], orientation[3:])
    uid = attributes.get("SeriesInstanceUID", "1.2.3.4")
    for n in only:
        position = np.array([-10.0, -20.0, 30.0]) + n * step_mm * normal
        write_slice(
            folder / f"{uid}-{9 - n}.dcm",
            STORED[n],
            ImagePositionPatient=position.tolist(),
            ImageOrientationPatient=list(orientation),
            InstanceNumber=n + 1,
            **attributes,
        )
    return folder


def change(path, **attributes):
    item = pydicom.dcmread(path)
    for name, value in attributes.items():
        setattr(item, name, value)
    item.save_as(path)


@pytest.mark.parametrize(("modality", "expected"), [("CT", Modality.CT), ("MR", Modality.MR)])
def test_a_series_is_stacked_by_position_and_scaled_by_slope_and_intercept(tmp_path, modality, expected):
    folder = write_series(tmp_path / "s", Modality=modality, RescaleSlope=2, RescaleIntercept=-1024)
    volume = read_volume(folder)
    np.testing.assert_array_equal(volume.voxels, STORED * 2.0 - 1024)
    assert volume.modality is expected
    assert volume.spacing_mm == pytest.approx((0.5, 2.0, 3.0))
    assert (volume.name, volume.source, volume.notes) == ("scan", str(folder), ())
    assert kji_to_ras_mm(volume.ijk_to_ras, (0, 0, 0)) == pytest.approx((10, 20, 30))
    assert kji_to_ras_mm(volume.ijk_to_ras, (5, 3, 4)) == pytest.approx((8, 14, 45))


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, (1, 0, 0, 0, 0, -1), (0.8, 0.6, 0, -0.6, 0.8, 0)])
def test_a_series_lies_where_SimpleITK_says_it_lies(tmp_path, orientation):
    folder = write_series(tmp_path / "s", orientation=orientation)
    volume = read_volume(folder)
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    image = sitk.ReadImage(files)
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(image))
    x, y, z = image.TransformIndexToPhysicalPoint((4, 3, 5))
    assert kji_to_ras_mm(volume.ijk_to_ras, (5, 3, 4)) == pytest.approx((-x, -y, z), abs=1e-4)


def test_a_sagittally_acquired_series_says_so(tmp_path):
    volume = read_volume(write_series(tmp_path / "s", orientation=SAGITTAL))
    assert volume.acquisition_plane is Plane.SAGITTAL


def test_each_slice_is_scaled_by_its_own_slope(tmp_path):
    folder = write_series(tmp_path / "s", Modality="MR", RescaleSlope=1, RescaleIntercept=0)
    change(folder / "1.2.3.4-9.dcm", RescaleSlope=0.5, RescaleIntercept=7)
    volume = read_volume(folder)
    np.testing.assert_array_equal(volume.voxels[0], STORED[0] * 0.5 + 7)
    np.testing.assert_array_equal(volume.voxels[1:], STORED[1:])


def test_several_series_are_listed_and_one_can_be_chosen(tmp_path):
    write_series(tmp_path / "a")
    write_series(
        tmp_path / "b", SeriesInstanceUID="1.2.9", SeriesNumber=11, SeriesDescription="T1 post", only=range(3)
    )
    with pytest.raises(SeriesChoiceError) as refused:
        read_volume(tmp_path)
    assert refused.value.series == [("1.2.3.4", "scan", 6), ("1.2.9", "T1 post", 3)]
    assert (
        "holds 2 DICOM series; choose one with --series: 1.2.3.4 (scan, 6 images); 1.2.9 (T1 post, 3"
        in str(refused.value)
    )
    assert [one.uid for one in list_series(tmp_path)] == ["1.2.3.4", "1.2.9"]
    for choice in ("1.2.9", "11", "t1 POST"):
        assert read_volume(tmp_path, series=choice).shape_kji == (3, 4, 5)


def test_two_series_in_one_folder_are_told_apart(tmp_path):
    write_series(tmp_path / "s")
    write_series(tmp_path / "s", SeriesInstanceUID="1.2.9", SeriesDescription=None)
    with pytest.raises(SeriesChoiceError, match=r"1\.2\.9 \(no description, 6 images\)"):
        read_volume(tmp_path / "s")


def test_a_series_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    folder = write_series(tmp_path / "s")
    with pytest.raises(
        SeriesChoiceError, match=r"holds no series '7\.7'; choose one with --series: 1\.2\.3\.4"
    ):
        read_volume(folder, series="7.7")


def test_a_description_that_two_series_share_does_not_choose(tmp_path):
    write_series(tmp_path / "s")
    write_series(tmp_path / "s", SeriesInstanceUID="1.2.9")
    with pytest.raises(SeriesChoiceError, match="holds 2 series that are called 'scan'"):
        read_volume(tmp_path / "s", series="scan")


@pytest.mark.parametrize(
    ("only", "missing"),
    [((0, 1, 3, 4, 5), 1), ((0, 1, 4, 5), 2), ((0, 2, 3, 5), 2), ((0, 1, 3), 1), ((0, 3, 4), 2)],
)
def test_missing_slices_are_told_with_their_number_and_place(tmp_path, only, missing):
    folder = write_series(tmp_path / "s", only=only)
    sentence = (
        rf"scan has missing slices, {missing} in all, the first between 1.*dcm and 1.*dcm \(\d mm instead"
    )
    with pytest.raises(UnsupportedVolumeError, match=sentence):
        read_volume(folder)


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        (
            {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]},
            "mixed slices, of different directions: .*keep the",
        ),
        ({"PixelSpacing": [1.0, 1.0]}, "mixed slices, of different pixel spacings"),
        ({"ImagePositionPatient": [-10, -20, 40]}, "mixed slices, unevenly spaced between"),
        ({"ImagePositionPatient": [-10, -20, 33]}, "is 4-D, it has 2 or more slices at a place that another"),
        (
            {"NumberOfFrames": 2, "Rows": 2},
            "is 4-D or multi-frame, with 2 pictures in one file; export it as one",
        ),
        ({"PixelSpacing": [0, 1.0]}, "has pixels of spacing 0; write the true spacing into the file"),
    ],
)
def test_a_series_that_is_not_one_regular_stack_is_refused(tmp_path, attributes, sentence):
    folder = write_series(tmp_path / "s")
    change(folder / "1.2.3.4-6.dcm", **attributes)
    with pytest.raises(UnsupportedVolumeError, match=sentence):
        read_volume(folder)


def test_slices_of_different_sizes_are_refused_as_mixed(tmp_path):
    folder = write_series(tmp_path / "s")
    write_slice(folder / "big.dcm", np.zeros((8, 8), np.int16), ImagePositionPatient=[-10, -20, 48])
    with pytest.raises(
        UnsupportedVolumeError, match=r"different sizes \((5 x 4 and 8 x 8|8 x 8 and 5 x 4)\)"
    ):
        read_volume(folder)


def test_slices_without_a_position_are_refused(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    for n in range(3):
        write_slice(folder / f"{n}.dcm", STORED[n], ImagePositionPatient=None)
    with pytest.raises(
        UnsupportedVolumeError, match=r"do not say where they lie \(0\.dcm\); export the series"
    ):
        read_volume(folder)


def test_a_tilted_gantry_is_refused_with_its_angle(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    for n in range(4):
        shifted = [0, n * 3.0 * np.tan(np.radians(15)), n * 3.0]
        write_slice(folder / f"{n}.dcm", STORED[n], ImagePositionPatient=shifted)
    with pytest.raises(UnsupportedVolumeError, match=r"gantry tilted by 15\.0 degrees.*resample it"):
        read_volume(folder)


def test_positions_written_with_few_digits_are_still_one_stack(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    for n in range(6):
        write_slice(folder / f"{n}.dcm", STORED[n], ImagePositionPatient=[0, 0, round(n * 1.25, 1)])
    assert read_volume(folder).spacing_mm[2] == pytest.approx(1.25, abs=0.02)


def test_a_single_file_is_one_slice_as_thick_as_it_says(tmp_path):
    path = write_slice(tmp_path / "one.dcm", STORED[0], Modality="MR", ImagePositionPatient=[1, 2, 3])
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.voxels[0], STORED[0])
    assert volume.spacing_mm == pytest.approx((0.5, 2.0, 3.0)) and volume.spacing_known
    assert volume.orientation_known
    assert volume.modality is Modality.MR and volume.is_single_slice
    assert kji_to_ras_mm(volume.ijk_to_ras, (0, 0, 0)) == pytest.approx((-1, -2, 3))
    assert any("A single slice" in note for note in volume.notes)


def test_a_single_frame_without_a_spacing_says_so(tmp_path):
    unknown = dict.fromkeys(
        ("PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient")
    )
    volume = read_volume(write_slice(tmp_path / "x.dcm", STORED[0], Modality="OT", **unknown))
    assert not volume.spacing_known and not volume.orientation_known and volume.spacing_mm == (1, 1, 1)
    for words in ("No pixel spacing", "No slice thickness", "left and right are an assumption"):
        assert any(words in note for note in volume.notes)


def test_a_negative_is_turned_over(tmp_path):
    path = write_slice(tmp_path / "x.dcm", STORED[0], PhotometricInterpretation="MONOCHROME1")
    volume = read_volume(path)
    # Turned over, the sum of what was stored and what is shown is everywhere the same.
    assert np.ptp(volume.voxels[0] + STORED[0]) == 0
    assert any("turned over" in note for note in volume.notes)


def test_a_colour_picture_is_refused(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (4, 6, 3)).astype(np.uint8)
    attributes = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    path = write_slice(tmp_path / "x.dcm", colour, Modality="OT", **attributes)
    with pytest.raises(
        UnsupportedVolumeError, match=r"is in colour \(RGB\); give an image with one grey value"
    ):
        read_volume(path)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
@pytest.mark.parametrize("whole_folder", [False, True])
def test_a_truncated_file_is_told_by_name(tmp_path, part, whole_folder, capfd):
    folder = write_series(tmp_path / "s")
    path = folder / "1.2.3.4-6.dcm"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(ImageReadError, match=r"1\.2\.3\.4-6\.dcm is cut short or damaged; copy or export"):
        read_volume(folder if whole_folder else path)
    assert capfd.readouterr() == ("", "")


def test_files_of_a_study_that_hold_no_picture_are_passed_over(tmp_path):
    folder = write_series(tmp_path / "s")
    item = pydicom.dcmread(folder / "1.2.3.4-9.dcm")
    del item.PixelData, item.Rows, item.Columns
    item.file_meta.MediaStorageSOPClassUID = item.SOPClassUID = RTStructureSetStorage
    item.SeriesInstanceUID = "1.2.77"
    item.save_as(folder / "contours.dcm")
    (folder / "notes.txt").write_text("not DICOM")
    assert read_volume(folder).shape_kji == (6, 4, 5)
    with pytest.raises(
        ImageReadError, match=r"contours\.dcm is DICOM without a picture in it; give an image"
    ):
        read_volume(folder / "contours.dcm")


@pytest.mark.shared_data
def test_the_ct_of_three_slices_is_read_as_SimpleITK_reads_it(shared_data):
    folder = shared_data / "formats" / "ct_3slice_dcmqi" / "dicom"
    volume = read_volume(folder)
    image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(image))
    x, y, z = image.TransformIndexToPhysicalPoint((500, 100, 2))
    assert kji_to_ras_mm(volume.ijk_to_ras, (2, 100, 500)) == pytest.approx((-x, -y, z), abs=1e-3)
    assert volume.modality is Modality.CT and volume.voxels.min() <= -1000


@pytest.mark.shared_data
def test_the_masks_beside_the_ct_lie_on_its_grid(shared_data):
    folder = shared_data / "formats" / "ct_3slice_dcmqi"
    liver = read_volume(folder / "liver_seg.nrrd")
    scan = read_volume(folder / "dicom")
    np.testing.assert_allclose(liver.ijk_to_ras, scan.ijk_to_ras, atol=0.01)
    # The liver lies to the patient's right and is brighter than water.
    where = np.argwhere(liver.voxels > 0)
    assert kji_to_ras_mm(scan.ijk_to_ras, where).mean(axis=0)[0] > 20
    assert 20 < np.median(scan.voxels[liver.voxels > 0]) < 200


@pytest.mark.shared_data
def test_a_chest_ct_with_contours_in_its_folder_is_one_series(shared_data):
    volume = read_volume(shared_data / "formats" / "ct_lung_tumour_gtv_cerr" / "pat_4")
    assert volume.shape_kji[0] == 56 and volume.modality is Modality.CT
    assert volume.spacing_mm == pytest.approx((0.9765625, 0.9765625, 3.0))


@pytest.mark.shared_data
def test_a_study_of_a_head_lists_its_two_series(shared_data):
    study = shared_data / "formats" / "mr_fullhead_unlabelled_dicom" / "Study3"
    with pytest.raises(SeriesChoiceError, match="holds 2 DICOM series") as refused:
        read_volume(study)
    for uid, _, count in refused.value.series:
        volume = read_volume(study, series=uid)
        assert volume.shape_kji[0] == count and volume.modality is Modality.MR
        assert volume.acquisition_plane is Plane.AXIAL
