"""Views: which slice of a scan is looked at, and the point that is clicked next.

Conventions: positions are RAS millimetres in the world; slices are canonical indices (see `imaging.slices`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer

from MedSegRLib.imaging import Plane, Volume, canonical_order, ras_mm_to_kji
from MedSegRLib.scene.nodes import nodes_of_class

# The world's axis (R, A, S) that a plane's slices are stacked along.
_AXIS = {Plane.SAGITTAL: 0, Plane.CORONAL: 1, Plane.AXIAL: 2}


def slice_in_view(scene: Any, volume: Volume, plane: Plane) -> tuple[int, int]:
    """The canonical slice of a scan that the views of a plane look at, and how many there are.

    The middle one where no view shows the plane.
    """
    order = canonical_order(volume.ijk_to_ras, plane)
    axis = order.axes[0]
    count = volume.shape_kji[axis]
    index = count // 2
    for node in nodes_of_class(scene, "vtkMRMLSliceNode"):
        to_ras = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())
        if int(np.abs(to_ras[:3, 2]).argmax()) == _AXIS[plane]:
            acquired = int(np.rint(ras_mm_to_kji(volume.ijk_to_ras, to_ras[:3, 3])[axis]))
            index = count - 1 - acquired if order.flips[0] else acquired
            break
    return min(max(index, 0), count - 1), count


class PointPick:
    """Waits for one click in a view, as Slicer does for placing a point; nothing stays in the scene.

    Parameters
    ----------
    scene
        The vtkMRMLScene.
    later
        Calls a function after all that goes on now, such as a timer without delay.
    """

    def __init__(self, scene: Any, later: Callable[[Callable[[], None]], None]) -> None:
        self._scene, self._later = scene, later
        self._node: Any = None
        self._observer = 0

    def begin(self, on_point: Callable[[tuple[float, float, float]], None]) -> None:
        """Call back once with the point, in the world; an earlier wait is over."""
        self.cancel()
        node = slicer.vtkMRMLMarkupsFiducialNode()
        node.SetName("MedSeg-R point")
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        self._scene.AddNode(node)

        def placed(caller: Any, event: str) -> None:
            position = [0.0, 0.0, 0.0]
            node.GetNthControlPointPositionWorld(node.GetNumberOfControlPoints() - 1, position)
            x, y, z = position

            def tell() -> None:
                if self._node is node:
                    self.cancel()
                    on_point((x, y, z))

            # The view that placed the point is still at work on the node.
            self._later(tell)

        self._node = node
        self._observer = node.AddObserver(slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent, placed)
        selection = self._singleton("vtkMRMLSelectionNode")
        selection.SetReferenceActivePlaceNodeClassName(node.GetClassName())
        selection.SetActivePlaceNodeID(node.GetID())
        self._singleton("vtkMRMLInteractionNode").SwitchToSinglePlaceMode()

    def cancel(self) -> None:
        """Wait no more."""
        if self._node is None:
            return
        node, self._node = self._node, None
        node.RemoveObserver(self._observer)
        if node.GetScene() is not None:
            self._singleton("vtkMRMLInteractionNode").SwitchToViewTransformMode()
            self._singleton("vtkMRMLSelectionNode").SetActivePlaceNodeID(None)
            self._scene.RemoveNode(node)

    def _singleton(self, class_name: str) -> Any:
        found = self._scene.GetSingletonNode("Singleton", class_name)
        return found if found is not None else self._scene.AddNewNodeByClass(class_name)
