"""Memory: what the model made of each slice, so that a follow-up question encodes nothing again.

Kept in memory up to a limit, and on disk if a folder is given: one safetensors file for each slice in a
folder whose name is a hash of voxels, geometry, plane, window and model. A file that cannot be read is
made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from MedSegRLib.errors import OutputError
from MedSegRLib.imaging import Plane, Volume, Window, atomic_path
from MedSegRLib.model import ImageEmbedding, MedSegR, ReadPictures

__all__ = ["Memory", "SliceMemory", "join", "memory_key", "split"]

_FORMAT = "1"


@dataclass(frozen=True)
class SliceMemory:
    """What is remembered of one slice: its embedding, in half precision, and its read picture."""

    embedding: ImageEmbedding
    read: ReadPictures

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        return sum(t.numel() * t.element_size() for t in _tensors(self).values())


class Memory:
    """Slices remembered by their canonical index.

    Parameters
    ----------
    folder
        Where slices are kept on disk as well; None for nowhere.
    limit_bytes
        What is held in memory at most; slices beyond it are made anew, or read from disk.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int = 2 << 30) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes
        self._held: dict[int, SliceMemory] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def get(self, index: int) -> SliceMemory | None:
        """What is known of a slice, or None."""
        if index in self._held:
            return self._held[index]
        found = None if self.folder is None else _load(self._path(self.folder, index))
        if found is not None:
            self._hold(index, found)
        return found

    def put(self, index: int, slice_memory: SliceMemory) -> None:
        """Remember a slice.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        self._hold(index, slice_memory)
        if self.folder is not None:
            from safetensors.torch import save_file

            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                reason = error.strerror or str(error)
                raise OutputError(
                    f"{self.folder} cannot be made ({reason}); name another folder for what is remembered."
                ) from error
            with atomic_path(self._path(self.folder, index)) as partial:
                save_file({k: t.cpu().contiguous() for k, t in _tensors(slice_memory).items()}, partial)

    def clear(self) -> None:
        """Forget what is held in memory; files stay."""
        self._held, self._bytes = {}, 0

    def _hold(self, index: int, slice_memory: SliceMemory) -> None:
        size = slice_memory.nbytes
        if self._bytes + size <= self.limit_bytes:
            self._held[index] = slice_memory
            self._bytes += size

    @staticmethod
    def _path(folder: Path, index: int) -> Path:
        return folder / f"slice-{index:05d}.safetensors"


def memory_key(volume: Volume, plane: Plane, window: Window, model: MedSegR) -> str:
    """Hash of all that a slice's memory depends on."""
    digest = hashlib.sha256(_FORMAT.encode())
    told = (volume.fingerprint(), plane.value, window.low, window.high, model.config, model.grounding.config)
    digest.update(repr(told).encode())
    for name, value in model.state_dict().items():
        digest.update(f"{name} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]


def split(embedding: ImageEmbedding, read: ReadPictures) -> list[SliceMemory]:
    """Part what was made of B slices into single ones, embeddings in half precision."""
    half = ImageEmbedding(_half(embedding.embedding), tuple(_half(level) for level in embedding.fine))
    slices = []
    for n in range(len(read)):
        # Cloned: a view would keep its whole batch alive.
        own = ImageEmbedding(
            half.embedding[n : n + 1].clone(), tuple(f[n : n + 1].clone() for f in half.fine)
        )
        deltas = read.rope_deltas
        slices.append(
            SliceMemory(
                own,
                replace(
                    read,
                    pictures=read.pictures[n : n + 1],
                    image_states=read.image_states[n : n + 1].clone(),
                    layers=tuple((k[n : n + 1].clone(), v[n : n + 1].clone()) for k, v in read.layers),
                    rope_deltas=deltas[n : n + 1].clone() if deltas is not None else None,
                ),
            )
        )
    return slices


def join(slices: Sequence[SliceMemory], dtype: torch.dtype) -> tuple[ImageEmbedding, ReadPictures]:
    """Put single slices together as a batch; embeddings in the model's number type."""
    reads = [s.read for s in slices]
    embedding = ImageEmbedding(
        torch.cat([s.embedding.embedding for s in slices]).to(dtype),
        tuple(
            torch.cat([s.embedding.fine[level] for s in slices]).to(dtype)
            for level in range(len(slices[0].embedding.fine))
        ),
    )
    deltas = [r.rope_deltas for r in reads if r.rope_deltas is not None]
    read = replace(
        reads[0],
        pictures=tuple(p for r in reads for p in r.pictures),
        image_states=torch.cat([r.image_states for r in reads]),
        layers=tuple(
            (torch.cat([r.layers[n][0] for r in reads]), torch.cat([r.layers[n][1] for r in reads]))
            for n in range(len(reads[0].layers))
        ),
        rope_deltas=torch.cat(deltas) if deltas else None,
    )
    return embedding, read


def _half(values: Tensor) -> Tensor:
    if values.dtype != torch.float32:
        return values
    # Half precision keeps more digits than bfloat16 but overflows: what is beyond is cut.
    return values.clamp(-65504.0, 65504.0).to(torch.float16)


def _tensors(slice_memory: SliceMemory) -> dict[str, Tensor]:
    read = slice_memory.read
    tensors = {
        "embedding": slice_memory.embedding.embedding,
        "picture": torch.from_numpy(np.ascontiguousarray(read.pictures[0])),
        "image_states": read.image_states,
        "prefix": torch.tensor(read.prefix, dtype=torch.int64),
    }
    tensors.update({f"fine.{n}": level for n, level in enumerate(slice_memory.embedding.fine)})
    for n, (keys, values) in enumerate(read.layers):
        tensors[f"keys.{n}"], tensors[f"values.{n}"] = keys, values
    if read.rope_deltas is not None:
        tensors["rope_deltas"] = read.rope_deltas
    return tensors


def _load(path: Path) -> SliceMemory | None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found = load_file(path)
        layers = sum(name.startswith("keys.") for name in found)
        fine = sum(name.startswith("fine.") for name in found)
        return SliceMemory(
            ImageEmbedding(found["embedding"], tuple(found[f"fine.{n}"] for n in range(fine))),
            ReadPictures(
                (found["picture"].numpy(),),
                found["image_states"],
                tuple(found["prefix"].tolist()),
                tuple((found[f"keys.{n}"], found[f"values.{n}"]) for n in range(layers)),
                found.get("rope_deltas"),
            ),
        )
    except (OSError, SafetensorError, KeyError):
        return None
