"""What is written to .seg.nrrd, .mrb and .mrml comes back bit by bit, as SimpleITK reads it."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from MedSegRLib.answers import Finding
from MedSegRLib.imaging import Plane, read_segmentation
from MedSegRLib.scene import AnswerScene

LEFT, RIGHT = "left hippocampus", "right hippocampus"
SHAPE_KJI = (7, 11, 9)


def masks_by_itk(path: Path, grid: sitk.Image) -> dict[str, np.ndarray]:
    """Segment id -> what SimpleITK finds at the voxels of an image in a .seg.nrrd, bool [K, J, I]."""
    stored = sitk.ReadImage(str(path))
    masks, number = {}, 0
    while stored.HasMetaDataKey(f"Segment{number}_ID"):
        header = {key: stored.GetMetaData(f"Segment{number}_{key}") for key in ("ID", "Layer", "LabelValue")}
        layered = stored.GetNumberOfComponentsPerPixel() > 1
        layer = sitk.VectorIndexSelectionCast(stored, int(header["Layer"])) if layered else stored
        there = sitk.Resample(layer, grid, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        masks[header["ID"]] = sitk.GetArrayFromImage(there) == int(header["LabelValue"])
        number += 1
    return masks


@pytest.mark.parametrize("flip", [(False, False, False), (True, False, False), (False, True, True)])
def test_simpleitk_reads_the_masks_out_of_a_seg_nrrd(make_image, load, scene, tmp_path, flip) -> None:
    head = load(make_image(flip), from_file=False)
    scene.show(head.answer(LEFT, RIGHT, "brainstem"), head.node)
    path = tmp_path / "findings.seg.nrrd"
    assert slicer.util.saveNode(head.segmentation_node, str(path))
    masks = masks_by_itk(path, head.image)
    assert list(masks) == ["left_hippocampus", "right_hippocampus", "brainstem"]
    for seed, mask in enumerate(masks.values()):
        np.testing.assert_array_equal(mask, head.mask(seed))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(masks=st.lists(hnp.arrays(bool, SHAPE_KJI, elements=st.booleans()), min_size=1, max_size=3))
def test_any_masks_go_through_node_and_file_bit_by_bit(load, tmp_path, masks) -> None:
    slicer.mrmlScene.Clear(0)
    masks = [mask for mask in masks if mask.any()]
    head = load(from_file=False)
    empty = head.answer()
    found = tuple(Finding.of("cyst", mask, empty.volume, Plane.AXIAL, 0.5) for mask in masks)
    shown = AnswerScene().show(replace(empty, findings=found), head.node)
    for mask, segment_id in zip(masks, shown.segment_ids, strict=True):
        np.testing.assert_array_equal(head.covered(segment_id), mask)
    if masks:
        path = tmp_path / "any.seg.nrrd"
        assert slicer.util.saveNode(head.segmentation_node, str(path))
        back = masks_by_itk(path, head.image)
        assert all(
            np.array_equal(back[key], mask) for key, mask in zip(shown.segment_ids, masks, strict=True)
        )


def test_our_own_reader_finds_names_colours_codes_and_tags_in_slicers_file(head, scene, tmp_path) -> None:
    answer = head.answer(LEFT, RIGHT, text="Où est-il ? | Wo: liegt er?\nUnd 海马?")
    scene.show(answer, head.node)
    path = tmp_path / "findings.seg.nrrd"
    assert slicer.util.saveNode(head.segmentation_node, str(path))
    for segment, expected in zip(read_segmentation(path), answer.segments(), strict=True):
        assert (segment.id, segment.name, segment.terminology) == (
            expected.id, expected.name, expected.terminology,
        )  # fmt: skip
        np.testing.assert_allclose(segment.colour, expected.colour, atol=1e-5)
        assert segment.tags["MedSegR.Question"] == "Où est-il ? / Wo: liegt er? Und 海马?"
        assert segment.tags["MedSegR.Confidence"] == "0.875"
        # SimpleITK gives the stored box; what lies in it is checked above.
        assert segment.mask.sum() == expected.mask.sum()


def save_and_load(path: Path) -> None:
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(0)
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
    slicer.util.loadScene(str(path))


def test_a_scene_in_an_mrb_comes_back_whole(load, scene, tmp_path) -> None:
    head = load()
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    matrix = np.array([[0, -1.0, 0, 7], [1, 0, 0, -8], [0, 0, 1, 9], [0, 0, 0, 1]])
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    head.node.SetAndObserveTransformNodeID(transform.GetID())
    shown = scene.show(head.answer(LEFT, RIGHT), head.node)
    scene.set_visible(shown, 1, False)
    before = head.state()
    save_and_load(tmp_path / "case.mrb")
    with zipfile.ZipFile(tmp_path / "case.mrb") as bundle:
        (name,) = (name for name in bundle.namelist() if name.endswith(".seg.nrrd"))
        (tmp_path / "out.seg.nrrd").write_bytes(bundle.read(name))
    grid = sitk.ReadImage(str(tmp_path / "Head.nrrd"))
    for seed, mask in enumerate(masks_by_itk(tmp_path / "out.seg.nrrd", grid).values()):
        np.testing.assert_array_equal(mask, head.mask(seed))

    head.node = slicer.util.getNode("Head")
    after = head.state()
    assert [row[:2] + row[3:] for row in after] == [row[:2] + row[3:] for row in before]
    np.testing.assert_allclose([row[2] for row in after], [row[2] for row in before], atol=1e-5)
    recalled = scene.recall(head.node, shown.segment_ids)
    assert scene.visible(recalled, 0) and not scene.visible(recalled, 1)
    np.testing.assert_array_equal(scene.mask_of(recalled, 1), head.mask(1))


def test_after_a_reload_answers_go_on_in_the_same_segmentation(head, scene, tmp_path) -> None:
    scene.show(head.answer(LEFT, RIGHT), head.node)
    save_and_load(tmp_path / "case.mrb")
    head.node = slicer.util.getNode("Head")
    again = AnswerScene()
    again.show(head.answer(LEFT, seed=3), head.node, update=True)
    again.show(head.answer(RIGHT, seed=4), head.node)
    assert list(head.segments) == ["left_hippocampus", "right_hippocampus", "right_hippocampus_2"]
    for segment_id, seed in zip(head.segments, (3, 1, 4), strict=True):
        np.testing.assert_array_equal(head.covered(segment_id), head.mask(seed))
    assert again.undo() and again.undo() and not again.undo()
    for segment_id, seed in zip(head.segments, (0, 1), strict=True):
        np.testing.assert_array_equal(head.covered(segment_id), head.mask(seed))


def test_the_preview_is_never_saved(head, scene, tmp_path) -> None:
    scene.preview(head.node, Plane.AXIAL, 2, {"cyst": np.ones((11, 9), dtype=bool)}, {})
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") != []
    save_and_load(tmp_path / "case.mrb")
    assert slicer.util.getNodesByClass("vtkMRMLSegmentationNode") == []
