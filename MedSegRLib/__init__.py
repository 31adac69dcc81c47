"""MedSeg-R: ask a scan a clinical question; get words and, for every finding named, a mask.

Importing the package imports nothing else: the rooms that live inside 3D Slicer must open where
there is no torch. A name below is fetched from its room when it is first asked for.

    from MedSegRLib import Session, open_model, read_volume
    session = Session(read_volume("scan.nii.gz"), open_model("mini"))
    answer = session.ask("Which structure is the first to shrink in Alzheimer's disease?")
    answer.save("answer.seg.nrrd")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from MedSegRLib.answers import Answer, Finding, Question
    from MedSegRLib.imaging import Volume, read_volume
    from MedSegRLib.model import open_model
    from MedSegRLib.reasoning import Session

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Finding",
    "Question",
    "Session",
    "Volume",
    "__version__",
    "open_model",
    "read_volume",
]

_ROOM_OF = {
    "Answer": "answers",
    "Finding": "answers",
    "Question": "answers",
    "Session": "reasoning",
    "Volume": "imaging",
    "open_model": "model",
    "read_volume": "imaging",
}


def __getattr__(name: str) -> object:
    """Fetch a public name from its room, once."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
