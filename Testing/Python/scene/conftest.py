"""What the tests of the scene share: Slicer's scene, scans made by SimpleITK, and answers about them.

In a real Slicer they run as they are; elsewhere the glue puts an application around Slicer's core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk

from MedSegRLib.answers import Answer, Finding, Provenance, Question
from MedSegRLib.imaging import Plane, window_for
from MedSegRLib.scene import AnswerScene, volume_of

if not hasattr(slicer, "app"):
    sys.path.append(str(Path(__file__).resolve().parents[1] / "stand_ins"))
    import slicer_glue

    slicer_glue.start()

SHAPE_KJI = (7, 11, 9)
TAGS = (
    "TerminologyEntry", "Segmentation.Status", "MedSegR.Question", "MedSegR.Model", "MedSegR.Slices",
    "MedSegR.Confidence", "MedSegR.Use", "MedSegR.Structure", "MedSegR.Side",
)  # fmt: skip


@pytest.fixture(autouse=True)
def clean_scene() -> Iterator[None]:
    """Every test begins with an empty scene, and none may make VTK complain."""
    complaints: list[str] = []

    def complained(window: object, event: str, text: str) -> None:
        complaints.append(f"{event}: {text}")

    complained.CallDataType = vtk.VTK_STRING
    slicer.mrmlScene.Clear(0)
    window = vtk.vtkOutputWindow.GetInstance()
    tags = [window.AddObserver(event, complained) for event in ("ErrorEvent", "WarningEvent")]
    yield
    for tag in tags:
        window.RemoveObserver(tag)
    slicer.mrmlScene.Clear(0)
    assert complaints == []


def image_of_noise(
    flip: tuple[bool, bool, bool] = (False, False, False), sizes_ijk: tuple[int, int, int] = SHAPE_KJI[::-1]
) -> sitk.Image:
    """An oblique, anisotropic image, any of its axes I, J and K flipped."""
    noise = np.random.default_rng(1).integers(0, 900, sizes_ijk[::-1])
    image = sitk.GetImageFromArray(noise.astype(np.int16))
    turn = np.array(sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.4, 0.1, -0.7).GetMatrix()).reshape(3, 3)
    image.SetDirection((turn @ np.diag([-1.0 if flipped else 1.0 for flipped in flip])).ravel())
    image.SetSpacing((0.9, 0.75, 2.5))
    image.SetOrigin((-31.5, -120.25, 77.0))
    return image


@pytest.fixture
def make_image() -> Callable[..., sitk.Image]:
    return image_of_noise


@dataclass
class Head:
    """A scan in the scene, answers about it, and what Slicer itself says of their segments."""

    image: sitk.Image
    node: Any

    def mask(self, seed: int = 0) -> np.ndarray:
        """A mask without any symmetry: a quarter of the voxels of a part of the grid, at random."""
        mask = np.random.default_rng(seed).random(SHAPE_KJI) < 0.25
        mask[: seed % 3], mask[:, -1 - seed % 2 :] = False, False
        return mask

    def answer(self, *phrases: str, text: str = "Which one?", seed: int = 0) -> Answer:
        """An answer that found these phrases, the first with `mask(seed)`, the next with `mask(seed + 1)`."""
        volume = volume_of(self.node)
        findings = tuple(
            Finding.of(phrase, self.mask(seed + n), volume, Plane.AXIAL, 0.875)
            for n, phrase in enumerate(phrases)
        )
        window = window_for(volume)
        provenance = Provenance("medsegr-mini", "1", window, Plane.AXIAL, (0, 1), "ground", 0, "0.1.0")
        return Answer(Question(text), "There.", findings, ("tumour",), provenance, volume, "<p>x</p>[SEG]")

    @property
    def segmentation_node(self) -> Any:
        """The only segmentation node in the scene."""
        (node,) = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
        return node

    @property
    def segments(self) -> dict[str, Any]:
        """Id -> segment."""
        segmentation = self.segmentation_node.GetSegmentation()
        return {
            segment_id: segmentation.GetSegment(segment_id) for segment_id in segmentation.GetSegmentIDs()
        }

    def covered(self, segment_id: str) -> np.ndarray:
        """What Slicer's own export says that a segment covers on the volume's grid, bool [K, J, I]."""
        node = self.segmentation_node
        return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, self.node) != 0

    tag_names = TAGS

    def tags(self, segment: Any) -> list[str | None]:
        """Values of the tags, in the order of `tag_names`."""
        values = []
        for name in TAGS:
            value = vtk.reference("")
            values.append(str(value) if segment.GetTag(name, value) else None)
        return values

    def state(self) -> list[tuple[Any, ...]]:
        """All that a user sees of the segments, in their order: id, name, colour, tags, mask."""
        return [
            (key, segment.GetName(), segment.GetColor(), self.tags(segment), self.covered(key).tobytes())
            for key, segment in self.segments.items()
        ]


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Head]:
    """Brings an image of SimpleITK into the scene, by a file or by its numbers."""

    def load(
        image: sitk.Image | None = None, name: str = "Head", *, from_file: bool = True, **properties: object
    ) -> Head:
        image = image_of_noise() if image is None else image
        if not from_file:
            node = slicer.util.addVolumeFromArray(sitk.GetArrayFromImage(image), name=name)
            x, y, z = image.GetOrigin()
            node.SetOrigin(-x, -y, z)
            node.SetSpacing(image.GetSpacing())
            lps = np.array(image.GetDirection()).reshape(3, 3)
            node.SetIJKToRASDirections(*(np.diag([-1.0, -1.0, 1.0]) @ lps).ravel())
            return Head(image, node)
        path = tmp_path / f"{name}.nrrd"
        sitk.WriteImage(image, str(path))
        return Head(image, slicer.util.loadVolume(str(path), {"name": name, **properties}))

    return load


@pytest.fixture
def head(load: Callable[..., Head]) -> Head:
    return load()


@pytest.fixture
def scene() -> AnswerScene:
    return AnswerScene()
