"""Measuring: against formulas, brute force and SimpleITK."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from MedSegRLib.answers import Finding, asymmetry, sentences
from MedSegRLib.answers.measure import format_ml, format_mm, measure
from MedSegRLib.imaging import Plane, Volume, canonical_order, gather_canonical, kji_to_ras_mm
from MedSegRLib.imaging.geometry import ijk_to_ras_to_lps


def grid(spacing_mm, degrees, shape_kji):
    """An oblique grid whose middle lies at 0, 0, 0 RAS."""
    ijk_to_ras = np.eye(4)
    turn = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        a, b = [n for n in range(3) if n != axis]
        one = np.eye(3)
        one[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        turn = one @ turn
    ijk_to_ras[:3, :3] = turn * np.array(spacing_mm)
    middle_ijk = (np.array(shape_kji[::-1]) - 1) / 2
    ijk_to_ras[:3, 3] = -ijk_to_ras[:3, :3] @ middle_ijk
    return ijk_to_ras


def noise(shape_kji, ijk_to_ras, **values):
    return Volume(np.random.default_rng(1).normal(40, 9, shape_kji), ijk_to_ras, **values)


def itk_image(array, volume):
    image = sitk.GetImageFromArray(array)
    origin, spacing_mm, direction = ijk_to_ras_to_lps(volume.ijk_to_ras)
    image.SetOrigin(origin)
    image.SetSpacing(spacing_mm)
    image.SetDirection(direction)
    return image


def brute_force_mm(mask, ijk_to_ras):
    points = kji_to_ras_mm(ijk_to_ras, np.argwhere(mask))
    return float(max(np.linalg.norm(points - point, axis=1).max() for point in points))


@pytest.mark.parametrize(
    ("spacing_mm", "degrees"),
    [((1.0, 1.0, 1.0), (0, 0, 0)), ((0.7, 0.9, 3.0), (20, -15, 35)), ((2.5, 0.8, 1.2), (-40, 10, 5))],
)
def test_a_sphere_has_the_size_of_the_formula(spacing_mm, degrees):
    radius_mm = 25.0
    shape_kji = tuple(int(np.ceil(2.2 * radius_mm / step)) for step in spacing_mm[::-1])
    volume = noise(shape_kji, grid(spacing_mm, degrees, shape_kji))
    positions = kji_to_ras_mm(volume.ijk_to_ras, np.moveaxis(np.indices(shape_kji), 0, -1))
    size = measure(np.linalg.norm(positions, axis=-1) <= radius_mm, volume)
    assert size.volume_ml == pytest.approx(4 / 3 * np.pi * radius_mm**3 / 1000, rel=0.01)
    assert size.longest_3d_mm == pytest.approx(2 * radius_mm, rel=0.02)
    assert size.longest_in_plane_mm == pytest.approx(2 * radius_mm, rel=0.03)


@settings(deadline=None)
@given(
    st.integers(0, 10_000),
    st.tuples(*[st.integers(1, 7)] * 3).filter(lambda shape: max(shape) > 1),
    st.tuples(*[st.floats(0.3, 6.0)] * 3),
    st.tuples(*[st.floats(-40.0, 40.0)] * 3),
    st.sampled_from(Plane),
    st.floats(0.05, 1.0),
)
def test_longest_diameters_are_those_of_brute_force(seed, shape_kji, spacing_mm, degrees, plane, filled):
    volume = noise(shape_kji, grid(spacing_mm, degrees, shape_kji))
    mask = np.random.default_rng(seed).random(shape_kji) < filled
    mask.flat[seed % mask.size] = True
    size = measure(mask, volume, plane)
    assert size.longest_3d_mm == pytest.approx(brute_force_mm(mask, volume.ijk_to_ras), rel=1e-9, abs=1e-9)
    order = canonical_order(volume.ijk_to_ras, plane)
    in_plane_mm = 0.0
    for index in range(gather_canonical(mask, order).shape[0]):
        alone = np.zeros_like(mask)
        gather_canonical(alone, order)[index] = gather_canonical(mask, order)[index]
        if alone.any():
            in_plane_mm = max(in_plane_mm, brute_force_mm(alone, volume.ijk_to_ras))
    assert size.longest_in_plane_mm == pytest.approx(in_plane_mm, rel=1e-9, abs=1e-9)


def test_numbers_are_those_of_SimpleITK(phantom):
    volume, mask = phantom.volume, phantom.left
    size = measure(mask, volume)
    labels, grey = itk_image(mask.astype(np.uint8), volume), itk_image(volume.voxels, volume)
    statistics = sitk.LabelStatisticsImageFilter()
    statistics.Execute(grey, labels)
    assert size.mean_intensity == pytest.approx(statistics.GetMean(1), rel=1e-6)
    assert size.sd_intensity == pytest.approx(statistics.GetSigma(1), rel=1e-6)
    assert size.voxels == statistics.GetCount(1)
    intensity = sitk.LabelIntensityStatisticsImageFilter()
    intensity.Execute(labels, grey)
    assert size.mean_intensity == pytest.approx(intensity.GetMean(1), rel=1e-6)
    assert size.sd_intensity == pytest.approx(intensity.GetStandardDeviation(1), rel=1e-6)
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.ComputeFeretDiameterOn()
    shape.Execute(labels)
    assert size.volume_ml == pytest.approx(shape.GetPhysicalSize(1) / 1000, rel=1e-9)
    assert size.longest_3d_mm == pytest.approx(shape.GetFeretDiameter(1), rel=1e-6)


def test_one_voxel_has_a_size_but_no_length_and_no_spread(phantom):
    mask = np.zeros(phantom.volume.shape_kji, dtype=bool)
    mask[3, 4, 5] = True
    size = measure(mask, phantom.volume)
    assert (size.voxels, size.volume_ml) == (1, pytest.approx(0.012))
    assert (size.longest_3d_mm, size.longest_in_plane_mm, size.sd_intensity) == (0.0, 0.0, 0.0)


def test_an_empty_or_ill_shaped_mask_is_not_measured(phantom):
    with pytest.raises(ValueError, match="empty"):
        measure(np.zeros(phantom.volume.shape_kji, dtype=bool), phantom.volume)
    with pytest.raises(ValueError, match="shape"):
        measure(np.ones((2, 2, 2), dtype=bool), phantom.volume)


def test_measurements_do_not_change(answer):
    with pytest.raises(FrozenInstanceError):
        answer.findings[0].measurements.volume_ml = 9.0


@settings(deadline=None)
@given(st.floats(0.01, 1e4), st.floats(0.01, 1e4))
def test_asymmetry_is_the_difference_in_percent_of_the_mean(left_ml, right_ml):
    percent = asymmetry(left_ml, right_ml)
    assert percent == pytest.approx(200 * (left_ml - right_ml) / (left_ml + right_ml), abs=1e-8)
    assert percent == -asymmetry(right_ml, left_ml) and -200 <= percent <= 200


@pytest.mark.parametrize("sides", [(0.0, 0.0), (-1.0, 2.0)])
def test_asymmetry_of_no_sizes_is_refused(sides):
    with pytest.raises(ValueError, match="sizes of two sides"):
        asymmetry(*sides)


def test_sentences_tell_what_the_masks_measure(answer, phantom):
    left, right, compared = sentences(answer.findings, phantom.volume)
    size = answer.findings[0].measurements
    assert left == (
        f"The left hippocampus measures {format_ml(size.volume_ml)} and is {format_mm(size.longest_3d_mm)} "
        f"long at most ({format_mm(size.longest_in_plane_mm)} within one axial slice)."
    )
    assert right.startswith("The right hippocampus measures ")
    percent = asymmetry(int(phantom.left.sum()), int(phantom.right.sum()))
    assert percent > 0
    assert compared == (
        f"The left hippocampus is {percent:.1f} % larger than the right hippocampus (of their mean)."
    )


def test_a_twice_as_large_mask_is_told_as_twice_as_large(answer, phantom):
    doubled = phantom.left | np.roll(phantom.left, 30, axis=1)
    found = Finding.of("left hippocampus", doubled, phantom.volume, Plane.AXIAL, 0.9)
    assert found.measurements.volume_ml == 2 * answer.findings[0].measurements.volume_ml
    assert format_ml(found.measurements.volume_ml) in sentences([found], phantom.volume)[0]


def test_what_reaches_the_edge_is_said_and_not_compared(phantom):
    cut = np.zeros_like(phantom.left)
    cut[:, :10, :5] = True
    findings = [
        Finding.of("right hippocampus", cut, phantom.volume, Plane.AXIAL, 0.9),
        Finding.of("left hippocampus", phantom.left, phantom.volume, Plane.AXIAL, 0.9),
    ]
    told = sentences(findings, phantom.volume)
    assert len(told) == 2
    assert "reaches the edge of the scan" in told[0] and "edge" not in told[1]


def test_the_sides_of_a_template_made_symmetric_are_not_compared(answer, phantom):
    told = sentences(answer.findings, replace(phantom.volume, made_symmetric=True))
    assert told == sentences(answer.findings, phantom.volume)[:2]


def test_equal_sides_are_told_as_equal(phantom):
    mirrored = [
        Finding.of("left thalamus", phantom.left, phantom.volume, Plane.AXIAL, 0.9),
        Finding.of("right thalamus", np.roll(phantom.left, 10, axis=1), phantom.volume, Plane.AXIAL, 0.9),
    ]
    told = sentences(mirrored, phantom.volume)[-1]
    assert told == "The left thalamus and the right thalamus are equally large."


def test_several_take_the_plural(phantom):
    both = Finding.of("both hippocampi", phantom.left | phantom.right, phantom.volume, Plane.AXIAL, 0.9)
    assert sentences([both], phantom.volume)[0].startswith("The hippocampi measure ")


def test_nothing_found_is_nothing_told(phantom):
    assert sentences([], phantom.volume) == ()
    assert sentences([], replace(phantom.volume, spacing_known=False)) == ()


def test_of_unknown_spacing_sizes_are_in_pixels_and_said_so():
    volume = noise((1, 30, 40), np.diag([-1.0, -1.0, 1.0, 1.0]), spacing_known=False)
    mask = np.zeros((1, 30, 40), dtype=bool)
    mask[0, 10:15, 8:21] = True
    finding = Finding.of("liver", mask, volume, Plane.AXIAL, 0.5)
    size = finding.measurements
    assert (size.volume_ml, size.longest_in_plane_mm, size.longest_3d_mm) == (None, None, None)
    assert size.longest_in_plane_pixels == pytest.approx(np.hypot(4, 12))
    told = " ".join(sentences([finding], volume))
    assert "measures 65 pixels and is 13 pixels long at most" in told
    assert "spacing of this image is unknown" in told
    assert "mm" not in told and "ml" not in told


@pytest.mark.parametrize("across", [0, 1, 2])
def test_of_a_single_slice_the_area_is_told(across):
    shape_kji = tuple(1 if axis == across else 20 for axis in range(3))
    volume = noise(shape_kji, grid((2.0, 3.0, 5.0), (10, 5, 0), shape_kji))
    mask = np.zeros(shape_kji, dtype=bool)
    mask[tuple(slice(0, 1) if axis == across else slice(5, 15) for axis in range(3))] = True
    spacing_kji = [5.0, 3.0, 2.0]
    del spacing_kji[across]
    area_cm2 = 100 * spacing_kji[0] * spacing_kji[1] / 100
    finding = Finding.of("liver", mask, volume, volume.acquisition_plane, 0.5)
    assert f"measures {area_cm2:.2f} cm² in this slice" in sentences([finding], volume)[0]


@pytest.mark.parametrize(
    ("value", "text"), [(135.2, "135 ml"), (3.44, "3.4 ml"), (0.344, "0.34 ml"), (0.0123, "0.012 ml")]
)
def test_millilitres_have_the_digits_they_are_worth(value, text):
    assert format_ml(value) == text
