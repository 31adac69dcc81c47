"""Files in: every format that is read, and every file that is refused, by its sentence."""

from __future__ import annotations

import gzip
import os
import struct

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from MedSegRLib.errors import ImageReadError, OutputError, SeriesChoiceError, UnsupportedVolumeError
from MedSegRLib.imaging import (
    Modality,
    Plane,
    SliceStack,
    Volume,
    read_segmentation,
    read_volume,
    write_segmentation,
    write_volume,
)

VOXELS = np.random.default_rng(0).normal(100, 20, (5, 6, 7)).astype(np.float32)


def save(path, voxels=VOXELS, is_vector=False, compress=False):
    image = sitk.GetImageFromArray(voxels, isVector=is_vector)
    image.SetSpacing([0.5, 2.0, 3.0, 1.0][: image.GetDimension()])
    sitk.WriteImage(image, str(path), useCompression=compress)
    return path


def cut(path, part=0.6):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    return path


@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".nii.gz", ".mha"])
@pytest.mark.parametrize("number", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_every_format_and_number_type_is_read_as_SimpleITK_reads_it(tmp_path, suffix, number):
    path = save(tmp_path / f"scan{suffix}", VOXELS.astype(number), compress=True)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.voxels, VOXELS.astype(number).astype(np.float32))
    assert volume.spacing_mm == pytest.approx((0.5, 2.0, 3.0))
    assert (volume.name, volume.source) == (path.name, str(path))
    assert volume.spacing_known and volume.modality is Modality.UNKNOWN


def test_a_path_may_be_text(tmp_path):
    assert read_volume(str(save(tmp_path / "scan.nrrd"))).shape_kji == (5, 6, 7)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ImageReadError, match=r"There is no file or folder .*scan\.nii; check the path"):
        read_volume(tmp_path / "scan.nii")


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png"])
def test_dots_per_inch_of_a_picture_are_no_spacing(tmp_path, name):
    picture = Image.fromarray(VOXELS[0].clip(0, 255).astype(np.uint8))
    picture.save(tmp_path / name, dpi=(72, 72))
    volume = read_volume(tmp_path / name)
    assert volume.spacing_mm == (1.0, 1.0, 1.0) and not volume.spacing_known
    assert "no spacing" in volume.notes[0]


def test_a_picture_of_several_pages_has_no_spacing_either(tmp_path):
    pages = [Image.fromarray(page.clip(0, 255).astype(np.uint8)) for page in VOXELS]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    volume = read_volume(tmp_path / "a.tif")
    assert volume.shape_kji == VOXELS.shape and not volume.spacing_known


def test_a_name_that_the_system_refuses_is_told_as_missing(tmp_path):
    with pytest.raises(ImageReadError, match=r"There is no file or folder .*; check the path"):
        read_volume(tmp_path / ("a" * 400 + ".nii"))


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.nrrd", "scan.mha", "a.txt", "a.png", "a"])
@pytest.mark.parametrize("content", [b"", b"no image, but words " * 50], ids=["empty", "words"])
def test_a_file_that_is_no_image_is_told(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageReadError, match=r"is not an image that can be read; give NRRD, NIfTI|cut short"):
        read_volume(tmp_path / name)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_truncated_file_is_told_whatever_the_reader_thinks_of_it(tmp_path, suffix, compress):
    path = cut(save(tmp_path / f"scan{suffix}", compress=compress))
    with pytest.raises(
        ImageReadError, match=f"scan{suffix} is cut short or damaged; copy or export it again"
    ):
        read_volume(path)


def test_a_nifti_file_that_lacks_only_its_last_byte_is_told(tmp_path):
    path = save(tmp_path / "scan.nii")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ImageReadError, match="is cut short or damaged"):
        read_volume(path)


def test_a_nifti_file_whose_compressed_bytes_are_damaged_is_told(tmp_path):
    path = save(tmp_path / "scan.nii.gz")
    damaged = bytearray(path.read_bytes())
    damaged[-8] ^= 0xFF  # in the checksum
    path.write_bytes(damaged)
    with pytest.raises(ImageReadError, match="is cut short or damaged"):
        read_volume(path)


