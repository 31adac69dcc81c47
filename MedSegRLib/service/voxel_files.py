"""Voxel files: scans handed over in the private folder, once each, as raw .npy that is memory-mapped."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from MedSegRLib.errors import OutputError
from MedSegRLib.imaging import Modality, Volume

_KEPT = 4


class VoxelFiles:
    """The client's side: the last few scans, named by their fingerprint.

    Parameters
    ----------
    folder
        The private folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: list[str] = []

    def hand_over(self, volume: Volume) -> dict[str, Any]:
        """Write a scan's voxels unless they are there; give what the worker must know of it.

        Raises
        ------
        OutputError
            If the folder takes no more.
        """
        name = f"{volume.fingerprint()}.npy"
        if name in self._names:
            self._names.remove(name)
        else:
            self._write(self._folder / name, volume)
        self._names.append(name)
        for old in self._names[:-_KEPT]:
            # What Windows still holds goes with the folder.
            with suppress(OSError):
                (self._folder / old).unlink()
        del self._names[:-_KEPT]
        return {
            "file": name,
            "ijk_to_ras": volume.ijk_to_ras.tolist(),
            "modality": volume.modality.value,
            "name": volume.name,
            "source": volume.source,
            "spacing_known": volume.spacing_known,
            "orientation_known": volume.orientation_known,
            "made_symmetric": volume.made_symmetric,
            "notes": list(volume.notes),
        }

    @staticmethod
    def _write(path: Path, volume: Volume) -> None:
        try:
            np.save(path, volume.voxels, allow_pickle=False)
        except OSError as error:
            with suppress(OSError):
                path.unlink()
            raise OutputError(
                f"The scan cannot be handed to the model, since {path.parent} cannot be written "
                f"({error.strerror or error}); make room on that disk and ask again."
            ) from error


def read_handed_over(folder: Path, header: Mapping[str, Any]) -> Volume:
    """The worker's side: the scan of a header."""
    values = {name: value for name, value in header.items() if name != "file"}
    voxels = np.load(folder / header["file"], mmap_mode="r", allow_pickle=False)
    modality, notes = Modality(values.pop("modality")), tuple(values.pop("notes"))
    return Volume(voxels, modality=modality, notes=notes, **values)
