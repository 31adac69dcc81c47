"""Scene: 3D Slicer's MRML scene; volume nodes in, answers as segments out, conversations kept with it.

Nothing here opens a window or waits: it works in Slicer, in Slicer without a main window, and on Slicer's
MRML core alone.
"""

from MedSegRLib.scene.answer_scene import AnswerScene
from MedSegRLib.scene.conversation import ConversationStore, answer_of, entry_of
from MedSegRLib.scene.drawn import Segment, segment_names, segments_at, segments_on
from MedSegRLib.scene.shown import ShownAnswer
from MedSegRLib.scene.views import PointPick, slice_in_view
from MedSegRLib.scene.volume_node import VolumeCache, modality_of, volume_nodes, volume_of
from MedSegRLib.scene.watch import SceneWatch

__all__ = [
    "AnswerScene",
    "ConversationStore",
    "PointPick",
    "SceneWatch",
    "Segment",
    "ShownAnswer",
    "VolumeCache",
    "answer_of",
    "entry_of",
    "modality_of",
    "segment_names",
    "segments_at",
    "segments_on",
    "slice_in_view",
    "volume_nodes",
    "volume_of",
]
