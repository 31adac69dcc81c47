"""Conversations: what was asked and answered about a volume, kept in the scene as a text node.

    entries = [entry_of(answer, shown)]
    ConversationStore().save(volume_node, entries)

The text is JSON and lies in the scene file itself, so it is saved with `.mrml` and `.mrb` alike. The masks
are not in it, but the ids of their segments are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer

from MedSegRLib.answers import Answer, UserInputError
from MedSegRLib.imaging import Volume
from MedSegRLib.scene.nodes import nodes_of_class, place_beside
from MedSegRLib.scene.segmentation import segmentations_of
from MedSegRLib.scene.shown import ShownAnswer

_FORMAT, _VERSION = "MedSegR.Conversation", "1"
_VOLUME_ROLE, _SEGMENTATION_ROLE = "MedSegR.Volume", "MedSegR.Segmentation"


def entry_of(answer: Answer, shown: ShownAnswer) -> dict[str, Any]:
    """One exchange of a conversation: the answer without masks, and the ids of its segments."""
    return {"answer": answer.to_dict(), "segments": list(shown.segment_ids)}


def answer_of(
    entry: Mapping[str, Any], volume: Volume, masks: Sequence[npt.NDArray[np.bool_] | None]
) -> Answer:
    """The answer of an entry that came back with its scene.

    Parameters
    ----------
    entry
        As `entry_of` gives it.
    volume
        The scan that it is about.
    masks
        For each finding what its segment holds now, or None where it is gone (`AnswerScene.mask_of`).
        Findings without a voxel are left out.
    """
    data = dict(entry["answer"])
    pairs = zip(data["findings"], masks, strict=True)
    there = [(finding, mask) for finding, mask in pairs if mask is not None and mask.any()]
    data["findings"] = [finding for finding, _ in there]
    # Slicer rounds the last digit of the geometry that it saves, which makes another fingerprint of it.
    data["volume"] = {**data["volume"], "fingerprint": volume.fingerprint()}
    return Answer.from_dict(data, volume, [mask for _, mask in there])


class ConversationStore:
    """The conversations of one scene, one for each volume.

    Parameters
    ----------
    scene
        The vtkMRMLScene; None for Slicer's own.
    """

    def __init__(self, scene: Any = None) -> None:
        self.scene = slicer.mrmlScene if scene is None else scene

    def save(self, volume_node: Any, entries: Sequence[Mapping[str, Any]]) -> None:
        """Keep a conversation in place of what was kept of the volume before.

        Parameters
        ----------
        volume_node
            The volume that it is about.
        entries
            What JSON can hold, such as `entry_of` gives. None at all for a new conversation.
        """
        node = self._node_of(volume_node)
        if node is None and not entries:
            return
        if node is None:
            name = self.scene.GenerateUniqueName(f"{volume_node.GetName()} MedSeg-R conversation")
            node = self.scene.AddNewNodeByClass("vtkMRMLTextNode", name)
            # In the scene file and not beside it, where saving a .mrml alone would lose it.
            node.SetForceCreateStorageNode(slicer.vtkMRMLTextNode.CreateStorageNodeNever)
            node.SetAttribute(_FORMAT, _VERSION)
            node.SetNodeReferenceID(_VOLUME_ROLE, volume_node.GetID())
            place_beside(node, volume_node)
        segmentations = segmentations_of(volume_node)
        node.SetNodeReferenceID(_SEGMENTATION_ROLE, segmentations[-1].GetID() if segmentations else None)
        # ASCII, since a scene is XML and cannot hold every character that a question can.
        node.SetText(json.dumps(list(entries), ensure_ascii=True, allow_nan=False))

    def load(self, volume_node: Any) -> list[dict[str, Any]]:
        """The conversation about a volume; empty where there is none.

        Raises
        ------
        UserInputError
            If its text was changed and is no conversation any more.
        """
        node = self._node_of(volume_node)
        if node is None:
            return []
        try:
            entries = json.loads(node.GetText() or "[]")
        except ValueError as error:
            raise _damaged(node) from error
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise _damaged(node)
        return entries

    def _node_of(self, volume_node: Any) -> Any:
        """The volume's text node; one that a later version wrote is none of ours, and left alone."""
        for node in nodes_of_class(self.scene, "vtkMRMLTextNode"):
            about = node.GetNodeReferenceID(_VOLUME_ROLE)
            if node.GetAttribute(_FORMAT) == _VERSION and about == volume_node.GetID():
                return node
        return None


def _damaged(node: Any) -> UserInputError:
    return UserInputError(
        f"The text of {node.GetName()} was changed and is no conversation any more; "
        "delete that text node to begin a new one."
    )
