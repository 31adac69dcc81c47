"""Segmentation: the one segmentation node of a volume that answers are written into.

It has the volume's grid as its reference geometry and lies under the same transforms, so masks go in as
they are. Where the volume's own grid has changed since (a hardened transform, a moved centre), a new one
is made: a segmentation holds one grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from MedSegRLib.scene.nodes import ijk_to_local, nodes_of_class, place_beside

_ATTRIBUTE = "MedSegR.Holds"
_GRID_TOLERANCE_MM = 1e-4


def segmentations_of(volume_node: Any) -> list[Any]:
    """Every segmentation node that was made for a volume here, oldest first."""
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    return [
        node
        for node in nodes_of_class(volume_node.GetScene(), "vtkMRMLSegmentationNode")
        if node.GetAttribute(_ATTRIBUTE) == "findings"
        and node.GetNodeReferenceID(role) == volume_node.GetID()
    ]


def segmentation_for(volume_node: Any) -> Any:
    """The segmentation node that findings in a volume are written into; made where there is none."""
    fitting = [node for node in segmentations_of(volume_node) if _same_grid(node, volume_node)]
    if fitting:
        node = fitting[-1]
        node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    else:
        node = _make(volume_node, "findings", f"{volume_node.GetName()} MedSeg-R")
        place_beside(node, volume_node)
    return node


def preview_for(volume_node: Any) -> Any:
    """A segmentation node for what is not sure yet: outlines only, never saved, in no list."""
    node = _make(volume_node, "preview", "MedSeg-R preview", hidden=True)
    node.SetSaveWithScene(False)
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility2DFill(False)
    return node


def _make(volume_node: Any, holds: str, name: str, hidden: bool = False) -> Any:
    scene = volume_node.GetScene()
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(scene.GenerateUniqueName(name))
    # Before it is added: Slicer lists a node at that moment, or never.
    node.SetHideFromEditors(hidden)
    scene.AddNode(node)
    node.SetAttribute(_ATTRIBUTE, holds)
    node.CreateDefaultDisplayNodes()
    # In this order: the geometry is noted as the node sees it from under its own transform.
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    return node


def _same_grid(node: Any, volume_node: Any) -> bool:
    image = slicer.vtkOrientedImageData()
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    written = node.GetSegmentation().GetConversionParameter(name)
    if not slicer.vtkSegmentationConverter.DeserializeImageGeometry(written, image, False):
        return False
    if image.GetDimensions() != volume_node.GetImageData().GetDimensions():
        return False
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    apart = slicer.util.arrayFromVTKMatrix(matrix) - ijk_to_local(volume_node)
    return bool(np.abs(apart).max() < _GRID_TOLERANCE_MM)
