"""From a finding to its slices, from a point to its finding, surfaces, and outlines while it runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk

from MedSegRLib.answers import Finding
from MedSegRLib.imaging import Plane, SliceStack
from MedSegRLib.scene import segment_names, segments_at, segments_on, volume_of

LEFT, RIGHT = "left hippocampus", "right hippocampus"
TURNED = np.array([[0, -1.0, 0, 7], [1, 0, 0, -8], [0, 0, 1.5, 9], [0, 0, 0, 1]])


@pytest.fixture
def slice_nodes() -> list[object]:
    """Three slice views, as Slicer has them."""
    nodes = []
    for name, orientation in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
        node = slicer.mrmlScene.GetNodeByID(f"vtkMRMLSliceNode{name}")
        if node is None:
            node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", name)
            node.SetLayoutName(name)
        node.SetOrientation(orientation)
        nodes.append(node)
    return nodes


def put_under(node, matrix: np.ndarray) -> None:
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())


def voxel_in_view(head, nodes: list[object]) -> tuple[int, ...]:
    """The voxel [K, J, I] where the three slice views cross."""
    normals, offsets = [], []
    for node in nodes:
        matrix = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
        normals.append(matrix[:3, 2])
        offsets.append(matrix[:3, 2] @ matrix[:3, 3])
    ras = np.linalg.solve(np.array(normals), offsets)
    ijk = np.linalg.inv(volume_of(head.node).ijk_to_ras) @ (*ras, 1)
    return tuple(int(part) for part in np.rint(ijk[2::-1]))


@pytest.mark.parametrize("turned", [False, True])
def test_a_jump_lands_on_a_voxel_of_the_finding(load, scene, slice_nodes, turned) -> None:
    head = load()
    if turned:
        put_under(head.node, TURNED)
    ring = np.zeros(head.mask().shape, dtype=bool)
    ring[3, 2:9, 1:8] = True
    ring[3, 3:8, 2:7] = False  # its middle is not its own
    dot = np.zeros_like(ring)
    dot[6, 10, 8] = True
    answer = head.answer()
    found = [Finding.of("cyst", mask, answer.volume, Plane.AXIAL, 0.5) for mask in (ring, dot)]
    shown = scene.show(replace(answer, findings=tuple(found)), head.node)
    assert scene.jump_to(shown, 0) and ring[voxel_in_view(head, slice_nodes)]
    assert scene.jump_to(shown, 1) and voxel_in_view(head, slice_nodes) == (6, 10, 8)
    assert not scene.jump_to(shown, 2)


def test_there_is_no_jump_to_a_finding_that_the_user_emptied(head, scene) -> None:
    shown = scene.show(head.answer(LEFT), head.node)
    nothing = np.zeros(head.mask().shape, np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        nothing, head.segmentation_node, "left_hippocampus", head.node
    )
    assert not scene.jump_to(shown, 0)


def names_at(head, position) -> list[str]:
    return [segment.name for segment in segments_at(head.node, position[:3])]


@pytest.mark.parametrize("turned", [False, True])
def test_a_point_is_named_by_the_segments_drawn_there(load, scene, turned) -> None:
    head = load()
    if turned:
        put_under(head.node, TURNED)
    shown = scene.show(head.answer(LEFT, RIGHT), head.node)
    masks = {LEFT: head.mask(0), RIGHT: head.mask(1)}
    ijk_to_ras = volume_of(head.node).ijk_to_ras
    for kji in np.ndindex(head.mask().shape):
        drawn = [name for name, mask in masks.items() if mask[kji]]
        assert names_at(head, ijk_to_ras @ (*kji[::-1], 1)) == drawn
    both = ijk_to_ras @ (*np.argwhere(masks[LEFT] & masks[RIGHT])[0][::-1], 1)
    scene.set_visible(shown, 1, False)
    assert names_at(head, both) == [LEFT]
    assert names_at(head, (1e6, 0, 0)) == []
    head.segmentation_node.GetDisplayNode().SetVisibility(False)
    assert names_at(head, both) == []


def test_a_segment_of_the_users_own_is_named_too(head, scene) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(head.node)
    node.GetSegmentation().AddEmptySegment("a", "my cyst", [1.0, 0.0, 0.0])
    node.GetSegmentation().AddEmptySegment("b", "nothing yet", [1.0, 0.0, 0.0])
    slicer.util.updateSegmentBinaryLabelmapFromArray(head.mask().astype(np.uint8), node, "a", head.node)
    volume = volume_of(head.node)
    assert names_at(head, volume.ijk_to_ras @ (*np.argwhere(head.mask())[0][::-1], 1)) == ["my cyst"]
    sizes = {segment.name: segment.volume_ml for segment in segments_on(head.node)}
    assert sizes == {"my cyst": pytest.approx(head.mask().sum() * volume.voxel_ml), "nothing yet": 0.0}
    assert segment_names(head.node) == ["my cyst", "nothing yet"]
    assert [segment.name for segment in segments_on(head.node, "my cyst")] == ["my cyst"]


def test_showing_a_hidden_finding_shows_a_hidden_segmentation(head, scene) -> None:
    shown = scene.show(head.answer(LEFT), head.node)
    assert scene.visible(shown, 0)
    assert scene.set_visible(shown, 0, False) and not scene.visible(shown, 0)
    head.segmentation_node.GetDisplayNode().SetVisibility(False)
    assert scene.set_visible(shown, 0, True) and scene.visible(shown, 0)
    assert not scene.visible(shown, 1) and not scene.visible(shown, -1)


def test_surfaces_are_made_on_request_kept_up_and_dropped(load, make_image, scene) -> None:
    head = load(make_image(sizes_ijk=(40, 44, 16)))
    assert not scene.show_3d(head.node, True)
    answer = head.answer()
    k, j, i = np.indices(answer.volume.shape_kji)
    ball = ((k - 8) * 2.5) ** 2 + ((j - 22) * 0.75) ** 2 + ((i - 20) * 0.9) ** 2 < 12**2
    finding = Finding.of(LEFT, ball, answer.volume, Plane.AXIAL, 0.5)
    scene.show(replace(answer, findings=(finding,)), head.node)
    node = head.segmentation_node
    assert node.GetClosedSurfaceInternalRepresentation("left_hippocampus") is None
    assert scene.show_3d(head.node, True) and node.GetDisplayNode().GetVisibility3D()
    inside = vtk.vtkMassProperties()
    inside.SetInputData(node.GetClosedSurfaceInternalRepresentation("left_hippocampus"))
    assert inside.GetVolume() == pytest.approx(finding.measurements.volume_ml * 1000, rel=0.05)
    # What comes while surfaces are shown has one too.
    moved = Finding.of(RIGHT, np.roll(ball, 4, axis=1), answer.volume, Plane.AXIAL, 0.5)
    scene.show(replace(answer, findings=(moved,)), head.node)
    assert node.GetClosedSurfaceInternalRepresentation("right_hippocampus").GetNumberOfPoints() > 100
    assert scene.show_3d(head.node, False) and not node.GetDisplayNode().GetVisibility3D()
    assert node.GetClosedSurfaceInternalRepresentation("left_hippocampus") is None


def surfaces(head) -> dict[str, object]:
    segments = head.segments
    return {key: segment.GetRepresentation("Closed surface") for key, segment in segments.items()}


def test_while_an_answer_comes_no_surface_is_made_and_in_the_end_only_what_changed(load, scene) -> None:
    head = load()
    scene.show(head.answer("cyst", "tumour"), head.node)
    scene.show_3d(head.node, True)
    before, answer = surfaces(head), head.answer("tumour", RIGHT, seed=1)
    shown = scene.begin(head.node, answer.question, update=True)
    for finding in answer.findings:
        scene.add_finding(shown, finding)
        assert set(surfaces(head).values()) == {None}
    scene.finish(shown, answer)
    after = surfaces(head)
    assert after["cyst"] is before["cyst"]
    assert after["tumour"] is not before["tumour"] and after["tumour"].GetNumberOfPoints() > 0
    assert after["right_hippocampus"].GetNumberOfPoints() > 0
    assert scene.undo() and None not in surfaces(head).values()


def test_surfaces_come_back_after_an_answer_that_failed_and_follow_what_the_user_drew(load, scene) -> None:
    head = load()
    scene.show(head.answer("cyst", "tumour"), head.node)
    scene.show_3d(head.node, True)
    before, answer = surfaces(head), head.answer(LEFT)
    shown = scene.begin(head.node, answer.question)
    scene.add_finding(shown, answer.findings[0])
    drawn = head.mask(5).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, head.segmentation_node, "cyst", head.node)
    scene.finish(shown, None)
    after = surfaces(head)
    assert after["tumour"] is before["tumour"] and after["cyst"] is not before["cyst"]
    assert None not in after.values()


@pytest.mark.parametrize("plane", list(Plane))
def test_outlines_of_slices_lie_where_the_model_saw_them(make_image, load, scene, plane) -> None:
    head = load(make_image((True, False, True)), from_file=False)
    stack = SliceStack.of(volume_of(head.node), plane)
    rng = np.random.default_rng(0)
    masks = {index: rng.random(stack.voxels.shape[1:]) < 0.5 for index in (0, 3, stack.count - 1)}
    for index, mask in masks.items():
        scene.preview(head.node, plane, index, {"cyst": mask, "nothing": mask & False}, {"cyst": (1, 0.5, 0)})
    node = head.segmentation_node
    np.testing.assert_array_equal(head.covered("cyst"), stack.scatter_slice_masks(masks))
    assert list(head.segments) == ["cyst"]
    assert head.segments["cyst"].GetColor() == (1, 0.5, 0)
    display = node.GetDisplayNode()
    assert display.GetVisibility2DOutline() and not display.GetVisibility2DFill()
    scene.clear_preview()
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []


def test_outlines_are_told_to_the_views_and_are_no_finding(head, scene) -> None:
    mask = np.ones((11, 9), dtype=bool)
    scene.preview(head.node, Plane.AXIAL, 0, {"cyst": mask}, {})
    heard = []
    segmentation = head.segmentation_node.GetSegmentation()
    segmentation.AddObserver(slicer.vtkSegmentation.SourceRepresentationModified, lambda *_: heard.append(1))
    scene.preview(head.node, Plane.AXIAL, 1, {"cyst": mask}, {})
    assert heard
    assert names_at(head, volume_of(head.node).ijk_to_ras @ (0, 0, 0, 1)) == []
    assert not scene.can_undo and scene.segment_ids(head.node, "cyst") == []
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    assert not hierarchy.GetItemByDataNode(head.segmentation_node)


def test_outlines_go_with_a_change_of_volume_and_survive_their_node(load, scene) -> None:
    first, second = load(name="First"), load(name="Second")
    mask = np.ones((11, 9), dtype=bool)
    scene.preview(first.node, Plane.AXIAL, 0, {"cyst": mask}, {})
    scene.preview(second.node, Plane.AXIAL, 1, {"cyst": mask}, {})
    assert second.covered("cyst")[1].all() and second.covered("cyst").sum() == 99
    slicer.mrmlScene.RemoveNode(second.segmentation_node)
    scene.preview(second.node, Plane.AXIAL, 2, {"cyst": mask}, {})
    assert second.covered("cyst")[2].all() and second.covered("cyst").sum() == 99
    slicer.mrmlScene.Clear(0)
    scene.clear_preview()
