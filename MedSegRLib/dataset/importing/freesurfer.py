"""FreeSurfer: the label table of whole-head label maps with FreeSurfer's ids, as SynthSeg draws them."""

from __future__ import annotations

from MedSegRLib.anatomy import AnatomyTable

from .label_table import LabelName

__all__ = ["freesurfer_names"]

# Ids that stand for nothing in the anatomy table.
_OTHERS = {
    24: "cerebrospinal fluid around the brain", 30: "left vessel", 62: "right vessel",
    72: "fifth ventricle", 77: "white matter hypointensities", 80: "other hypointensities",
}  # fmt: skip
_FURTHER = {85: "optic chiasm", **{value: "corpus callosum" for value in range(251, 256)}}
# SynthSeg's own: skull, skin, eyes, muscle, fat and so on, which nobody has named one by one.
_OUTSIDE_THE_BRAIN = range(500, 531)


def freesurfer_names(table: AnatomyTable) -> tuple[LabelName, ...]:
    """Every id that such a label map may hold, with what it is in the anatomy table."""
    names = [
        LabelName(structure.side_name(side), structure.id, side, value)
        for structure in table
        for side, values in structure.freesurfer
        for value in values
    ]
    names += [LabelName.of(name, table, value) for value, name in _FURTHER.items()]
    names += [LabelName(name, None, value=value) for value, name in _OTHERS.items()]
    names += [
        LabelName(f"tissue {value} outside the brain", None, value=value) for value in _OUTSIDE_THE_BRAIN
    ]
    return tuple(names)
