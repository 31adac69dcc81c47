"""Glue: what 3D Slicer's application adds to its MRML core, as far as our tests need it.

`slicer-core` from PyPI has Slicer's real nodes, logics and `slicer.util`, but no application that puts
them together. `start()` does: `slicer.mrmlScene`, `slicer.modules.<name>.logic()`, `slicer.app`, and
reading and writing through `slicer.util`. Where a real Slicer runs, it is not to be called.

Different from Slicer: no views and no settings, and the subject hierarchy has no plugins; that nodes get
their item and lose it is done here, as Slicer does it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import slicer
import vtk

# Module -> class of its logic, in the order in which they may ask for each other.
_LOGICS = {
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "Data": "vtkSlicerDataModuleLogic",
}

# Ending of a file -> Slicer's name for what is in it; the first that fits counts.
_FILE_TYPES = {
    (".mrml", ".mrb"): "SceneFile",
    (".seg.nrrd", ".seg.nhdr"): "SegmentationFile",
    (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd"): "VolumeFile",
    (".txt", ".json"): "TextFile",
}


def start() -> None:
    """Make an empty scene with Slicer's logics around it; called twice, it does nothing more."""
    if hasattr(slicer, "app"):
        return
    scene = slicer.vtkMRMLScene()
    application = _application_logic(scene)
    modules = SimpleNamespace()
    for name, class_name in _LOGICS.items():
        logic = getattr(slicer, class_name)()
        logic.SetMRMLApplicationLogic(application)
        # Only the terminologies complain: their lists come with Slicer and not with its core.
        vtk.vtkObject.SetGlobalWarningDisplay(name != "Terminologies")
        logic.SetMRMLScene(scene)
        application.SetModuleLogic(name, logic)
        setattr(modules, name.lower(), _module(name, logic))
    vtk.vtkObject.SetGlobalWarningDisplay(True)
    _add_cache(scene, application)
    _keep_subject_hierarchy(scene)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    slicer.mrmlScene, slicer.modules = scene, modules
    # `slicer.util.getModuleLogic` tells scripted modules by this class.
    slicer.qSlicerScriptedLoadableModule = type("qSlicerScriptedLoadableModule", (), {})
    manager = SimpleNamespace(module=lambda name: getattr(modules, name.lower(), None))
    slicer.app = SimpleNamespace(
        applicationName="Slicer",
        applicationLogic=lambda: application,
        coreIOManager=CoreIO,
        layoutManager=lambda: None,
        moduleManager=lambda: manager,
        mrmlScene=lambda: scene,
        processEvents=lambda: None,
        startupEnvironment=StartupEnvironment,
        temporaryPath=tempfile.gettempdir(),
        testingEnabled=lambda: True,
    )


def _module(name: str, logic: Any) -> SimpleNamespace:
    return SimpleNamespace(name=name, logic=lambda: logic)


def _application_logic(scene: Any) -> Any:
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    logic.GetColorLogic().SetMRMLScene(scene)
    logic.GetColorLogic().AddDefaultColorNodes()
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    # Every label volume asks for it by this name.
    logic.SetModuleLogic("Colors", logic.GetColorLogic())
    return logic


def _add_cache(scene: Any, application: Any) -> None:
    """Give the scene the folder that it unpacks .mrb files in."""
    folder = tempfile.mkdtemp(prefix="medsegr-slicer-cache-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLScene(scene)
    remote.GetCacheManager().SetRemoteCacheDirectory(folder)
    remote.AddDataIOToScene()
    data = slicer.vtkDataIOManagerLogic()
    data.SetMRMLApplicationLogic(application)
    data.SetAndObserveDataIOManager(remote.GetDataIOManager())
    scene.remote_io, scene.data_io = remote, data


def _keep_subject_hierarchy(scene: Any) -> None:
    """Give each data node its item when it is added, and take the item away before the node goes."""

    def item_of(node: Any) -> tuple[Any, int] | None:
        # Hidden nodes have no item, and a scene that is read or closed sees to its items itself.
        listed = node.IsA("vtkMRMLDisplayableNode") or node.IsA("vtkMRMLTextNode")
        if not listed or node.GetHideFromEditors() or scene.IsBatchProcessing():
            return None
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        return hierarchy, hierarchy.GetItemByDataNode(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def added(_scene: Any, _event: str, node: Any) -> None:
        found = item_of(node)
        if found is not None and not found[1]:
            found[0].CreateItem(found[0].GetSceneItemID(), node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def about_to_be_removed(_scene: Any, _event: str, node: Any) -> None:
        found = item_of(node)
        if found is not None and found[1]:
            found[0].RemoveItem(found[1], False, False)

    scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, added)
    scene.AddObserver(slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, about_to_be_removed)


class StartupEnvironment:
    """The environment that Slicer was started in, as Qt holds one; it has no launcher here."""

    def keys(self) -> tuple[str, ...]:
        return tuple(os.environ)

    def value(self, name: str) -> str:
        return os.environ[name]


class CoreIO:
    """What `slicer.util` asks of `slicer.app.coreIOManager()`."""

    def fileType(self, path: str) -> str:
        name = Path(path).name.lower()
        return next(kind for endings, kind in _FILE_TYPES.items() if name.endswith(endings))

    def fileWriterFileType(self, node: Any) -> str:
        return f"{node.GetClassName()}File"

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: Any, messages: Any) -> bool:
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return _read_scene(path)
        name = properties.get("name") or Path(path).name.partition(".")[0]
        if kind == "SegmentationFile":
            node = slicer.modules.segmentations.logic().LoadSegmentationFromFile(path, False, name)
        elif kind == "VolumeFile":
            options = int(bool(properties.get("labelmap")))
            node = slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)
        else:
            node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", name)
            node.AddDefaultStorageNode(path)
            node.GetStorageNode().ReadData(node)
        if node is None:
            return False
        loaded.AddItem(node)
        return True

    def saveNodes(self, kind: str, properties: dict[str, Any], messages: Any) -> bool:
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return _write_scene(path, messages)
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        node.AddDefaultStorageNode(path)
        return bool(node.GetStorageNode().WriteData(node))


def _read_scene(path: str) -> bool:
    if path.lower().endswith(".mrb"):
        return bool(slicer.mrmlScene.ReadFromMRB(path, True))
    slicer.mrmlScene.SetURL(path)
    return bool(slicer.mrmlScene.Connect())


def _write_scene(path: str, messages: Any) -> bool:
    if path.lower().endswith(".mrb"):
        return bool(slicer.mrmlScene.WriteToMRB(path, None, messages))
    slicer.mrmlScene.SetURL(path)
    slicer.mrmlScene.SetRootDirectory(str(Path(path).parent))
    return bool(slicer.mrmlScene.Commit(path, messages))
