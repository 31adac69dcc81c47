"""Errors: everything that MedSegR refuses or fails at, as one tree.

    MedSegRError                 exit code 1
    ├ MemoryFullError            the scan, or what is made of it, does not fit
    └ UserInputError             exit code 2: what was given cannot be used
      ├ ImageReadError           not there, not an image, or cut short
      ├ SeriesChoiceError        a folder holds several DICOM series
      ├ UnsupportedVolumeError   an image, but not one that can be asked about
      ├ QuestionError            nothing is asked
      ├ CheckpointError          unknown model, missing or unknown key
      ├ DatasetError             an item of a data set is invalid
      ├ BatchError               a batch's questions or list of studies make no sense
      └ OutputError              an output cannot be written

The message of each is one sentence for people: what is wrong, and what to do next. Only the
command line and the panel print it. A cancelled answer is an event, not an error.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "BatchError",
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


class MedSegRError(Exception):
    """Root of the tree; its text is one sentence that may be shown to the user as it is."""

    exit_code: int = 1


class MemoryFullError(MedSegRError):
    """Memory, of the computer or of its graphics card, does not hold a scan or what is made of it."""

    def __init__(
        self,
        message: str = "There is not enough memory for this scan; close other programs or ask fewer slices.",
    ) -> None:
        super().__init__(message)


class UserInputError(MedSegRError, ValueError):
    """What the user gave (file, question, model, output) cannot be used."""

    exit_code: int = 2


class ImageReadError(UserInputError):
    """A path that is not there, is not an image, or is cut short."""


class SeriesChoiceError(UserInputError):
    """A folder with several DICOM series, none of them chosen, or one that it does not hold.

    Parameters
    ----------
    message
        The sentence for people.
    series
        (SeriesInstanceUID, description, number of files) of each series in the folder.
    """

    def __init__(self, message: str, series: Sequence[tuple[str, str, int]] = ()) -> None:
        super().__init__(message)
        self.series: list[tuple[str, str, int]] = list(series)

    def __reduce__(self) -> tuple[type[SeriesChoiceError], tuple[str, list[tuple[str, str, int]]]]:
        # The default would call the class with the message alone: an error that crosses a
        # process would lose its list.
        return type(self), (str(self), self.series)


class UnsupportedVolumeError(UserInputError):
    """An image that cannot be asked about: 4-D, colour, not a number, constant, without size."""


class QuestionError(UserInputError):
    """A question in which nothing is asked."""


class CheckpointError(UserInputError):
    """A model that is not known, or whose files do not fit together."""


class DatasetError(UserInputError):
    """An item of a data set that does not follow the format."""


class BatchError(UserInputError):
    """A file of questions or a list of studies that cannot be used."""


class OutputError(UserInputError):
    """An output that cannot be written; nothing is left behind."""
