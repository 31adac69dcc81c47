"""Nodes: MRML nodes that may be gone by the time they are needed, and where they lie in the world.

Conventions: matrices are 4 x 4 float64 in RAS millimetres; arrays are [K, J, I].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy


class NodeRef:
    """A node that is not kept alive: `get()` is None once it has left its scene."""

    def __init__(self, node: Any) -> None:
        self._weak = vtk.vtkWeakReference()
        self._weak.Set(node)

    def get(self) -> Any:
        """The node, or None where it was deleted or its scene closed."""
        node = self._weak.Get()
        return node if node is not None and node.GetScene() is not None else None


def nodes_of_class(scene: Any, class_name: str) -> list[Any]:
    """The nodes of a class in a scene, in their order."""
    found = scene.GetNodesByClass(class_name)
    # The collection comes with a reference of its own, which Python does not count.
    found.UnRegister(None)
    return [found.GetItemAsObject(index) for index in range(found.GetNumberOfItems())]


def array_of(image: Any) -> npt.NDArray[Any]:
    """The numbers of an image with one value per voxel, [K, J, I]; a view, nothing is copied."""
    shape_kji = image.GetDimensions()[::-1]
    return np.asarray(vtk_to_numpy(image.GetPointData().GetScalars())).reshape(shape_kji)


def ijk_to_local(volume_node: Any) -> npt.NDArray[np.float64]:
    """Geometry of a volume node without the transforms that it lies under."""
    matrix = vtk.vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return np.array(slicer.util.arrayFromVTKMatrix(matrix), dtype=np.float64)


def local_to_world(node: Any) -> npt.NDArray[np.float64]:
    """The transforms that a node lies under, as one matrix; they must be linear."""
    matrix = vtk.vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is not None:
        parent.GetMatrixTransformToWorld(matrix)
    return np.array(slicer.util.arrayFromVTKMatrix(matrix), dtype=np.float64)


def move_point(point: Sequence[float], source: Any, target: Any) -> tuple[float, float, float]:
    """A position from one parent transform to another, each a transform node or None for the world.

    Non-linear transforms are followed too.
    """
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, transform)
    x, y, z = transform.TransformPoint(*point)
    return x, y, z


def place_beside(node: Any, volume_node: Any) -> None:
    """Put a node into the folder, study or patient of the subject hierarchy that its volume is in.

    Export to DICOM looks there for the study that a segmentation belongs to.
    """
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(volume_node.GetScene())
    item = hierarchy.GetItemByDataNode(volume_node)
    hidden = item == hierarchy.GetInvalidItemID()
    # An item that is there already is moved.
    hierarchy.CreateItem(hierarchy.GetSceneItemID() if hidden else hierarchy.GetItemParent(item), node)
