"""RTSTRUCT: contours to masks on the grid of their series, checked by hand and by areas."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from MedSegRLib.dataset.importing.about import About
from MedSegRLib.dataset.importing.dicom_source import read_dicom
from MedSegRLib.dataset.importing.label_table import LabelName
from MedSegRLib.dataset.importing.rtstruct import RTSTRUCT
from MedSegRLib.errors import DatasetError

ABOUT = About("abdomen")


def box(rows: tuple[float, float], columns: tuple[float, float], n: float) -> list[float]:
    """A rectangle on slice n of the series of the tests, corners in pixels, as LPS millimetres."""
    corners = [(rows[a], columns[b]) for a, b in ((0, 0), (0, 1), (1, 1), (1, 0))]
    return [v for row, column in corners for v in (-7 + 1.5 * column, 11 + 2.0 * row, -9 + 3.0 * n)]


@pytest.fixture
def write(tmp_path, series):
    """Write an RTSTRUCT: name -> contours, each its points, or a type and its points."""

    def make(structures: dict, uid: str | None = None) -> FileDataset:
        slices = series()
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = RTStructureSetStorage, ExplicitVRLittleEndian
        meta.MediaStorageSOPInstanceUID = generate_uid()
        item = FileDataset("rt.dcm", {}, file_meta=meta, preamble=b"\0" * 128)
        item.SOPClassUID, item.SOPInstanceUID = RTStructureSetStorage, meta.MediaStorageSOPInstanceUID
        item.Modality, item.PatientID = "RTSTRUCT", "secret-17"
        referred, study, frame = Dataset(), Dataset(), Dataset()
        referred.SeriesInstanceUID = uid or slices[0].SeriesInstanceUID
        study.RTReferencedSeriesSequence = [referred]
        frame.RTReferencedStudySequence = [study]
        item.ReferencedFrameOfReferenceSequence = [frame]
        item.StructureSetROISequence, item.ROIContourSequence = [], []
        for number, (name, contours) in enumerate(structures.items(), 1):
            roi, drawn = Dataset(), Dataset()
            roi.ROINumber, roi.ROIName = number, name
            drawn.ReferencedROINumber, drawn.ContourSequence = number, []
            for contour in contours:
                kind, points = contour if isinstance(contour, tuple) else ("CLOSED_PLANAR", contour)
                one = Dataset()
                one.ContourGeometricType, one.ContourData = kind, points
                one.NumberOfContourPoints = len(points) // 3
                drawn.ContourSequence.append(one)
            item.StructureSetROISequence.append(roi)
            item.ROIContourSequence.append(drawn)
        item.save_as(tmp_path / "rt.dcm", enforce_file_format=True)
        return item

    return make


@pytest.fixture
def read(tmp_path, table):
    def run(said=()):
        (tmp_path / "labels").mkdir(exist_ok=True)
        found = read_dicom(
            RTSTRUCT, tmp_path / "series", tmp_path / "rt.dcm", said, ABOUT, table, tmp_path / "labels"
        )
        (source,) = found
        return source

    return run


def array_of(label) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(label.file))) == label.value


def test_pixels_whose_centre_is_inside_are_filled_and_a_contour_within_is_a_hole(write, read):
    outer, hole, other = (
        box((0.5, 4.5), (1.5, 5.5), 1),
        box((1.5, 3.5), (2.5, 4.5), 1),
        box((5, 6.4), (6.6, 8.2), 3),
    )
    write({"Liver": [outer, hole, other]})
    expected = np.zeros((4, 8, 10), bool)
    expected[1, 1:5, 2:6] = True
    expected[1, 2:4, 3:5] = False
    expected[3, 5:7, 7:9] = True
    source = read()
    assert (array_of(source.labels[0]) == expected).all()
    assert (source.labels[0].structure, source.modality) == ("liver", "CT")
    assert "secret-17" not in str(source)


def test_structures_that_overlap_are_both_kept(write, read):
    write({"liver": [box((0.5, 4.5), (1.5, 5.5), 1)], "aorta": [box((0.5, 2.5), (1.5, 3.5), 1)]})
    liver, aorta = read().labels
    assert (array_of(liver).sum(), array_of(aorta).sum()) == (16, 4)


def test_points_are_no_structure(write, read):
    write({"isocentre": [("POINT", [0.0, 15.0, -6.0])], "liver": [box((0.5, 4.5), (1.5, 5.5), 1)]})
    assert [label.name for label in read().labels] == ["liver"]


def test_the_users_table_says_what_a_name_means(write, read):
    write({"Leber_neu": [box((0.5, 4.5), (1.5, 5.5), 1)]})
    assert read().labels[0].structure is None
    assert read(said=(LabelName("leber_neu", "liver"),)).labels[0].structure == "liver"


@pytest.mark.parametrize(
    ("structures", "sentence"),
    [
        ({"": [box((1, 4), (1, 4), 1)]}, r"rt\.dcm has a segment without a name \(''\)"),
        ({"liver": []}, "The mask 'liver' is empty; draw it or remove it"),
        ({"liver": [box((1.2, 1.4), (1.2, 1.4), 1)]}, "The mask 'liver' is empty"),
        ({"liver": [box((1, 4), (1, 4), 1.5)]}, r"rt\.dcm, 'liver' has a contour that lies in no slice of"),
        ({"liver": [box((1, 4), (1, 12), 1)]}, r"rt\.dcm, 'liver' has a contour outside of"),
        ({"liver": [box((1, 4), (1, 4), 4)]}, r"rt\.dcm, 'liver' has a contour outside of"),
        ({"liver": [[0.0, 15.0, -6.0, 1.0, 15.0, -6.0]]}, "'liver' has a contour without three points"),
        ({}, "Nothing is drawn on"),
    ],
)
def test_structures_that_cannot_be_used_are_refused(write, read, structures, sentence):
    write(structures)
    with pytest.raises(DatasetError, match=sentence):
        read()


def test_a_contour_that_leaves_its_slice_is_refused(write, read):
    tilted = box((1, 4), (1, 4), 1)
    tilted[2] += 1.5
    write({"liver": [tilted]})
    with pytest.raises(DatasetError, match="has a contour that lies in no slice of"):
        read()


def test_a_series_that_is_not_there_is_told(write, read):
    write({"liver": [box((1, 4), (1, 4), 1)]}, uid="1.2.3.4")
    with pytest.raises(
        DatasetError, match=r"rt\.dcm was drawn on the series 1\.2\.3\.4, which .* does not hold"
    ):
        read()


def test_a_file_that_names_no_series_is_refused(write, read, tmp_path):
    item = write({"liver": [box((1, 4), (1, 4), 1)]})
    del item.ReferencedFrameOfReferenceSequence
    item.save_as(tmp_path / "rt.dcm")
    with pytest.raises(DatasetError, match=r"rt\.dcm names 0 series that it was drawn on"):
        read()


def test_a_file_that_is_cut_short_is_told(write, read, tmp_path):
    write({"liver": [box((1, 4), (1, 4), 1)]})
    whole = (tmp_path / "rt.dcm").read_bytes()
    (tmp_path / "rt.dcm").write_bytes(whole[:-40])
    with pytest.raises(DatasetError, match=r"rt\.dcm is no RTSTRUCT that can be read .*; export it again"):
        read()


def test_a_real_tumour_has_the_area_that_its_contours_enclose(shared_data, table, tmp_path):
    folder = shared_data / "formats" / "ct_lung_tumour_gtv_cerr" / "pat_4"
    (source,) = read_dicom(RTSTRUCT, folder, folder, (), About("thorax"), table, tmp_path)
    structure = pydicom.dcmread(folder / "dicom" / "DCM_RS_00056.dcm")
    enclosed_mm2: dict[float, float] = {}
    for contour in structure.ROIContourSequence[0].ContourSequence:
        x, y, z = np.asarray(contour.ContourData, float).reshape(-1, 3).T
        shoelace = abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2
        enclosed_mm2[z[0]] = enclosed_mm2.get(z[0], 0.0) + shoelace
    image = sitk.ReadImage(str(source.labels[0].file))
    mask = sitk.GetArrayFromImage(image) == 1
    drawn_mm2 = {
        round(image.TransformIndexToPhysicalPoint((0, 0, int(k)))[2], 3): float(mask[k].sum()) * 0.9765625**2
        for k in np.flatnonzero(mask.any(axis=(1, 2)))
    }
    assert drawn_mm2.keys() == {round(z, 3) for z in enclosed_mm2}
    for z, area_mm2 in enclosed_mm2.items():
        assert drawn_mm2[round(z, 3)] == pytest.approx(area_mm2, rel=0.05, abs=20)
    assert (source.labels[0].name, source.labels[0].structure) == ("GTV-1", None)
