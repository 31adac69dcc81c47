"""Scenes: their volumes are studies, read with their transforms by Slicer's own nodes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from MedSegRLib.batch import BatchQuestion, QuestionFile, plan
from MedSegRLib.errors import ImageReadError
from MedSegRLib.imaging import Modality

if not hasattr(slicer, "app"):
    sys.path.append(str(Path(__file__).resolve().parents[1] / "stand_ins"))
    import slicer_glue

    slicer_glue.start()

ASKED = QuestionFile((BatchQuestion("where", "Where is it?"),))
MOVED = np.array([[0, -1.0, 0, 7], [1, 0, 0, -8], [0, 0, 1, 9], [0, 0, 0, 1]])


@pytest.fixture
def scene(tmp_path, image_file) -> Path:
    """A folder with a scan, and a scene of it under a transform, saved as .mrml and .mrb."""
    slicer.mrmlScene.Clear(0)
    folder = tmp_path / "my case"
    node = slicer.util.loadVolume(str(image_file(folder / "t1 scan.nrrd")), {"name": "T1"})
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(MOVED))
    node.SetAndObserveTransformNodeID(transform.GetID())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    attribute = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
    hierarchy.SetItemAttribute(hierarchy.GetItemByDataNode(node), attribute, "MR")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Drawn").CreateDefaultDisplayNodes()
    assert slicer.util.saveScene(str(folder / "case.mrml"))
    assert slicer.util.saveScene(str(tmp_path / "bundle.mrb"))
    slicer.mrmlScene.Clear(0)
    return tmp_path


@pytest.mark.parametrize("name", ["my case", "bundle.mrb"])
def test_a_volume_of_a_scene_is_asked_where_its_transform_puts_it(scene, name, capfd) -> None:
    (task,) = plan([scene / name], ASKED).tasks
    study = task.study
    assert (study.kind, study.description, study.modality) == ("scene", "T1", "MR")
    assert study.key == ("case_T1" if name == "my case" else "bundle_T1")
    capfd.readouterr()
    volume = study.read()
    assert capfd.readouterr() == ("", "")
    image = sitk.ReadImage(str(scene / "my case" / "t1 scan.nrrd"))
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(image))
    x, y, z = image.TransformIndexToPhysicalPoint((4, 3, 7))
    expected = MOVED @ [-x, -y, z, 1]
    np.testing.assert_allclose(volume.ijk_to_ras @ [4, 3, 7, 1], expected)
    assert volume.modality is Modality.MR
    # The user's scene is as it was.
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []


def test_a_scene_of_an_older_slicer_is_read_too(scene) -> None:
    path = scene / "my case" / "case.mrml"
    (before,) = plan([path], ASKED).tasks
    text = path.read_text(encoding="utf-8")
    storage = re.search(r"storage:(\w+);", text)
    assert storage is not None
    old = text.replace(storage.group(), "").replace(
        'name="T1"', f'name="T1" storageNodeRef="{storage.group(1)}"'
    )
    path.write_text(old, encoding="utf-8")
    (after,) = plan([path], ASKED).tasks
    assert after.study == before.study and after.study.read().shape_kji == (8, 4, 5)


def test_a_changed_scan_of_a_scene_has_another_fingerprint(scene, image_file) -> None:
    (task,) = plan([scene / "my case"], ASKED).tasks
    before = task.study.fingerprint()
    image_file(scene / "my case" / "t1 scan.nrrd", np.arange(160, dtype=np.int16).reshape(8, 4, 5))
    assert task.study.fingerprint() != before


def test_a_scene_whose_scan_is_gone_or_damaged_is_told(scene, capfd) -> None:
    (task,) = plan([scene / "my case"], ASKED).tasks
    (scene / "my case" / "t1 scan.nrrd").write_bytes(b"NRRD0004\n")
    with pytest.raises(ImageReadError, match=r"The voxels of .* cannot be read; save the scene again"):
        task.study.read()
    assert capfd.readouterr() == ("", "")
    (scene / "my case" / "t1 scan.nrrd").unlink()
    (left,) = plan([scene / "my case"], ASKED).left_out
    assert left.what.endswith("case.mrml (T1)")
    assert left.why.endswith("t1 scan.nrrd is not there; save the scene again in Slicer.")


@pytest.mark.parametrize("name", ["x.mrml", "x.mrb"])
def test_a_file_that_is_only_called_a_scene_is_told(tmp_path, name) -> None:
    (tmp_path / name).write_bytes(b"no scene")
    (left,) = plan([tmp_path], ASKED).left_out
    assert left.why == f"{tmp_path / name} is no scene that can be read; save it again in Slicer."


def test_without_slicer_scenes_are_left_out_with_what_to_do(scene, monkeypatch) -> None:
    # As Python says it of a package that is not there.
    monkeypatch.setitem(sys.modules, "MedSegRLib.scene.scene_file", None)
    found = plan([scene], ASKED)
    assert {one.why for one in found.left_out} == {
        "Scenes need Slicer; run the batch in Slicer, or install slicer-core."
    }
    # The scan beside the scene is then a file like any other.
    assert [task.study.kind for task in found.tasks] == ["file"]
