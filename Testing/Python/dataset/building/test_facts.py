"""Facts: counted by hand on small arrays, and measured by SimpleITK."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.dataset.building.examining import examine
from MedSegRLib.dataset.building.facts import Facts
from MedSegRLib.dataset.building.field_of_view import outside_of, undrawn_parts
from MedSegRLib.dataset.building.measuring import measure_parts, touching
from MedSegRLib.dataset.building.rendering import render
from MedSegRLib.dataset.source import Source
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane

from .conftest import CRS_TO_RAS, PARTS, L, N, R, belly


def test_a_part_is_measured_as_counted_by_hand() -> None:
    numbers = np.zeros((3, 4, 6), np.int16)
    numbers[1, 1:3, 0:2] = 1
    numbers[1, 1, 2], numbers[2, 3, 5] = 2, 2
    grey = np.where(numbers == 1, 10.0, 0.0)
    found = measure_parts([numbers], [("kidney", R), ("liver", N)], grey, np.diag([-2.0, -3.0, 5.0, 1.0]))
    kidney, liver = found["kidney", R], found["liver", N]
    # 4 voxels of 30 mm3; mean column 0.5, row 1.5, slice 1.
    assert (kidney.voxels, kidney.volume_ml, kidney.area_cm2) == (4, pytest.approx(0.12), None)
    assert kidney.centroid_ras_mm == pytest.approx((-1.0, -4.5, 5.0))
    assert kidney.extent_mm == pytest.approx((4.0, 6.0, 5.0))
    assert (kidney.pieces, liver.pieces) == (1, 2)
    assert kidney.touches == (("liver", N),) and liver.touches == (("kidney", R),)
    assert kidney.mean_intensity == 10.0 and kidney.surrounding_intensity == 0.0 and kidney.contrast > 0
    assert kidney.at_edge and liver.at_edge


def test_measures_are_those_of_SimpleITK(facts: Facts) -> None:
    numbers, grey = belly()
    labels, image = sitk.GetImageFromArray(numbers), sitk.GetImageFromArray(grey)
    for one in (labels, image):
        one.SetSpacing((3.0, 3.0, 6.0))
    shape, intensity = sitk.LabelShapeStatisticsImageFilter(), sitk.LabelIntensityStatisticsImageFilter()
    shape.Execute(labels)
    intensity.Execute(labels, image)
    for number, part in enumerate(PARTS, 1):
        one = facts.parts[part]
        assert one.volume_ml == pytest.approx(shape.GetPhysicalSize(number) / 1000)
        x, y, z = shape.GetCentroid(number)
        # ITK's axes run to the left and to the back.
        assert one.centroid_ras_mm == pytest.approx((-x, -y, z))
        assert one.mean_intensity == pytest.approx(intensity.GetMean(number))
        sizes = shape.GetBoundingBox(number)[3:]
        assert one.extent_mm == pytest.approx(tuple(n * mm for n, mm in zip(sizes, (3, 3, 6), strict=True)))


def test_sides_are_the_patients_and_compared_only_where_both_are_whole(facts: Facts) -> None:
    assert facts.parts["kidney", R].lies is Side.RIGHT and facts.parts["kidney", L].lies is Side.LEFT
    # 7 slices against 6 of the same area.
    assert facts.asymmetry_percent("kidney") == pytest.approx(100 * (7 - 6) / 6.5)
    assert facts.asymmetry_percent("liver") is None
    numbers, grey = belly()
    numbers[8:, 40:52, 56:68] = 3
    cut = Facts("abdomen", "CT", Plane.AXIAL, measure_parts([numbers], PARTS, grey, CRS_TO_RAS))
    assert cut.parts["kidney", L].at_edge and cut.asymmetry_percent("kidney") is None


def test_where_nobody_says_how_the_patient_lay_there_are_no_sides() -> None:
    numbers, grey = belly()
    found = measure_parts([numbers], PARTS, grey, CRS_TO_RAS, spacing_known=False, orientation_known=False)
    assert {one.lies for one in found.values()} == {Side.NONE}
    assert {(one.volume_ml, one.area_cm2, one.extent_mm) for one in found.values()} == {(None, None, None)}


def test_parts_in_two_label_maps_touch_where_they_overlap() -> None:
    one, other = np.zeros((1, 3, 3), np.int16), np.zeros((1, 3, 3), np.int16)
    one[0, 0, 0], other[0, 0, 0], other[0, 2, 2] = 1, 2, 3
    assert touching([one, other], 3) == {1: {2}, 2: {1}}


def test_a_slice_knows_what_is_in_it_what_is_elsewhere_and_what_nobody_can_say(
    source: Source, table: AnatomyTable
) -> None:
    assert source.image is not None
    examined = examine(source, table, source.image, Plane.AXIAL)
    assert set(examined.facts.parts) == set(PARTS)
    assert examined.facts.absent == (("gallbladder", N),)
    assert ("pancreas", N) in examined.facts.undrawn and ("pancreas", N) not in examined.facts.absent
    assert ("stomach", N) in examined.facts.undrawn
    assert "hippocampus" in examined.facts.outside and "aorta" not in examined.facts.outside
    assert examined.slices_with_parts() == list(range(1, 10))
    low = examined.facts_of_slice(1)
    assert set(low.parts) == {("kidney", L), ("kidney", R)}
    # The liver begins one slice above, too near to be called absent; the spleen three slices above.
    assert set(low.absent) == {("gallbladder", N), ("spleen", N)}
    kidney = low.parts["kidney", R]
    assert kidney.volume_ml is None and kidney.area_cm2 == pytest.approx(12 * 12 * 0.09)
    assert kidney.touches == () and examined.facts_of_slice(3).parts["kidney", R].touches == (("liver", N),)
    assert examined.values_in(("kidney", R), 1) == (source.files[0], (2,))
    mask = examined.mask_kji(("kidney", R), 1)
    assert mask.sum() == 144 and mask[1].sum() == 144


def test_a_scan_whose_labels_mean_nothing_is_refused(source: Source, table: AnatomyTable) -> None:
    assert source.image is not None
    nameless = Source(
        "p", "1", source.image, (source.labels[-1],), modality="CT", region="abdomen", split="train"
    )
    with pytest.raises(DatasetError, match="no voxel with a label of the anatomy table; correct its label"):
        examine(nameless, table, source.image, Plane.AXIAL)


def test_what_is_seen_of_a_far_region_is_not_called_outside(table: AnatomyTable) -> None:
    assert {"brainstem", "hippocampus", "liver"} & set(outside_of("abdomen", table)) == {"hippocampus"}
    assert "hippocampus" not in outside_of("abdomen", table, [("amygdala", L)])
    assert {"vertebra_l4", "kidney"} <= set(outside_of("brain", table)) and "kidney" not in outside_of(
        "spine", table
    )


def test_a_structure_of_the_region_without_a_label_is_undrawn(table: AnatomyTable) -> None:
    undrawn = undrawn_parts("abdomen", table, ["liver", "kidney"], [("spleen", N)])
    assert undrawn[0] == ("spleen", N) and ("pancreas", N) in undrawn
    assert not {"liver", "kidney", "hippocampus"} & {structure for structure, _ in undrawn[1:]}


def test_a_rendered_picture_lies_where_its_labels_lie_and_gives_one_tissue_one_grey() -> None:
    numbers, _ = belly()
    labels = sitk.GetImageFromArray(numbers)
    labels.SetSpacing((3.0, 3.0, 6.0))
    picture = render(labels, 3, {2: "kidney", 3: "kidney"})
    assert picture.GetSpacing() == labels.GetSpacing() and picture.GetSize() == labels.GetSize()
    grey = sitk.GetArrayFromImage(picture)
    means = [grey[numbers == n].mean() for n in range(5)]
    assert abs(means[2] - means[3]) < 3 < means[1] - means[0]
    assert (sitk.GetArrayFromImage(render(labels, 3, {2: "kidney", 3: "kidney"})) == grey).all()
    assert (sitk.GetArrayFromImage(render(labels, 4)) != grey).any()
