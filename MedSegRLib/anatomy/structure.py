"""What is known of one structure: names, side, place, codes, colour, labels and clinical facts.

Colours are (red, green, blue), each 0 to 255. Codes are of SNOMED CT. All values are immutable.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Fact", "Side", "Structure"]


class Side(Enum):
    """Side of the patient, never of the picture."""

    LEFT = "left"
    RIGHT = "right"
    NONE = "none"

    @property
    def other(self) -> Side:
        """The opposite side; NONE has none."""
        return {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}.get(self, Side.NONE)


@dataclass(frozen=True)
class Fact:
    """One clinical fact that a question may turn on.

    Attributes
    ----------
    kind
        function, deficit, disease, imaging, blood_supply, intervention, connection, neighbour,
        shape, development, size, part or lay.
    source
        Where it can be read.
    clauses
        Verb phrases: "Which structure <clause>?" and "It <clause>."
    topics
        Noun phrases: "the structure linked with <topic>".
    sided
        True where clauses and topics hold ``{side}`` or ``{other}``, the sides they fix.
    """

    kind: str
    source: str
    clauses: tuple[str, ...]
    topics: tuple[str, ...]
    sided: bool = False


@dataclass(frozen=True)
class Structure:
    """One entry of the anatomy table.

    Attributes
    ----------
    id
        snake_case, unique.
    name, plural, latin
        Preferred English name in singular and plural, and the Latin one.
    synonyms, abbreviations
        Further wordings; each names this structure only.
    sided
        True if the patient has a left and a right one.
    parent
        Id of the structure or group that it is part of.
    members
        Ids of what a group consists of; empty for a structure that is no group.
    region
        brain, head_neck, thorax, heart, abdomen, pelvis or spine.
    modalities
        "MR", "CT": what shows it.
    snomed, snomed_meaning
        SNOMED CT code and its meaning; None where no code is certain.
    colour
        (red, green, blue), 0 to 255.
    neighbours
        Ids of structures beside it.
    normal_size, size_source
        A phrase with numbers and units, and where it is from.
    freesurfer
        Pairs of side and FreeSurfer label ids; empty where there are none.
    facts
        What implicit questions turn on.
    """

    id: str
    name: str
    plural: str
    latin: str
    synonyms: tuple[str, ...]
    abbreviations: tuple[str, ...]
    sided: bool
    parent: str | None
    members: tuple[str, ...]
    region: str
    modalities: tuple[str, ...]
    snomed: str | None
    snomed_meaning: str | None
    colour: tuple[int, int, int]
    neighbours: tuple[str, ...]
    normal_size: str | None
    size_source: str | None
    freesurfer: tuple[tuple[Side, tuple[int, ...]], ...]
    facts: tuple[Fact, ...]

    @property
    def wordings(self) -> tuple[str, ...]:
        """Every text that names this structure, preferred name first."""
        return (
            self.name, self.plural, *self.synonyms, self.latin, *self.abbreviations, self.id.replace("_", " ")
        )  # fmt: skip

    @property
    def is_group(self) -> bool:
        """True for an entry that consists of others."""
        return bool(self.members)

    def label_ids(self, side: Side = Side.NONE) -> tuple[int, ...]:
        """FreeSurfer label ids of a side; with NONE those of all sides."""
        return tuple(i for of, ids in self.freesurfer if side in (Side.NONE, of) for i in ids)

    def side_name(self, side: Side) -> str:
        """Preferred name with its side, such as "left hippocampus"; without one if it has no sides."""
        return f"{side.value} {self.name}" if self.sided and side is not Side.NONE else self.name
