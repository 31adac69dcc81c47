"""Plan: which slices of which plane a question is about.

Slices are canonical indices along the plane (`imaging.slices`), counted from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from MedSegRLib.answers import Question
from MedSegRLib.errors import QuestionError, UserInputError
from MedSegRLib.imaging import Modality, Plane, Volume
from MedSegRLib.model import MedSegRConfig

__all__ = ["Plan", "body_part_of", "choose_plane", "make_plan", "notes_about"]

# Slices so many times as thick as their pixels are wide are better looked at as they were acquired.
_THICK = 2.5
# So few millimetres from the first slice to the last hold a spine, but no head.
_NARROW_MM = 110.0


@dataclass(frozen=True)
class Plan:
    """The slices to ground the answer on, and the few of them that are talked about."""

    slices: tuple[int, ...]
    key_slices: tuple[int, ...]


def choose_plane(volume: Volume, config: MedSegRConfig, wanted: Plane | None) -> Plane:
    """Choose the plane of the slices: the model's first one, if nobody wants another.

    A thick and narrow slab, as spines are acquired, is read as it was acquired where the model can.

    Raises
    ------
    UserInputError
        If another plane is wanted than the one the model was trained for.
    """
    trained = Plane(config.plane)
    known = (trained, *map(Plane, config.other_planes))
    if volume.is_single_slice:
        own = volume.acquisition_plane
        if wanted not in (None, *known, own):
            raise UserInputError(
                f"{volume.name} is a single {own.value} slice; ask about it without another plane."
            )
        return own
    if wanted is None:
        narrow = volume.shape_kji[0] * volume.spacing_mm[2] < _NARROW_MM
        return volume.acquisition_plane if narrow and _better_as_acquired(volume, config) else trained
    if wanted not in known:
        planes = " and ".join((trained.value, *config.other_planes))
        raise UserInputError(
            f"The model {config.name} was trained on {planes} slices only; "
            f"ask without the plane {wanted.value}."
        )
    return wanted


def body_part_of(volume: Volume, config: MedSegRConfig) -> str | None:
    """The one region that a model knows, of scans as it knows them; other scans may show anything."""
    known = len(config.regions) == 1 and volume.modality.value in config.modalities
    return config.regions[0] if known else None


def notes_about(volume: Volume, config: MedSegRConfig, plane: Plane) -> tuple[str, ...]:
    """Sentences on what the answer rests on, for its provenance."""
    notes = list(volume.notes)
    if plane.value not in (config.plane, *config.other_planes):
        notes.append(
            f"The scan is a single {plane.value} slice, but the model was trained on {config.plane} ones."
        )
    elif volume.is_single_slice:
        notes.append("The scan is a single slice, so nothing is known of what lies beside it.")
    own = volume.acquisition_plane
    if own is not plane and not volume.is_single_slice and _better_as_acquired(volume, config):
        notes.append(
            f"The scan was acquired in thick {own.value} slices and read in {plane.value} ones; "
            f"ask with the plane {own.value} to have it read as it was acquired."
        )
    known = volume.modality is not Modality.UNKNOWN
    if known and config.modalities and volume.modality.value not in config.modalities:
        notes.append(f"The scan is {volume.modality.value}, the model learnt {', '.join(config.modalities)}.")
    return tuple(notes)


def _better_as_acquired(volume: Volume, config: MedSegRConfig) -> bool:
    """Whether a scan has thick slices of a plane that may be asked for besides the model's first."""
    spacing = volume.spacing_mm
    return volume.acquisition_plane.value in config.other_planes and spacing[2] >= _THICK * min(spacing[:2])


def make_plan(question: Question, filled: Sequence[int], count: int, key_slices: int) -> Plan:
    """Plan a question.

    Parameters
    ----------
    question
        Its `slices` narrow the plan.
    filled
        Slices that show anything, rising.
    count
        Number of slices of the scan.
    key_slices
        How many slices the words are written from.

    Raises
    ------
    QuestionError
        If the slices asked for are not in the scan.
    """
    first, last = question.slices or (0, count - 1)
    if last >= count:
        raise QuestionError(
            f"The scan has the slices 0 to {count - 1}, so {first} to {last} cannot be asked about; "
            "choose among them."
        )
    # Asked for an empty range, the model looks at it and says what it sees.
    slices = tuple(i for i in filled if first <= i <= last) or tuple(range(first, last + 1))
    return Plan(slices, spread(slices, key_slices))


def spread(slices: Sequence[int], count: int) -> tuple[int, ...]:
    """Take `count` of the slices, each from the middle of an equal share.

    Examples
    --------
    >>> spread(range(100), 4)
    (12, 37, 62, 87)
    >>> spread([3, 4], 8)
    (3, 4)
    """
    if len(slices) <= count:
        return tuple(slices)
    return tuple(slices[int((n + 0.5) * len(slices) / count)] for n in range(count))
