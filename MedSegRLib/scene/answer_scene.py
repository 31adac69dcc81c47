"""AnswerScene: answers written into the MRML scene, shown, pointed at, undone.

    scene = AnswerScene()
    shown = scene.show(answer, volume_node)
    scene.jump_to(shown, 0)
    scene.undo()

While an answer streams in, the same in three parts: `begin`, `add_finding` for each, `finish`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from MedSegRLib.anatomy import Side
from MedSegRLib.answers import Answer, Finding, Question, UserInputError
from MedSegRLib.imaging import Plane
from MedSegRLib.scene import pointing
from MedSegRLib.scene.history import History
from MedSegRLib.scene.preview import Preview
from MedSegRLib.scene.segmentation import segmentation_for, segmentations_of
from MedSegRLib.scene.segments import add_segment, describe_segment, fill_segment, free_name, mask_of_segment
from MedSegRLib.scene.shown import ShownAnswer

_STRUCTURE, _SIDE = "MedSegR.Structure", "MedSegR.Side"


class AnswerScene:
    """Answers in one scene.

    Parameters
    ----------
    scene
        The vtkMRMLScene; None for Slicer's own.
    """

    def __init__(self, scene: Any = None) -> None:
        self.scene = slicer.mrmlScene if scene is None else scene
        self._history = History()
        self._preview = Preview()

    # Writing

    def show(self, answer: Answer, volume_node: Any, *, update: bool = False) -> ShownAnswer:
        """Write the findings of an answer as segments of the volume's segmentation node.

        An answer that found nothing changes nothing.

        Parameters
        ----------
        answer
            About this volume.
        volume_node
            The volume node that was asked about.
        update
            True to put each finding in place of the last one of the same structure and side that is
            from us; False to add it, numbered where the name is taken.

        Raises
        ------
        UserInputError
            If the masks do not have the volume's size; nothing is written then.
        """
        shown = self.begin(volume_node, answer.question, update=update)
        self.finish(shown, answer)
        return shown

    def begin(self, volume_node: Any, question: Question, *, update: bool = False) -> ShownAnswer:
        """Begin to show an answer that is still on its way; nothing is written yet."""
        return ShownAnswer(volume_node, question, update)

    def add_finding(self, shown: ShownAnswer, finding: Finding) -> bool:
        """Write the next finding; False where the volume was deleted meanwhile.

        Raises
        ------
        UserInputError
            If the mask does not have the volume's size; nothing is written then.
        """
        volume_node = shown.volume_node
        if volume_node is None:
            return False
        _refuse_other_size(finding, volume_node)
        node = segmentation_for(volume_node)
        shown.surfaces.put_aside(node)
        segment_id = self._segment_for(shown, finding, node)
        fill_segment(node, segment_id, finding.mask, volume_node)
        question = shown.question.text if shown.question is not None else ""
        tags = {_STRUCTURE: _key(finding), _SIDE: finding.side.value, "MedSegR.Question": question}
        describe_segment(node.GetSegmentation().GetSegment(segment_id), finding.terminology, tags)
        shown.add(node, segment_id)
        return True

    def finish(self, shown: ShownAnswer, answer: Answer | None) -> None:
        """Write what has not been written yet of a whole or a cancelled answer, and all tags.

        The findings written before must be the first of the answer, as the events bring them. None for
        an answer that failed on the way.
        """
        for finding in answer.findings[len(shown.segment_ids) :] if answer is not None else ():
            self.add_finding(shown, finding)
        shown.surfaces.bring_back()
        for index, segment in enumerate(answer.segments() if answer is not None else ()):
            place = shown.segment(index)
            if place is not None:
                node, segment_id = place
                describe_segment(node.GetSegmentation().GetSegment(segment_id), "", segment.tags)

    def _segment_for(self, shown: ShownAnswer, finding: Finding, node: Any) -> str:
        """The segment that a finding goes into, new or earlier; what it held is remembered."""
        step = self._history.step_of(shown, node)
        earlier = [
            segment_id
            for segment_id in _ids_of(node, _key(finding), finding.side)
            if shown.update and segment_id not in shown.segment_ids
        ]
        if earlier:
            step.remember(earlier[-1])
            return earlier[-1]
        stem = re.sub(r"\W+", "_", finding.name.lower()).strip("_") or "finding"
        segment_id, name = free_name(node, stem, finding.name)
        step.remember(segment_id)
        add_segment(node, segment_id, name, finding.colour)
        return segment_id

    # One answer is one step

    @property
    def can_undo(self) -> bool:
        """Whether there is an answer or a deletion to undo."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is one to do again."""
        return self._history.can_redo

    def undo(self) -> bool:
        """Take the last answer's segments back as one step; False where there is nothing to undo."""
        return self._history.undo()

    def redo(self) -> bool:
        """Bring back what was undone last; False where there is nothing."""
        return self._history.redo()

    # One finding

    def visible(self, shown: ShownAnswer, index: int) -> bool:
        """Whether a finding is there and shown."""
        place = shown.segment(index)
        if place is None:
            return False
        display = place[0].GetDisplayNode()
        return bool(display and display.GetVisibility() and display.GetSegmentVisibility(place[1]))

    def set_visible(self, shown: ShownAnswer, index: int, visible: bool) -> bool:
        """Show or hide a finding; False where it is gone."""
        place = shown.segment(index)
        if place is None:
            return False
        node, segment_id = place
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetSegmentVisibility(segment_id, visible)
        if visible:
            node.GetDisplayNode().SetVisibility(True)
        return True

    def delete(self, shown: ShownAnswer, index: int) -> bool:
        """Delete a finding's segment, which can be undone; False where it is gone."""
        place = shown.segment(index)
        if place is None:
            return False
        node, segment_id = place
        # A deletion has no answer that could go on with its step.
        self._history.step_of(object(), node).remember(segment_id)
        node.GetSegmentation().RemoveSegment(segment_id)
        return True

    def jump_to(self, shown: ShownAnswer, index: int) -> bool:
        """Move every slice view onto a finding; False where it is gone or empty."""
        place = shown.segment(index)
        return place is not None and pointing.jump_to(*place)

    def mask_of(self, shown: ShownAnswer, index: int) -> npt.NDArray[np.bool_] | None:
        """bool [K, J, I] that a finding's segment holds now, edits included; None where it is gone."""
        place, volume_node = shown.segment(index), shown.volume_node
        if place is None or volume_node is None:
            return None
        return mask_of_segment(*place, volume_node)

    # A volume and its segmentation

    def recall(self, volume_node: Any, segment_ids: Sequence[str]) -> ShownAnswer:
        """The answer whose segments have these ids, for a conversation that came back with its scene."""
        shown = ShownAnswer(volume_node, None)
        nodes = segmentations_of(volume_node)
        for segment_id in segment_ids:
            holding = [node for node in nodes if node.GetSegmentation().GetSegment(segment_id) is not None]
            shown.add(holding[-1] if holding else None, segment_id)
        return shown

    def segment_ids(self, volume_node: Any, structure: str, side: Side = Side.NONE) -> list[str]:
        """Ids of the segments that show a structure (its id in the anatomy table), oldest first."""
        nodes = segmentations_of(volume_node)
        return [segment_id for node in nodes for segment_id in _ids_of(node, structure, side)]

    def show_3d(self, volume_node: Any, shown: bool) -> bool:
        """Show or drop the surfaces of a volume's findings in 3-D; False where it has no finding."""
        nodes = segmentations_of(volume_node)
        for node in nodes:
            if shown:
                node.CreateClosedSurfaceRepresentation()
            else:
                node.RemoveClosedSurfaceRepresentation()
            node.GetDisplayNode().SetVisibility3D(shown)
        return bool(nodes)

    # While slices are looked at

    def preview(
        self,
        volume_node: Any,
        plane: Plane,
        slice_index: int,
        masks: Mapping[str, npt.NDArray[np.bool_]],
        colours: Mapping[str, Sequence[float]],
    ) -> None:
        """Outline what was seen on a slice, until `clear_preview`.

        Parameters
        ----------
        volume_node
            The volume node that is asked about.
        plane, slice_index, masks
            As of `Planned` and `SliceDone`.
        colours
            Name -> red, green, blue from 0 to 1; grey for a name that has none.
        """
        self._preview.draw(volume_node, plane, slice_index, masks, colours)

    def clear_preview(self) -> None:
        """Take the outlines away."""
        self._preview.clear()


def _shape_kji(volume_node: Any) -> tuple[int, ...]:
    return tuple(volume_node.GetImageData().GetDimensions()[::-1])


def _refuse_other_size(finding: Finding, volume_node: Any) -> None:
    if finding.mask.shape != _shape_kji(volume_node):
        raise UserInputError(
            f"{volume_node.GetName()} has {_shape_kji(volume_node)} voxels and the mask of {finding.name} "
            f"{finding.mask.shape}; the volume was changed since it was asked about, so ask again."
        )


def _key(finding: Finding) -> str:
    """What two findings of the same thing have in common, beside the side."""
    return finding.structure or finding.name.lower()


def _ids_of(node: Any, structure: str, side: Side) -> list[str]:
    segmentation = node.GetSegmentation()
    wanted = {_STRUCTURE: structure, _SIDE: side.value}
    return [
        segment_id
        for segment_id in segmentation.GetSegmentIDs()
        if all(_tag(segmentation.GetSegment(segment_id), key) == value for key, value in wanted.items())
    ]


def _tag(segment: Any, key: str) -> str | None:
    value = vtk.reference("")
    return str(value) if segment.GetTag(key, value) else None
