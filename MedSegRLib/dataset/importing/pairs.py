"""Pairs: scans with label maps beside them (NIfTI, NRRD, MetaImage, PNG), named by a label table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from MedSegRLib.imaging import read_volume

from ..label_map import check_labels, read_label_map
from ..source import Source, SourceLabel
from .about import About
from .finding import find_pairs
from .label_table import LabelName

__all__ = ["read_pairs"]


def read_pairs(
    images: Path, labels: Path, names: Sequence[LabelName], about: About, *, complete: bool = False
) -> Iterator[Source]:
    """Read scans with label maps; both stay where they are.

    Parameters
    ----------
    images, labels
        A scan and its label map, or two folders of them; see `find_pairs`.
    names
        The label table, with values.
    about
        What all have in common.
    complete
        Whether a structure of the table without a voxel is not there. Otherwise nobody knows, since it
        may not have been drawn.

    Raises
    ------
    DatasetError
        If a label map does not match its scan, is empty, or holds a label without a name.
    ImageReadError, UnsupportedVolumeError
        If a scan cannot be read or asked about.
    """
    for stem, image, file in find_pairs(images, labels):
        patient = about.patient_of(stem)
        volume = read_volume(image, modality=about.modality)
        values = {name.value: name for name in names if name.value is not None}
        there = check_labels(file, read_label_map(file, volume), values.keys())
        absent = [name for value, name in values.items() if value not in there]
        table = tuple(
            SourceLabel(file, v, name.name, name.structure, name.side) for v, name in values.items()
        )
        drawn = {(label.structure, label.side) for label in table if label.value in there}
        yield Source(
            patient=patient,
            study=stem,
            image=image,
            labels=table,
            modality=about.modality_of(volume),
            region=about.region,
            plane=about.plane,
            undrawn=()
            if complete
            else tuple(
                dict.fromkeys(
                    (name.structure, name.side)
                    for name in absent
                    if name.structure is not None and (name.structure, name.side) not in drawn
                )
            ),
            split=about.split,
            origin=about.origin,
            licence=about.licence,
        )
