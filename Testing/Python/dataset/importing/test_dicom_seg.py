"""DICOM SEG, made by highdicom and by dcmqi, on the series that it names."""

from __future__ import annotations

import highdicom as hd
import numpy as np
import pytest
import SimpleITK as sitk
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.importing.about import About
from MedSegRLib.dataset.importing.dicom_seg import SEG
from MedSegRLib.dataset.importing.dicom_source import read_dicom
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import read_volume

ABOUT = About("abdomen", split="train")
KIDNEY = CodedConcept("64033007", "SCT", "Kidney")


@pytest.fixture
def write_seg(tmp_path):
    """Write a SEG on a series: one mask [slice, row, column] for each (label, type), side in words."""

    def write(slices, masks, kinds, name="a.dcm", fractional=False):
        described = [
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=label,
                segmented_property_category=codes.SCT.Organ,
                segmented_property_type=kind,
                algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
            )
            for number, (label, kind) in enumerate(kinds, 1)
        ]
        segmentation = hd.seg.Segmentation(
            source_images=slices,
            pixel_array=np.stack(masks, axis=-1),
            segmentation_type="FRACTIONAL" if fractional else "BINARY",
            segment_descriptions=described,
            series_instance_uid=generate_uid(),
            series_number=2,
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer="nobody",
            manufacturer_model_name="none",
            software_versions="0",
            device_serial_number="0",
        )
        (tmp_path / "segs").mkdir(exist_ok=True)
        segmentation.save_as(tmp_path / "segs" / name)
        return segmentation

    return write


@pytest.fixture
def read(tmp_path, table):
    def run(images="series", said=(), about=ABOUT):
        (tmp_path / "labels").mkdir(exist_ok=True)
        segs, labels = tmp_path / "segs", tmp_path / "labels"
        return list(read_dicom(SEG, tmp_path / images, segs, said, about, table, labels))

    return run


def some(*places: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros((4, 8, 10), np.uint8)
    for place in places:
        mask[place] = 1
    return mask


def array_of(label) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(label.file))) == label.value


def test_segments_come_onto_the_grid_of_the_series_also_where_only_one_slice_is_stored(
    series, write_seg, read, tmp_path
):
    # highdicom leaves slices out on which nothing is drawn.
    liver, left = some((2, 3, 4), (2, 3, 5)), some((2, 3, 5))
    write_seg(series(), [liver, left], [("Liver", codes.SCT.Liver), ("left kidney", KIDNEY)])
    (source,) = read()
    assert [(one.name, one.structure, one.side) for one in source.labels] == [
        ("Liver", "liver", Side.NONE), ("left kidney", "kidney", Side.LEFT),
    ]  # fmt: skip
    assert [
        (array_of(one) == mask).all() for one, mask in zip(source.labels, (liver, left), strict=True)
    ] == [True] * 2
    image = sitk.ReadImage(str(source.labels[0].file))
    assert image.TransformIndexToPhysicalPoint((4, 3, 2)) == pytest.approx((-1.0, 17.0, -3.0))
    assert (source.image, source.modality, source.split) == (tmp_path / "series", "CT", "train")


def test_a_type_says_what_a_label_does_not(series, write_seg, read):
    write_seg(series(), [some((0, 0, 0))], [("organ at risk", codes.SCT.Liver)])
    assert read()[0].labels[0].structure == "liver"


def test_a_fractional_segment_is_what_is_at_least_half(series, write_seg, read):
    shares = some().astype(np.float64)
    shares[1, 1, 1], shares[1, 1, 2], shares[1, 1, 3] = 0.4, 0.6, 1.0
    write_seg(series(), [shares], [("liver", codes.SCT.Liver)], fractional=True)
    assert (array_of(read()[0].labels[0]) == some((1, 1, 2), (1, 1, 3))).all()


def test_the_patient_is_a_pseudonym_that_stays_the_same(series, write_seg, read):
    slices = series()
    for name in ("a.dcm", "b.dcm"):
        write_seg(slices, [some((0, 0, 0))], [("liver", codes.SCT.Liver)], name)
    one, other = read()
    assert one.patient == other.patient and one.study != other.study
    assert "secret-17" not in str((one, other)) and "Doe" not in str((one, other))


