"""Which slice of a scan the views look at, and the one point that is clicked next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import slicer

from MedSegRLib.imaging import Plane, canonical_order, scatter_slice_masks
from MedSegRLib.scene import PointPick, slice_in_view, volume_of

ORIENTATIONS = {Plane.AXIAL: "Axial", Plane.SAGITTAL: "Sagittal", Plane.CORONAL: "Coronal"}


def view_of(plane: Plane) -> object:
    """A slice view of a plane, as Slicer has one."""
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        if node.GetOrientation() == ORIENTATIONS[plane]:
            return node
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", plane.value)
    node.SetLayoutName(plane.value)
    node.SetOrientation(ORIENTATIONS[plane])
    return node


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize("index", [0, 2, 6])
def test_the_slice_in_view_is_the_one_whose_middle_is_looked_at(make_image, load, plane, index) -> None:
    volume = volume_of(load(make_image((True, False, True))).node)
    order = canonical_order(volume.ijk_to_ras, plane)
    count, rows, columns = order.shape_canonical(volume.shape_kji)
    pixel = np.zeros((rows, columns), dtype=bool)
    pixel[rows // 2, columns // 2] = True
    (kji,) = np.argwhere(scatter_slice_masks({index: pixel}, order, volume.shape_kji))
    view_of(plane).JumpSliceByCentering(*(volume.ijk_to_ras @ (*kji[::-1], 1))[:3])
    assert slice_in_view(slicer.mrmlScene, volume, plane) == (index, count)


def test_a_view_beside_the_scan_looks_at_its_first_or_last_slice(load) -> None:
    volume = volume_of(load().node)
    ends = []
    for far in (-1e4, 1e4):
        view_of(Plane.AXIAL).JumpSliceByCentering(0, 0, far)
        ends.append(slice_in_view(slicer.mrmlScene, volume, Plane.AXIAL)[0])
    assert ends == [0, volume.shape_kji[0] - 1]


def waits_for() -> str | None:
    """ID of the node whose point Slicer's views will place on a click; None where they wait for none."""
    interaction = slicer.mrmlScene.GetSingletonNode("Singleton", "vtkMRMLInteractionNode")
    selection = slicer.mrmlScene.GetSingletonNode("Singleton", "vtkMRMLSelectionNode")
    placing = interaction.GetCurrentInteractionMode() == slicer.vtkMRMLInteractionNode.Place
    return selection.GetActivePlaceNodeID() if placing else None


def waiting_node() -> object:
    (node,) = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    return node


def test_one_click_gives_its_point_once_and_leaves_nothing() -> None:
    points: list[tuple[float, float, float]] = []
    waiting: list[Callable[[], None]] = []
    PointPick(slicer.mrmlScene, waiting.append).begin(points.append)
    node = waiting_node()
    assert waits_for() == node.GetID()
    # What Slicer's views do on a click, and they go on with the node after it.
    node.AddControlPoint(1.0, -2.0, 3.5)
    assert points == [] and node.GetScene() is slicer.mrmlScene
    waiting.pop()()
    assert points == [(1.0, -2.0, 3.5)] and waiting == []
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode") == []
    assert waits_for() is None


def test_a_wait_is_over_when_another_begins_or_it_is_cancelled() -> None:
    points: list[object] = []
    waiting: list[Callable[[], None]] = []
    pick = PointPick(slicer.mrmlScene, waiting.append)
    pick.begin(lambda point: points.append("first"))
    pick.begin(lambda point: points.append("second"))
    waiting_node().AddControlPoint(0.0, 0.0, 0.0)
    waiting.pop()()
    assert points == ["second"]
    pick.begin(lambda point: points.append("too late"))
    waiting_node().AddControlPoint(0.0, 0.0, 0.0)
    pick.cancel()
    waiting.pop()()
    assert points == ["second"]
    pick.begin(lambda point: points.append("third"))
    pick.cancel()
    pick.cancel()
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode") == [] and points == ["second"]
    pick.begin(lambda point: points.append("fourth"))
    slicer.mrmlScene.Clear(0)
    pick.cancel()
    assert points == ["second"]
