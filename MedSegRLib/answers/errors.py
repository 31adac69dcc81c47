"""Errors, under the name that those who handle answers look for; the tree itself is MedSegRLib.errors.

The floors below answers refuse things too, so the tree lies beneath every room.
"""

from MedSegRLib.errors import (
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

__all__ = [
    "CheckpointError",
    "DatasetError",
    "ImageReadError",
    "MedSegRError",
    "MemoryFullError",
    "OutputError",
    "QuestionError",
    "SeriesChoiceError",
    "UnsupportedVolumeError",
    "UserInputError",
]
