"""Segmentation files: named masks on a scan's grid, as 3D Slicer and others open them.

`.seg.nrrd` keeps everything: names, colours, terminology, tags, and overlapping segments on
layers of their own. NIfTI, NRRD and MetaImage hold one label per voxel and no names.

Conventions: masks are bool [K, J, I]; colours are red, green, blue from 0 to 1; segment
extents in the file are in the order I, J, K, first and last index.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from MedSegRLib.errors import ImageReadError, OutputError
from MedSegRLib.imaging.arrays import read_only
from MedSegRLib.imaging.atomic import atomic_path
from MedSegRLib.imaging.geometry import ijk_to_ras_to_lps
from MedSegRLib.imaging.itk import image_of, itk_path, quiet_itk
from MedSegRLib.imaging.volume import Volume

LABELMAP_SUFFIXES: tuple[str, ...] = (".nii.gz", ".nii", ".nrrd", ".mha")
_TERMINOLOGY_TAG = "TerminologyEntry"


@dataclass(frozen=True, eq=False)
class Segment:
    """One named mask.

    Parameters
    ----------
    id
        Unique within a file, without white space.
    name
        For people.
    colour
        Red, green, blue, each from 0 to 1.
    mask
        bool [K, J, I], on the scan's own grid; kept as a read-only copy.
    terminology
        Slicer's terminology string, or empty.
    tags
        Further facts to keep with the segment.
    """

    id: str
    name: str
    colour: tuple[float, float, float]
    mask: npt.NDArray[np.bool_] = field(repr=False)
    terminology: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mask = read_only(self.mask, np.bool_)
        if mask.ndim != 3:
            raise ValueError(f"the mask of {self.name} has shape {mask.shape}; it must be [K, J, I]")
        if len(self.colour) != 3 or not all(0.0 <= part <= 1.0 for part in self.colour):
            raise ValueError(f"the colour {self.colour} of {self.name} is not three numbers from 0 to 1")
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "tags", MappingProxyType(dict(self.tags)))


def write_segmentation(
    path: str | os.PathLike[str], segments: Sequence[Segment], volume: Volume
) -> tuple[str, ...]:
    """Write segments on a volume's grid; the file appears whole or not at all.

    Parameters
    ----------
    path
        Ends in .seg.nrrd, or, for a label map with labels 1, 2, ... in the order of the
        segments, in .nii.gz, .nii, .nrrd or .mha.
    segments
        Masks of the volume's shape; empty ones are kept in .seg.nrrd.
    volume
        The scan that they belong to.

    Returns
    -------
    Sentences about what the format could not keep.

    Raises
    ------
    OutputError
        If the ending is unknown or the file cannot be written.
    ValueError
        If a mask has another shape than the volume, or two segments the same id.
    """
    wanted = Path(path)
    ids = [segment.id for segment in segments]
    if len(set(ids)) != len(ids):
        raise ValueError(f"segments need different ids, these are {ids}")
    for segment in segments:
        if segment.mask.shape != volume.shape_kji:
            raise ValueError(
                f"the mask of {segment.name} has shape {segment.mask.shape}, the volume {volume.shape_kji}; "
                "put masks back onto the acquired grid first"
            )
    name = wanted.name.lower()
    if name.endswith(".seg.nrrd"):
        _write_seg_nrrd(wanted, segments, volume)
        return ()
    if name.endswith(LABELMAP_SUFFIXES):
        return _write_labelmap(wanted, segments, volume)
    raise OutputError(f"{wanted} does not end as masks do; use .seg.nrrd, {', '.join(LABELMAP_SUFFIXES)}.")


def read_segmentation(path: str | os.PathLike[str]) -> list[Segment]:
    """Read the segments of a .seg.nrrd, or every label of a label map as a segment.

    Raises
    ------
    ImageReadError
        If the file is not there or cannot be read.
    """
    try:
        with quiet_itk():
            image = sitk.ReadImage(itk_path(path))
    except RuntimeError as error:
        raise ImageReadError(f"{path} cannot be read as a segmentation; check the file.") from error
    voxels = sitk.GetArrayFromImage(image)
    layers = voxels if image.GetNumberOfComponentsPerPixel() > 1 else voxels[..., np.newaxis]
    header = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys() if key.startswith("Segment")}
    if "Segment0_ID" not in header:
        labels = [int(label) for label in np.unique(voxels) if label != 0]
        return [Segment(f"Segment_{n}", f"Segment_{n}", (0.5, 0.5, 0.5), voxels == n) for n in labels]
    segments = []
    number = 0
    while f"Segment{number}_ID" in header:
        key = f"Segment{number}_"
        label, layer = int(header[key + "LabelValue"]), int(header.get(key + "Layer", "0"))
        red, green, blue = (float(part) for part in header[key + "Color"].split())
        tags = _parse_tags(header.get(key + "Tags", ""))
        terminology = tags.pop(_TERMINOLOGY_TAG, "")
        mask = layers[..., layer] == label
        name = header.get(key + "Name", header[key + "ID"])
        segments.append(Segment(header[key + "ID"], name, (red, green, blue), mask, terminology, tags))
        number += 1
    return segments


def _write_labelmap(path: Path, segments: Sequence[Segment], volume: Volume) -> tuple[str, ...]:
    labelmap = np.zeros(volume.shape_kji, dtype=np.uint8 if len(segments) < 256 else np.uint16)
    lost = np.zeros(volume.shape_kji, dtype=np.bool_)
    for label, segment in enumerate(segments, start=1):
        lost |= segment.mask & (labelmap > 0)
        labelmap[segment.mask] = label
    with atomic_path(path) as partial:
        place = itk_path(partial, OutputError)
        try:
            with quiet_itk():
                sitk.WriteImage(image_of(labelmap, volume.ijk_to_ras), place, useCompression=True)
        except RuntimeError as error:
            raise OutputError(f"{path} cannot be written; choose another place or make room.") from error
    if not lost.any():
        return ()
    return (
        f"Segments overlap in {int(lost.sum())} voxels, where {path.name} keeps the later segment only; "
        "write .seg.nrrd to keep both.",
    )


def _write_seg_nrrd(path: Path, segments: Sequence[Segment], volume: Volume) -> None:
    layer_of = _assign_layers(segments)
    count = max(layer_of, default=0) + 1
    layers = np.zeros((*volume.shape_kji, count), dtype=np.uint8 if len(segments) < 256 else np.uint16)
    for label, (segment, layer) in enumerate(zip(segments, layer_of, strict=True), start=1):
        layers[..., layer][segment.mask] = label
    header = "\n".join([*_grid_lines(layers, volume), *_segment_lines(segments, layer_of)])
    # Written by hand and not by SimpleITK, which calls the axis of the layers a vector; Slicer
    # calls it a list.
    with atomic_path(path) as partial, open(partial, "wb") as file:
        file.write((header + "\n\n").encode("utf-8"))
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
            packed.write(layers.astype(layers.dtype.newbyteorder("<"), copy=False).tobytes())


def _assign_layers(segments: Sequence[Segment]) -> list[int]:
    """Give each segment the first layer on which nothing is in its way."""
    taken: list[npt.NDArray[np.bool_]] = []
    layer_of = []
    for segment in segments:
        for layer, occupied in enumerate(taken):
            if not (occupied & segment.mask).any():
                occupied |= segment.mask
                layer_of.append(layer)
                break
        else:
            taken.append(segment.mask.copy())
            layer_of.append(len(taken) - 1)
    return layer_of


def _grid_lines(layers: npt.NDArray[np.generic], volume: Volume) -> list[str]:
    k, j, i, count = layers.shape
    origin, spacing_mm, direction = ijk_to_ras_to_lps(volume.ijk_to_ras)
    columns = np.asarray(direction).reshape(3, 3) * np.asarray(spacing_mm)
    directions = " ".join(_vector(columns[:, n]) for n in range(3))
    listed = count > 1
    return [
        "NRRD0004",
        "type: unsigned char" if layers.dtype == np.uint8 else "type: unsigned short",
        f"dimension: {4 if listed else 3}",
        "space: left-posterior-superior",
        f"sizes: {f'{count} ' if listed else ''}{i} {j} {k}",
        f"space directions: {'none ' if listed else ''}{directions}",
        f"kinds: {'list ' if listed else ''}domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(origin)}",
        "Segmentation_ContainedRepresentationNames:=Binary labelmap|",
        "Segmentation_MasterRepresentation:=Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset:=0 0 0",
    ]


def _segment_lines(segments: Sequence[Segment], layer_of: Sequence[int]) -> list[str]:
    lines = []
    for number, (segment, layer) in enumerate(zip(segments, layer_of, strict=True)):
        tags = {_TERMINOLOGY_TAG: segment.terminology} if segment.terminology else {}
        tags.update(segment.tags)
        values = {
            "Color": " ".join(f"{part:.6g}" for part in segment.colour),
            "ColorAutoGenerated": "0",
            "Extent": " ".join(map(str, _extent_ijk(segment.mask))),
            "ID": segment.id,
            "LabelValue": str(number + 1),
            "Layer": str(layer),
            "Name": segment.name,
            "NameAutoGenerated": "0",
            "Tags": "".join(f"{_tag_key(key)}:{_tag_value(value)}|" for key, value in tags.items()),
        }
        lines += [f"Segment{number}_{key}:={_one_line(value)}" for key, value in values.items()]
    return lines


def _extent_ijk(mask: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """First and last index of a mask along I, J and K; 0 to -1 if it is empty."""
    extent: list[int] = []
    for others in ((0, 1), (0, 2), (1, 2)):
        used = np.flatnonzero(mask.any(axis=others))
        extent += [int(used[0]), int(used[-1])] if used.size else [0, -1]
    return tuple(extent)


def _vector(values: Sequence[float] | npt.NDArray[np.float64]) -> str:
    # repr keeps every digit; adding zero turns -0.0 into 0.0.
    return "(" + ",".join(repr(float(value) + 0.0) for value in values) + ")"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _tag_key(key: str) -> str:
    return key.replace("|", "/").replace(":", ".")


def _tag_value(value: str) -> str:
    # Slicer separates tags by this sign and has no way to write it inside one.
    return value.replace("|", "/")


def _parse_tags(text: str) -> dict[str, str]:
    parts = (part.partition(":") for part in text.split("|") if part)
    return {key: value for key, _, value in parts}