def test_one_series_among_others_is_written_as_a_file_of_its_own(series, write_seg, read, tmp_path):
    write_seg(series(uid="1.2.3"), [some((0, 0, 0))], [("liver", codes.SCT.Liver)])
    series(uid="1.2.4")
    (source,) = read()
    assert source.image.parent == tmp_path / "images"
    assert source.image.name.endswith(".nii.gz")
    written = read_volume(source.image)
    assert (written.voxels == read_volume(tmp_path / "series", series="1.2.3").voxels).all()


def test_a_series_that_is_not_there_is_told(series, write_seg, read):
    write_seg(series(uid="1.2.3"), [some((0, 0, 0))], [("liver", codes.SCT.Liver)])
    series(folder="others", uid="1.2.4")
    with pytest.raises(
        DatasetError, match=r"a\.dcm was drawn on the series 1\.2\.3, which .*others does not hold"
    ):
        read("others")


def test_a_segment_without_a_name_is_refused(series, write_seg, read):
    write_seg(series(), [some((0, 0, 0))], [("Segment_1", CodedConcept("1", "99X", "1"))])
    with pytest.raises(DatasetError, match=r"a\.dcm has a segment without a name \('Segment_1'\)"):
        read()


def test_an_empty_segment_is_refused(series, write_seg, read):
    write_seg(series(), [some((0, 0, 0)), some()], [("liver", codes.SCT.Liver), ("spleen", codes.SCT.Spleen)])
    with pytest.raises(DatasetError, match="The mask 'spleen' is empty; draw it or remove it"):
        read()


def test_a_seg_on_another_grid_than_its_series_is_refused(series, write_seg, read, tmp_path):
    segmentation = write_seg(series(), [some((0, 0, 0))], [("liver", codes.SCT.Liver)])
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    shared.PixelMeasuresSequence[0].PixelSpacing = [1.0, 1.0]
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        frame.PlanePositionSequence[0].ImagePositionPatient = [-6.2, 11.0, -9.0]
    segmentation.save_as(tmp_path / "segs" / "a.dcm")
    with pytest.raises(DatasetError, match=r"a\.dcm, 'liver' is not on the grid of its scan"):
        read()


def test_a_file_without_what_the_standard_asks_for_is_told(series, write_seg, read, tmp_path):
    segmentation = write_seg(series(), [some((0, 0, 0))], [("liver", codes.SCT.Liver)])
    del segmentation.SegmentSequence
    segmentation.save_as(tmp_path / "segs" / "a.dcm")
    with pytest.raises(DatasetError, match=r"a\.dcm is no DICOM SEG that can be read .*; export it again"):
        read()


def test_a_seg_without_a_patient_is_refused_unless_its_name_holds_one(series, write_seg, read, tmp_path):
    segmentation = write_seg(series(), [some((0, 0, 0))], [("liver", codes.SCT.Liver)])
    segmentation.PatientID = ""
    segmentation.save_as(tmp_path / "segs" / "a.dcm")
    with pytest.raises(DatasetError, match=r"a\.dcm has no PatientID; say with a pattern how its name"):
        read()
    assert read(about=About("abdomen", patient_pattern="(.+)"))[0].patient == "a"


def test_a_folder_without_seg_is_told(series, read, tmp_path):
    series()
    (tmp_path / "segs").mkdir()
    (tmp_path / "segs" / "notes.txt").write_text("no DICOM")
    with pytest.raises(DatasetError, match="segs holds no DICOM SEG; check the path"):
        read()


def test_dcmqis_liver_is_the_mask_that_it_was_made_of(shared_data, table, tmp_path):
    folder = shared_data / "formats" / "ct_3slice_dcmqi"
    found = read_dicom(SEG, folder / "dicom", folder / "liver_dicom_seg.dcm", (), ABOUT, table, tmp_path)
    (source,) = found
    expected = sitk.ReadImage(str(folder / "liver_seg.nrrd"))
    written = sitk.ReadImage(str(source.labels[0].file))
    assert (sitk.GetArrayFromImage(written) == sitk.GetArrayFromImage(expected)).all()
    assert written.GetOrigin() == pytest.approx(expected.GetOrigin(), abs=1e-4)
    assert source.labels[0].structure == "liver" and source.image == folder / "dicom"