def test_a_truncated_picture_is_told(tmp_path):
    path = cut(save(tmp_path / "a.png", (VOXELS[0] % 256).astype(np.uint8)))
    with pytest.raises(ImageReadError, match=r"a\.png is cut short or damaged"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha"])
def test_several_volumes_in_one_file_are_refused_as_4d(tmp_path, suffix):
    path = tmp_path / f"series{suffix}"
    image = sitk.GetImageFromArray(VOXELS)
    sitk.WriteImage(sitk.JoinSeries([image, image, image]), str(path))
    with pytest.raises(
        UnsupportedVolumeError, match="is 4-D with 3 volumes in it; give one three-dimensional"
    ):
        read_volume(path)


def test_a_list_of_volumes_in_a_nrrd_file_is_refused_as_4d(tmp_path):
    path = save(tmp_path / "list.nrrd", np.stack([VOXELS + n for n in range(5)], axis=-1), is_vector=True)
    with pytest.raises(UnsupportedVolumeError, match="is 4-D, with 5 values per voxel; give a grey-value"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nii", ".mha"])
def test_a_4d_file_with_one_frame_is_a_volume(tmp_path, suffix):
    path = tmp_path / f"one{suffix}"
    image = sitk.GetImageFromArray(VOXELS)
    image.SetSpacing((0.5, 2.0, 3.0))
    sitk.WriteImage(sitk.JoinSeries([image]), str(path))
    if suffix == ".nii":
        # The NIfTI writer leaves a last axis of one out of the header; scanners' exports do not.
        header = bytearray(path.read_bytes())
        struct.pack_into("<8h", header, 40, 4, 7, 6, 5, 1, 1, 1, 1)
        path.write_bytes(header)
    volume = read_volume(path)
    np.testing.assert_array_equal(volume.voxels, VOXELS)
    assert volume.spacing_mm == pytest.approx((0.5, 2.0, 3.0))


@pytest.mark.parametrize("name", ["colour.png", "colour.nrrd", "colour.mha", "colour.nii"])
def test_true_colour_is_refused(tmp_path, name):
    voxels = np.random.default_rng(0).integers(0, 255, (6, 7, 3) if name.endswith("png") else (5, 6, 7, 3))
    path = save(tmp_path / name, voxels.astype(np.uint8), is_vector=True)
    with pytest.raises(UnsupportedVolumeError, match=r"is in colour \(RGB\); give a grey-value image"):
        read_volume(path)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_whose_colour_channels_are_equal_is_grey(tmp_path, channels):
    grey = np.random.default_rng(0).integers(0, 255, (6, 7)).astype(np.uint8)
    voxels = np.stack([grey] * channels, axis=-1)
    if channels == 4:
        voxels[..., -1] = 255
    volume = read_volume(save(tmp_path / "grey.png", voxels, is_vector=True))
    np.testing.assert_array_equal(volume.voxels, grey[np.newaxis])
    assert any("colour channels are all equal" in note for note in volume.notes)


def test_a_picture_that_is_partly_transparent_is_refused(tmp_path):
    voxels = np.random.default_rng(0).integers(0, 255, (6, 7, 2)).astype(np.uint8)
    with pytest.raises(
        UnsupportedVolumeError, match=r"grey with opacity.*; save it with one grey value per pixel"
    ):
        read_volume(save(tmp_path / "grey.png", voxels, is_vector=True))


def test_a_picture_is_one_axial_slice_shown_as_it_is_stored_and_its_spacing_is_not_known(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (6, 7)).astype(np.uint8)
    volume = read_volume(save(tmp_path / "a.png", picture))
    assert volume.is_single_slice and not volume.spacing_known
    assert any("1 mm was assumed" in note for note in volume.notes)
    assert volume.acquisition_plane is Plane.AXIAL
    np.testing.assert_array_equal(SliceStack.of(volume, Plane.AXIAL).voxels[0], picture)


def test_a_two_dimensional_medical_image_keeps_its_spacing_in_plane(tmp_path):
    volume = read_volume(save(tmp_path / "slice.nrrd", VOXELS[0]))
    assert volume.shape_kji == (1, 6, 7) and volume.spacing_known
    assert volume.spacing_mm == (0.5, 2.0, 1.0)
    assert any("slice thickness of 1 mm was assumed" in note for note in volume.notes)


@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".mha"])
@pytest.mark.parametrize(
    ("voxels", "sentence"),
    [
        (np.where(VOXELS[1, 2, 3] == VOXELS, np.nan, VOXELS), "has 1 voxels that are not finite numbers"),
        (np.full((5, 6, 7), 3.0), "is constant, every voxel is 3"),
        (np.ones((1, 1, 1)), "has a single voxel"),
    ],
    ids=["NaN", "constant", "one voxel"],
)
def test_voxels_that_say_nothing_are_refused(tmp_path, suffix, voxels, sentence):
    path = save(tmp_path / f"scan{suffix}", voxels.astype(np.float32))
    with pytest.raises(UnsupportedVolumeError, match=f"scan{suffix} {sentence}"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nrrd", ".nii", ".nii.gz", ".mha"])
def test_a_spacing_of_0_is_refused(tmp_path, suffix):
    path = save(tmp_path / ("scan.nii" if suffix == ".nii.gz" else f"scan{suffix}"))
    content = path.read_bytes()
    if suffix == ".nrrd":
        content = content.replace(b"(0,2,0)", b"(0,0,0)")
    elif suffix == ".mha":
        content = content.replace(b"ElementSpacing = 0.5 2 3", b"ElementSpacing = 0.5 0 3")
    else:
        content = content[:84] + struct.pack("<f", 0.0) + content[88:]
    assert content != path.read_bytes()
    path.write_bytes(content)
    if suffix == ".nii.gz":
        path = tmp_path / "scan.nii.gz"
        path.write_bytes(gzip.compress(content))
    with pytest.raises(UnsupportedVolumeError, match=r"has voxels of spacing 0.*write the true spacing"):
        read_volume(path)


def test_a_nifti_file_that_does_not_say_how_the_patient_lay_is_noted(tmp_path):
    path = save(tmp_path / "scan.nii")
    assert read_volume(path).notes == ()
    header = bytearray(path.read_bytes())
    struct.pack_into("<2h", header, 252, 0, 0)
    path.write_bytes(header)
    assert any("left and right are an assumption" in note for note in read_volume(path).notes)
    assert not read_volume(path).orientation_known


def test_big_endian_and_version_2_nifti_files_are_measured_too(tmp_path):
    path = save(tmp_path / "scan.nii")
    little = path.read_bytes()
    version2 = bytearray(544)
    struct.pack_into("<i8s2h8q", version2, 0, 540, b"n+2\0\r\n\x1a\n", 16, 32, 3, 7, 6, 5, 1, 1, 1, 1)
    struct.pack_into("<8d", version2, 104, 1, 0.5, 2, 3, 1, 1, 1, 1)
    struct.pack_into("<q", version2, 168, 544)
    struct.pack_into("<2d", version2, 176, 1, 0)
    path.write_bytes(bytes(version2) + little[352:-4])
    with pytest.raises(ImageReadError, match="is cut short or damaged"):
        read_volume(path)
    big = bytearray(little[:352])
    struct.pack_into(">i", big, 0, 348)
    struct.pack_into(">8h", big, 40, 3, 7, 6, 5, 1, 1, 1, 1)
    struct.pack_into(">2h", big, 70, 16, 32)
    struct.pack_into(">8f", big, 76, 1, 0.5, 2, 3, 1, 1, 1, 1)
    struct.pack_into(">f", big, 108, 352)
    path.write_bytes(bytes(big) + little[352:-4])
    with pytest.raises(ImageReadError, match="is cut short or damaged"):
        read_volume(path)


def test_values_that_can_only_be_Hounsfield_units_make_a_CT(tmp_path):
    voxels = np.full((5, 6, 7), -1000.0, dtype=np.float32)
    voxels[1:4, 2:5, 2:5] = 40.0
    volume = read_volume(save(tmp_path / "scan.nii.gz", voxels))
    assert volume.modality is Modality.CT
    assert any("its values are those of CT" in note for note in volume.notes)
    assert read_volume(tmp_path / "scan.nii.gz", modality=Modality.MR).modality is Modality.MR


def test_a_series_of_a_single_file_cannot_be_chosen(tmp_path):
    with pytest.raises(
        SeriesChoiceError, match="is a single file, only a folder has series; leave --series out"
    ):
        read_volume(save(tmp_path / "scan.nrrd"), series="1.2.3")


def test_a_folder_without_DICOM_is_told(tmp_path):
    save(tmp_path / "scan.nrrd")
    with pytest.raises(ImageReadError, match=r"There is no DICOM image in .*; give a folder with one"):
        read_volume(tmp_path)


@pytest.mark.parametrize("name", ["scan.mha", "scan.nii", "scan.nrrd", "a.png"])
def test_the_libraries_below_say_nothing_to_the_user(tmp_path, name, capfd):
    voxels = (VOXELS[0] % 256).astype(np.uint8) if name == "a.png" else VOXELS
    path = cut(save(tmp_path / name, voxels))
    capfd.readouterr()
    with pytest.raises(ImageReadError):
        read_volume(path)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    # And the error stream is given back afterwards.
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"


def test_a_name_that_is_no_text_is_refused_and_does_not_end_the_process(tmp_path):
    path = tmp_path / os.fsdecode(b"gr\xfc\xdfe.nrrd")
    save(tmp_path / "scan.nrrd").rename(path)
    volume = Volume(VOXELS, np.eye(4))
    for refused, call in (
        (ImageReadError, lambda: read_volume(path)),
        (ImageReadError, lambda: read_segmentation(path)),
        (OutputError, lambda: write_volume(path, volume)),
        (OutputError, lambda: write_segmentation(path.with_suffix(".nii"), [], volume)),
    ):
        with pytest.raises(refused, match=r"has a name that is not valid UTF-8; rename") as raised:
            call()
        assert str(raised.value).encode() and os.listdir(tmp_path) == [path.name]
