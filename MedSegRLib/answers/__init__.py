"""Answers: what is asked, what happens meanwhile, what is found, measured, saved and reported.

The function `measure` is not among the names here, since the file that it lies in has its name:
`from MedSegRLib.answers.measure import measure`.
"""

from MedSegRLib.answers.answer import Answer, Provenance
from MedSegRLib.answers.errors import (
    CheckpointError,
    DatasetError,
    ImageReadError,
    MedSegRError,
    MemoryFullError,
    OutputError,
    QuestionError,
    SeriesChoiceError,
    UnsupportedVolumeError,
    UserInputError,
)
from MedSegRLib.answers.events import (
    Cancelled,
    Event,
    Failed,
    FindingReady,
    Finished,
    Planned,
    Revised,
    SliceDone,
    Text,
)
from MedSegRLib.answers.finding import Finding
from MedSegRLib.answers.markup import Mention, Piece, Plain, StreamingText, parse, visible_text
from MedSegRLib.answers.measure import Measurements, asymmetry, sentences
from MedSegRLib.answers.question import Mode, Question
from MedSegRLib.answers.report import write_report

__all__ = [
    "Answer",
    "Cancelled",
    "CheckpointError",
    "DatasetError",
    "Event",
    "Failed",
    "Finding",
    "FindingReady",
    "Finished",
    "ImageReadError",
    "Measurements",
    "MedSegRError",
    "MemoryFullError",
    "Mention",
    "Mode",
    "OutputError",
    "Piece",
    "Plain",
    "Planned",
    "Provenance",
    "Question",
    "QuestionError",
    "Revised",
    "SeriesChoiceError",
    "SliceDone",
    "StreamingText",
    "Text",
    "UnsupportedVolumeError",
    "UserInputError",
    "asymmetry",
    "parse",
    "sentences",
    "visible_text",
    "write_report",
]
