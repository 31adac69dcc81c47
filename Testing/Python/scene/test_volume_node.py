"""A volume node becomes a `Volume` that lies where SimpleITK says, or is refused with what to do."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk

from MedSegRLib.answers import UnsupportedVolumeError
from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.scene import VolumeCache, modality_of, volume_nodes, volume_of

SHEAR = np.array([[0.8, -0.6, 0.0, 10.0], [0.6, 0.8, 0.3, -20.0], [0.0, 0.0, 1.2, 5.0], [0, 0, 0, 1]])


def ijk_to_ras_by_itk(image: sitk.Image) -> np.ndarray:
    """4 x 4, from four of the image's points as SimpleITK places them."""
    points = [image.TransformContinuousIndexToPhysicalPoint(p) for p in ((0.0, 0.0, 0.0), *np.eye(3))]
    ras = np.array(points) * (-1, -1, 1)
    matrix = np.eye(4)
    matrix[:3, 3], matrix[:3, :3] = ras[0], (ras[1:] - ras[0]).T
    return matrix


def assert_same_picture(volume: Volume, image: sitk.Image) -> None:
    """Every voxel has the value that SimpleITK finds where it lies, and lies where one of its voxels does."""
    assert volume.voxels.size == np.prod(image.GetSize())
    for kji, value in np.ndenumerate(volume.voxels):
        ras = volume.ijk_to_ras @ (*kji[::-1], 1)
        index = image.TransformPhysicalPointToContinuousIndex((-ras[0], -ras[1], ras[2]))
        np.testing.assert_allclose(index, np.rint(index), atol=1e-9)
        assert image[tuple(round(part) for part in index)] == value


def put_under(node, matrix: np.ndarray):
    """A linear transform node above a node."""
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


@pytest.mark.parametrize("flip", list(product((False, True), repeat=3)))
def test_an_oblique_volume_shows_at_every_place_what_simpleitk_sees_there(make_image, load, flip) -> None:
    # Slicer itself turns the slices of a left-handed file around while it reads it.
    original = make_image(flip)
    assert_same_picture(volume_of(load(original).node), original)


@pytest.mark.parametrize("flip", list(product((False, True), repeat=3)))
def test_a_node_is_taken_as_it_lies_left_handed_or_not(make_image, load, flip) -> None:
    original = make_image(flip)
    volume = volume_of(load(original, from_file=False).node)
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(original))
    np.testing.assert_allclose(volume.ijk_to_ras, ijk_to_ras_by_itk(original), atol=1e-9)


def test_a_single_slice_keeps_its_axis(make_image, load) -> None:
    volume = volume_of(load(make_image(sizes_ijk=(9, 11, 1))).node)
    assert volume.shape_kji == (1, 11, 9) and volume.is_single_slice


def test_transforms_above_a_volume_are_applied_one_after_the_other(make_image, load) -> None:
    head = load(make_image((False, False, True)), from_file=False)
    inner = put_under(head.node, SHEAR)
    outer = np.diag([-1.0, 1.0, 1.0, 1.0])
    put_under(inner, outer)
    volume = volume_of(head.node)
    np.testing.assert_allclose(volume.ijk_to_ras, outer @ SHEAR @ ijk_to_ras_by_itk(head.image), atol=1e-9)
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(head.image))


def test_no_volume_is_refused() -> None:
    with pytest.raises(UnsupportedVolumeError, match="No volume is chosen; load a scan"):
        volume_of(None)


def test_a_label_map_is_refused(load) -> None:
    head = load(name="Labels", labelmap=True)
    with pytest.raises(UnsupportedVolumeError, match=r"Labels\S* is a label map.*choose the scan"):
        volume_of(head.node)


def test_what_is_no_volume_is_refused() -> None:
    model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Skin")
    with pytest.raises(UnsupportedVolumeError, match="Skin is not a volume; choose a scan"):
        volume_of(model)


def test_a_volume_without_voxels_is_refused() -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Nothing")
    with pytest.raises(UnsupportedVolumeError, match="Nothing has no voxels; load its image"):
        volume_of(node)
    node.SetAndObserveImageData(vtk.vtkImageData())
    with pytest.raises(UnsupportedVolumeError, match="Nothing has no voxels"):
        volume_of(node)


@pytest.mark.parametrize("kind", ["vtkMRMLVectorVolumeNode", "vtkMRMLScalarVolumeNode"])
def test_colours_are_refused_with_the_way_to_grey_values(kind) -> None:
    picture = vtk.vtkImageData()
    picture.SetDimensions(4, 3, 2)
    picture.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node = slicer.mrmlScene.AddNewNodeByClass(kind, "Photo")
    node.SetAndObserveImageData(picture)
    with pytest.raises(UnsupportedVolumeError, match=r"Photo has 3 values in each voxel.*Vector to Scalar"):
        volume_of(node)


