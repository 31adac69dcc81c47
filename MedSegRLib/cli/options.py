"""Options that several commands share, and what their values mean.

Conventions: slices are canonical indices along the plane, counted from 0, last one included.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from MedSegRLib.errors import QuestionError, UserInputError

if TYPE_CHECKING:
    from MedSegRLib.imaging import Modality, Plane

Scan = Annotated[
    Path,
    typer.Argument(
        metavar="SCAN",
        help="NRRD, NIfTI, MetaImage, PNG, a DICOM file or a folder with a DICOM series.",
        show_default=False,
    ),
]
Series = Annotated[
    str | None,
    typer.Option(metavar="UID|NUMBER|NAME", help="Which series of a DICOM folder.", show_default=False),
]
ModalityName = Annotated[
    str | None,
    typer.Option(
        "--modality",
        metavar="MR|CT",
        help="How the scan was made, if the file does not say.",
        show_default=False,
    ),
]
BodyPart = Annotated[
    str | None,
    typer.Option(
        metavar="PART", help="What the scan shows, such as brain; chooses a CT's window.", show_default=False
    ),
]
PlaneName = Annotated[
    str | None,
    typer.Option(
        "--plane",
        metavar="axial|coronal|sagittal",
        help="The plane to look at slices in.",
        show_default="the model's",
    ),
]
SliceRange = Annotated[
    str | None,
    typer.Option(
        metavar="A:B",
        help="First and last slice to look at, counted from 0; one number for one slice.",
        show_default="all",
    ),
]
ModeName = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="ground|generate",
        help="Write one answer and find it on every slice, or write on every slice.",
    ),
]
ModelName = Annotated[
    str, typer.Option("--model", metavar="NAME|FOLDER", help="A model's name, or its folder.")
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same answer.")]
Cache = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Remember what was seen of scans here, for later runs.", show_default=False
    ),
]


def plane_of(name: str | None) -> Plane | None:
    """Turn a plane's name into the plane; UserInputError if there is none of it."""
    from MedSegRLib.imaging import Plane

    return None if name is None else _member("plane", Plane, name)


def modality_of(name: str | None) -> Modality | None:
    """Turn a modality's name into the modality; UserInputError if there is none of it."""
    from MedSegRLib.imaging import Modality

    return None if name is None else _member("modality", Modality, name)


def slices_of(text: str | None) -> tuple[int, int] | None:
    """Read "A:B" or "A" as first and last slice.

    Raises
    ------
    QuestionError
        If it is neither.

    Examples
    --------
    >>> slices_of("40:60"), slices_of("7"), slices_of(None)
    ((40, 60), (7, 7), None)
    """
    if text is None:
        return None
    first, colon, last = (part.strip() for part in text.partition(":"))
    numbers = (first, last if colon else first)
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise QuestionError(f"Slices '{text}' are no range; write the first and the last one as in 40:60.")
    return int(numbers[0]), int(numbers[1])


def _member(what: str, kind: Any, name: str) -> Any:
    for member in kind:
        if name.strip().lower() == member.value.lower():
            return member
    known = " or ".join(member.value for member in kind)
    raise UserInputError(f"There is no {what} '{name}'; use {known}.")
