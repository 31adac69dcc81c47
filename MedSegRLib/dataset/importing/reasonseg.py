"""ReasonSeg: LISA's format, a picture and a JSON file of questions and polygons beside it.

ReasonSeg does not name what its target is; a data set of anatomy must. The name is taken from the polygon's
`description`, from the user's label table (by the name of the file), or, where the text is no sentence but
names the target, from the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import read_volume

from ..label_map import write_label_map
from ..source import Source, SourceLabel, SourceQuestion
from .about import About
from .label_table import LabelName
from .reasonseg_file import ReasonSegFile, draw, read_reasonseg_file

__all__ = ["IGNORED", "REASONSEG_SPLITS", "read_reasonseg"]

# The value of pixels that LISA's evaluation leaves out, and the name that they get.
IGNORED = 255
IGNORED_NAME = "to be ignored"
REASONSEG_SPLITS = {"train": "train", "val": "development", "test": "validation"}
_PICTURES = (".jpg", ".jpeg", ".png")


def read_reasonseg(
    place: Path, said: Sequence[LabelName], about: About, table: AnatomyTable, folder: Path
) -> Iterator[Source]:
    """Read a folder in the format of ReasonSeg, or its folders train, val and test.

    Parameters
    ----------
    place
        Where the pictures and JSON files are.
    said
        What the target of a file is, by the file's name without ending.
    about
        What all have in common; a folder train, val or test says the split where this does not.
    table
        The anatomy table.
    folder
        Where label maps are written: a value for each target, 255 for what is to be ignored.

    Raises
    ------
    DatasetError
        If a picture or JSON file is missing or damaged, a target has no name or no pixel.
    ImageReadError, UnsupportedVolumeError
        If a picture cannot be read, or is in colour.
    """
    parts = {name: place / name for name in REASONSEG_SPLITS if (place / name).is_dir()} or {"": place}
    named = {entry.name.lower(): entry for entry in said}
    found: dict[str, Path] = {}
    for split, part in parts.items():
        for file in sorted(part.glob("*.json")):
            if found.setdefault(file.stem, file) != file:
                raise DatasetError(f"{found[file.stem]} and {file} have the same name; rename one of them.")
            yield _source(file, split, named, about, table, folder)
    if not found:
        raise DatasetError(f"{place} holds no JSON file of ReasonSeg; check the path.")


def _source(
    file: Path, split: str, named: Mapping[str, LabelName], about: About, table: AnatomyTable, folder: Path
) -> Source:
    image = next((p for end in _PICTURES if (p := file.with_suffix(end)).exists()), None)
    if image is None:
        raise DatasetError(f"{file} has no picture of the same name beside it; add it.")
    volume = read_volume(image, modality=about.modality)
    content = read_reasonseg_file(file)
    names = [
        None if shape.ignored else _target(file, shape.description, content, named, table)
        for shape in content.shapes
    ]
    targets = list(dict.fromkeys(name for name in names if name is not None))
    if not targets:
        raise DatasetError(f"{file} has no polygon of a target; draw it or leave the picture out.")
    values = tuple(IGNORED if name is None else targets.index(name) + 1 for name in names)
    drawn = draw(content.shapes, values, volume.shape_kji[1:])
    target = folder / f"{split}-{file.stem}.png" if split else folder / f"{file.stem}.png"
    labels = [SourceLabel(target, n, one.name, one.structure, one.side) for n, one in enumerate(targets, 1)]
    hidden = [label.name for label in labels if not (drawn == label.value).any()]
    if hidden:
        raise DatasetError(
            f"The target '{hidden[0]}' of {file} is empty: nothing of it can be seen; draw it."
        )
    if (drawn == IGNORED).any():
        labels.append(SourceLabel(target, IGNORED, IGNORED_NAME, None))
    write_label_map(target, drawn[np.newaxis], volume)
    answer = tuple(range(1, len(targets) + 1))
    return Source(
        patient=(about.patient_pattern is None and content.patient) or about.patient_of(file.stem),
        study=file.stem,
        image=image,
        labels=tuple(labels),
        modality=about.modality_of(volume),
        region=about.region,
        plane=about.plane,
        split=about.split or REASONSEG_SPLITS.get(split),
        origin=about.origin,
        licence=about.licence,
        questions=tuple(SourceQuestion(text, target, answer) for text in content.texts),
    )


def _target(
    file: Path,
    description: str,
    content: ReasonSegFile,
    named: Mapping[str, LabelName],
    table: AnatomyTable,
) -> LabelName:
    if description.strip():
        return LabelName.of(description.strip(), table)
    if file.stem.lower() in named:
        return named[file.stem.lower()]
    if not content.is_sentence:
        part = table.lookup(content.texts[0])
        if part is not None:
            return LabelName(part[0].side_name(part[1]), part[0].id, part[1])
    raise DatasetError(
        f"{file} has a target without a name; write it into the 'description' of its shape, "
        "or give a label table with the name of the file."
    )
