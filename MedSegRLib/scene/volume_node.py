"""Volume nodes: a scan in Slicer's scene as a `Volume`, or a sentence why it cannot be asked about.

Conventions: voxels are [K, J, I] as acquired; `ijk_to_ras` is where they lie in the world, linear
transforms applied.
"""

from __future__ import annotations

import re
from typing import Any

import slicer

from MedSegRLib.errors import UnsupportedVolumeError
from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.imaging.windows import looks_like_hounsfield_units
from MedSegRLib.scene.nodes import NodeRef, array_of, ijk_to_local, local_to_world, nodes_of_class

# Code of Hounsfield units, which Slicer's DICOM import writes into the node.
_HOUNSFIELD_CODE = "[hnsf'U]"
# As Slicer's samples and most scanners name their series: "MRHead", "t1" within a longer word not.
_NAMED_MR = re.compile(r"(?<![A-Za-z])(?:MRI?\d*|MRA|T[12]w?|FLAIR|MPRAGE)(?=[A-Z][a-z]|[\W_]|$)")


def volume_of(node: Any) -> Volume:
    """Take a scan out of the scene.

    Parameters
    ----------
    node
        A vtkMRMLScalarVolumeNode. Of a sequence its shown frame is taken, and the notes say so.

    Raises
    ------
    UnsupportedVolumeError
        If there is no node, it is a label map, has colours or vectors, has no voxels, lies under a
        non-linear transform, or is refused by `Volume`; the sentence says what to do.
    """
    _refuse(node)
    voxels = array_of(node.GetImageData())
    modality, notes = modality_of(node), _notes_about_frame(node)
    if modality is Modality.CT and _written_modality(node) is None:
        notes = (*notes, "The scene does not say how the scan was made; its values are those of CT.")
    storage = node.GetStorageNode()
    return Volume(
        voxels,
        local_to_world(node) @ ijk_to_local(node),
        modality,
        node.GetName(),
        (storage.GetFullNameFromFileName() or None) if storage is not None else None,
        notes=notes,
    )


def modality_of(node: Any) -> Modality:
    """How a volume node's scan was made: what DICOM wrote down, else its values, else its name."""
    written = _written_modality(node)
    if written is not None:
        return written
    image = node.GetImageData()
    if image is not None and image.GetNumberOfScalarComponents() == 1 and image.GetNumberOfPoints() > 0:
        voxels = array_of(image)
        # At most some two million of them tell as much as all.
        if looks_like_hounsfield_units(voxels[tuple(slice(None, None, 1 + n // 64) for n in voxels.shape)]):
            return Modality.CT
    return Modality.MR if _NAMED_MR.search(node.GetName()) else Modality.UNKNOWN


def volume_nodes(scene: Any) -> list[Any]:
    """The volume nodes that a user can choose to ask about: no label maps, none that is hidden."""
    found = nodes_of_class(scene, "vtkMRMLScalarVolumeNode")
    return [
        node for node in found if not (node.IsA("vtkMRMLLabelMapVolumeNode") or node.GetHideFromEditors())
    ]


class VolumeCache:
    """The volume that was taken last, kept until its node changes: voxels, geometry or transform.

    So a follow-up question is about the very same `Volume`, and nothing is copied again.
    """

    def __init__(self) -> None:
        self._node: NodeRef | None = None
        self._state: object = None
        self._volume: Volume | None = None

    def of(self, node: Any) -> Volume:
        """As `volume_of`."""
        if self._volume is None or self._node is None or self._node.get() is not node:
            self._state = None
        state = None if node is None else _state(node)
        if self._volume is None or self._state is None or state != self._state:
            self._volume, self._state, self._node = volume_of(node), state, NodeRef(node)
        return self._volume


def _state(node: Any) -> object:
    image, parent = node.GetImageData(), node.GetParentTransformNode()
    times = image.GetMTime() if image is not None else 0, node.GetMTime()
    return (*times, parent.GetTransformToWorldMTime() if parent is not None else 0)


def _refuse(node: Any) -> None:
    if node is None:
        raise UnsupportedVolumeError("No volume is chosen; load a scan and choose it.")
    name = node.GetName()
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise UnsupportedVolumeError(
            f"{name} is a label map, which holds labels and no grey values; choose the scan that it was "
            "drawn on."
        )
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        raise UnsupportedVolumeError(f"{name} is not a volume; choose a scan.")
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or image.GetNumberOfPoints() == 0:
        raise UnsupportedVolumeError(f"{name} has no voxels; load its image, or choose another volume.")
    values = image.GetNumberOfScalarComponents()
    if values > 1:
        raise UnsupportedVolumeError(
            f"{name} has {values} values in each voxel (colours, vectors or several images in one); make a "
            "scalar volume of it, in Slicer with the module Vector to Scalar Volume, and choose that."
        )
    parent = node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():
        raise UnsupportedVolumeError(
            f"{name} lies under {parent.GetName()}, a transform that is not linear and would bend every "
            "slice; harden the transform on the volume, or take the volume out of it."
        )


def _written_modality(node: Any) -> Modality | None:
    """What the DICOM import wrote down; None where it did not."""
    units = node.GetVoxelValueUnits()
    if units is not None and units.GetCodeValue() == _HOUNSFIELD_CODE:
        return Modality.CT
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    item = hierarchy.GetItemByDataNode(node)
    if item == hierarchy.GetInvalidItemID():
        return None
    attribute = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
    said = hierarchy.GetItemAttribute(item, attribute)
    return {"CT": Modality.CT, "MR": Modality.MR}.get(said, Modality.UNKNOWN) if said else None


def _notes_about_frame(node: Any) -> tuple[str, ...]:
    for browser in nodes_of_class(node.GetScene(), "vtkMRMLSequenceBrowserNode"):
        count = browser.GetNumberOfItems()
        if count > 1 and browser.IsProxyNodeID(node.GetID()):
            shown = browser.GetSelectedItemNumber() + 1
            return (f"Of a sequence of {count} frames, frame {shown} was looked at, as it was shown.",)
    return ()
