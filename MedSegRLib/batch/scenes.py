"""Scenes: the volumes of Slicer's scenes as studies, where Slicer or its core is there."""

from __future__ import annotations

from pathlib import Path

from MedSegRLib.batch.found import Found, Stated
from MedSegRLib.batch.study import Study
from MedSegRLib.errors import ImageReadError

__all__ = ["add_scene", "is_scene_name"]


def is_scene_name(name: str) -> bool:
    """Whether a file is called like a scene."""
    return name.lower().endswith((".mrml", ".mrb"))


def add_scene(path: Path, key: str, stated: Stated, found: Found) -> None:
    """Add the volumes of a scene.

    Parameters
    ----------
    path
        The .mrml or .mrb file.
    key
        What it is called where the list gives no id; each volume adds its node's name.
    stated
        What a list says of it.
    found
        Gets them, or why there are none.
    """
    try:
        from MedSegRLib.scene.scene_file import list_scene_volumes
    except ModuleNotFoundError:
        found.leave_out(path, "Scenes need Slicer; run the batch in Slicer, or install slicer-core.")
        return
    try:
        volumes = list_scene_volumes(path)
    except ImageReadError as error:
        found.leave_out(path, error)
        return
    if not volumes:
        found.leave_out(path, "The scene holds no volume that can be asked about.")
    for volume in volumes:
        if not volume.files:
            found.leave_out(f"{path} ({volume.name})", "It has no voxels in the scene; save the scene again.")
            continue
        # What a bundle holds is in its own bytes.
        files = volume.files if path.suffix.lower() == ".mrml" else ()
        beside = [path.parent / name for name in files]
        gone = [file for file in beside if not file.is_file()]
        if gone:
            found.leave_out(
                f"{path} ({volume.name})", f"Its file {gone[0]} is not there; save the scene again in Slicer."
            )
            continue
        name = f"{stated.id or key}/{volume.name}" if len(volumes) > 1 or not stated.id else stated.id
        found.studies.append(
            Study(
                name,
                "scene",
                (path, *beside),
                stated.modality or volume.modality,
                stated.body_part,
                volume.name,
                part=volume.node_id,
            )
        )
