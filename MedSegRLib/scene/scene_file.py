"""Scene files: the volumes of a .mrml or .mrb, and one of them read into a scene with nothing else in it.

The application's scene is neither needed nor touched, so a batch may read one beside a user's work.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import slicer
import vtk

from MedSegRLib.errors import ImageReadError
from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.scene.volume_node import volume_of

__all__ = ["SceneVolume", "list_scene_volumes", "read_scene_volume"]

_HIERARCHY = "SubjectHierarchy"
_STORAGE = re.compile(r"(?:^|;)storage:([^;\s]+)")
_MODALITY = re.compile(r"DICOM\.Modality\^(\w+)")


@dataclass(frozen=True)
class SceneVolume:
    """What a scene file says of one of its volumes.

    Attributes
    ----------
    node_id, name
        Of the volume node.
    modality
        DICOM's code; "" where the scene does not say.
    files
        Where the voxels lie, as the scene names them; relative paths are seen from the .mrml.
    """

    node_id: str
    name: str
    modality: str
    files: tuple[str, ...]


def list_scene_volumes(path: Path) -> tuple[SceneVolume, ...]:
    """List the scalar volumes of a scene file that a user can choose; their voxels are not read.

    Raises
    ------
    ImageReadError
        If the file cannot be read.
    """
    root = _parsed(path)
    storages = {node.get("id"): node for node in root if "Storage" in node.tag}
    modalities = {
        item.get("dataNode"): found.group(1)
        for item in root.iter("SubjectHierarchyItem")
        if (found := _MODALITY.search(item.get("attributes", "")))
    }
    volumes = []
    for node in root.iter("Volume"):
        if node.get("hideFromEditors") == "true":
            continue
        node_id = node.get("id", "")
        storage = storages.get(_storage_id(node))
        values = {} if storage is None else storage.attrib
        named = [key for key in sorted(values) if key == "fileName" or key.startswith("fileListMember")]
        files = tuple(dict.fromkeys(unquote(values[key]) for key in named))
        volumes.append(SceneVolume(node_id, node.get("name", ""), modalities.get(node_id, ""), files))
    return tuple(volumes)


def read_scene_volume(path: Path, node_id: str, modality: Modality | None = None) -> Volume:
    """Read a volume of a scene file, linear transforms applied.

    Parameters
    ----------
    path
        The .mrml or .mrb file.
    node_id
        The volume node's id in it.
    modality
        How the scan was made, where the scene does not say or is wrong about it.

    Raises
    ------
    ImageReadError
        If the file cannot be opened or holds no such volume, or the volume's voxels cannot be read.
    UnsupportedVolumeError
        If the volume cannot be asked about; see `volume_of`.
    """
    root = _parsed(path)
    _keep_only(root, node_id)
    scene = slicer.vtkMRMLScene()
    scene.SetLoadFromXMLString(1)
    scene.SetSceneXMLString(ElementTree.tostring(root, encoding="unicode"))
    with _unpacked(path) as folder, _quiet_vtk():
        scene.SetRootDirectory(str(folder))
        scene.Connect()
        node = scene.GetNodeByID(node_id)
        if node is None or node.GetImageData() is None:
            raise ImageReadError(
                f"The voxels of {node_id} in {path} cannot be read; save the scene again in Slicer."
            )
        volume = volume_of(node)
    return replace(volume, modality=modality or volume.modality, source=str(path))


def _parsed(path: Path) -> ElementTree.Element:
    try:
        if not zipfile.is_zipfile(path):
            return ElementTree.parse(path).getroot()
        with zipfile.ZipFile(path) as bundle:
            return ElementTree.fromstring(bundle.read(_scene_in(bundle)))
    except (OSError, KeyError, zipfile.BadZipFile, ElementTree.ParseError) as error:
        raise ImageReadError(f"{path} is no scene that can be read; save it again in Slicer.") from error


def _scene_in(bundle: zipfile.ZipFile) -> str:
    names = sorted(name for name in bundle.namelist() if name.lower().endswith(".mrml"))
    if not names:
        raise KeyError("a bundle without a scene")
    return names[0]


def _storage_id(node: ElementTree.Element) -> str | None:
    found = _STORAGE.search(node.get("references", ""))
    # Scenes of older Slicers have an attribute of its own for it.
    return node.get("storageNodeRef") if found is None else found.group(1)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The folder that a scene's relative paths are seen from."""
    with ExitStack() as stack:
        if not zipfile.is_zipfile(path):
            yield path.parent
            return
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="medsegr-scene-")))
        with zipfile.ZipFile(path) as bundle:
            try:
                bundle.extractall(folder)
            except (OSError, zipfile.BadZipFile) as error:
                raise ImageReadError(
                    f"{path} cannot be unpacked ({error}); save it again or make room."
                ) from error
            inside = folder / _scene_in(bundle)
        yield inside.parent


@contextmanager
def _quiet_vtk() -> Iterator[None]:
    """Keep VTK's complaints off the terminal; what matters of them comes back as our own errors."""
    shown = vtk.vtkObject.GetGlobalWarningDisplay()
    vtk.vtkObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        vtk.vtkObject.SetGlobalWarningDisplay(shown)


def _keep_only(root: ElementTree.Element, node_id: str) -> None:
    """Leave a volume, its storage, the transforms and what the hierarchy says of the volume."""
    wanted = [node for node in root if node.get("id") == node_id]
    storage = _storage_id(wanted[0]) if wanted else None
    for node in list(root):
        kept = (
            node in wanted or node.get("id") == storage or "Transform" in node.tag or node.tag == _HIERARCHY
        )
        if not kept:
            root.remove(node)
    for item in root.iter("SubjectHierarchyItem"):
        if item.get("dataNode") != node_id:
            item.attrib.pop("dataNode", None)