def test_a_transform_that_is_not_linear_is_refused_even_above_a_linear_one(load) -> None:
    head = load()
    inner = put_under(head.node, SHEAR)
    warp = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Warp")
    spline = vtk.vtkThinPlateSplineTransform()
    points = vtk.vtkPoints()
    for point in ((0, 0, 0), (10, 0, 0), (0, 10, 0), (0, 0, 10), (5, 5, 5)):
        points.InsertNextPoint(point)
    moved = vtk.vtkPoints()
    moved.DeepCopy(points)
    moved.SetPoint(4, 6, 5, 5)
    spline.SetSourceLandmarks(points)
    spline.SetTargetLandmarks(moved)
    spline.SetBasisToR()
    warp.SetAndObserveTransformToParent(spline)
    inner.SetAndObserveTransformNodeID(warp.GetID())
    with pytest.raises(UnsupportedVolumeError, match=r"Head lies under .*not linear.*harden the transform"):
        volume_of(head.node)


def test_a_constant_volume_is_refused_as_everywhere_in_the_library() -> None:
    node = slicer.util.addVolumeFromArray(np.zeros((3, 4, 5)), name="Black")
    with pytest.raises(UnsupportedVolumeError, match="Black is constant"):
        volume_of(node)


def test_of_a_sequence_the_shown_frame_is_taken_and_said(load) -> None:
    first, second = (load(name=name).node for name in ("first", "second"))
    slicer.util.updateVolumeFromArray(second, slicer.util.arrayFromVolume(second) + 5000)
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Beating")
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Browser")
    for time, node in enumerate((first, second)):
        sequence.SetDataNodeAtValue(node, str(time))
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    proxy = browser.GetProxyNode(sequence)
    cache = VolumeCache()
    assert cache.of(proxy).voxels.max() < 5000
    assert cache.of(proxy).notes == ("Of a sequence of 2 frames, frame 1 was looked at, as it was shown.",)
    browser.SetSelectedItemNumber(1)
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    assert cache.of(proxy).voxels.min() >= 5000
    assert cache.of(proxy).notes == ("Of a sequence of 2 frames, frame 2 was looked at, as it was shown.",)
    # A volume apart from it says nothing of frames.
    assert volume_of(first).notes == ()


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("MRHead", Modality.MR),
        ("patient_T1w", Modality.MR),
        ("5: FLAIR axial", Modality.MR),
        ("MRI2", Modality.MR),
        ("AMRI", Modality.UNKNOWN),
        ("at1", Modality.UNKNOWN),
        ("CTChest", Modality.UNKNOWN),  # its values are none of CT
        ("scan", Modality.UNKNOWN),
    ],
)
def test_a_name_says_mr_where_it_says_it_as_a_word(load, name, modality) -> None:
    node = load().node
    node.SetName(name)
    assert volume_of(node).modality is modality and modality_of(node) is modality


@pytest.mark.parametrize(
    ("written", "modality"), [("CT", Modality.CT), ("MR", Modality.MR), ("PT", Modality.UNKNOWN)]
)
def test_what_dicom_said_counts_more_than_the_name(load, written, modality) -> None:
    node = load(name="T1").node
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    hierarchy.SetItemAttribute(item, "DICOM.Modality", written)
    # Of what is neither CT nor MR the name is no witness.
    assert volume_of(node).modality is modality


def test_hounsfield_units_are_ct(load) -> None:
    node = load().node
    units = slicer.vtkCodedEntry()
    units.SetValueSchemeMeaning("[hnsf'U]", "UCUM", "Hounsfield unit")
    node.SetVoxelValueUnits(units)
    assert volume_of(node).modality is Modality.CT
    air = np.where(np.indices((4, 5, 6)).sum(axis=0) % 2, -1000.0, 40.0)
    unsaid_node = slicer.util.addVolumeFromArray(air, name="scan")
    unsaid = volume_of(unsaid_node)
    assert modality_of(unsaid_node) is Modality.CT
    assert unsaid.modality is Modality.CT and "its values are those of CT" in unsaid.notes[0]


def test_a_volume_without_voxels_says_how_it_was_made_by_its_name() -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "MRHead")
    assert modality_of(node) is Modality.MR


def test_scans_are_offered_and_label_maps_and_hidden_volumes_are_not(load) -> None:
    scans = [load(name=name).node for name in ("First", "Second")]
    load(name="Labels", labelmap=True)
    load(name="Temporary").node.SetHideFromEditors(True)
    assert volume_nodes(slicer.mrmlScene) == scans


def test_a_volume_is_taken_again_only_when_voxels_geometry_or_transform_changed(load) -> None:
    head, cache = load(), VolumeCache()
    first = cache.of(head.node)
    assert cache.of(head.node) is first
    slicer.util.arrayFromVolume(head.node)[0, 0, 0] += 1
    slicer.util.arrayFromVolumeModified(head.node)
    second = cache.of(head.node)
    assert second.voxels[0, 0, 0] == first.voxels[0, 0, 0] + 1
    transform = put_under(head.node, SHEAR)
    third = cache.of(head.node)
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.eye(4)))
    fourth = cache.of(head.node)
    np.testing.assert_allclose(third.ijk_to_ras, SHEAR @ second.ijk_to_ras, atol=1e-9)
    np.testing.assert_allclose(fourth.ijk_to_ras, second.ijk_to_ras, atol=1e-9)
    head.node.SetOrigin(1, 2, 3)
    assert cache.of(head.node).ijk_to_ras[:3, 3].tolist() == [1, 2, 3]
    other = load(name="Other")
    assert cache.of(other.node).name == "Other" and cache.of(head.node).name == "Head"
    with pytest.raises(UnsupportedVolumeError, match="No volume"):
        cache.of(None)
