"""Packing: masks, errors, answers and events as frames hold them, and back.

A mask is its bounding box, packed eight voxels to a byte and deflated: of a hippocampus in a brain that is
some hundred bytes. A finding goes over the pipe once; the answer names it by its number.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from MedSegRLib import errors
from MedSegRLib.answers import (
    Answer,
    Cancelled,
    Event,
    Failed,
    Finding,
    FindingReady,
    Finished,
    MedSegRError,
    Planned,
    Provenance,
    Question,
    Revised,
    SliceDone,
    Text,
)
from MedSegRLib.imaging import Plane, Volume

from .protocol import Frame

Mask = npt.NDArray[np.bool_]


def pack_mask(mask: Mask) -> tuple[dict[str, Any], bytes]:
    """A mask of any number of axes as (shape and box, bytes)."""
    box = []
    for axis in range(mask.ndim):
        filled = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append((int(filled[0]), int(filled[-1]) + 1) if filled.size else (0, 0))
    inside = mask[tuple(slice(*ends) for ends in box)]
    return {"shape": list(mask.shape), "box": box}, zlib.compress(np.packbits(inside).tobytes(), 1)


def unpack_mask(header: Mapping[str, Any], payload: bytes) -> Mask:
    """The mask that `pack_mask` was given."""
    box = tuple(slice(*ends) for ends in header["box"])
    mask = np.zeros(header["shape"], dtype=np.bool_)
    inside = mask[box]
    bits = np.frombuffer(zlib.decompress(payload), dtype=np.uint8)
    inside[...] = np.unpackbits(bits, count=inside.size).reshape(inside.shape).view(np.bool_)
    # So that a finding takes it as it is.
    mask.flags.writeable = False
    return mask


def pack_error(error: MedSegRError) -> dict[str, Any]:
    """An error by the nearest class of the tree, and its sentence."""
    known = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in errors.__all__)
    return {"error": known, "sentence": str(error)}


def unpack_error(header: Mapping[str, Any]) -> MedSegRError:
    """The error that `pack_error` was given, without data that it had beside its sentence."""
    kind = getattr(errors, header["error"]) if header["error"] in errors.__all__ else MedSegRError
    made: MedSegRError = kind(header["sentence"])
    return made


class Packer:
    """Events of one answer, on the worker's side."""

    def __init__(self) -> None:
        self._sent: list[Finding] = []

    def pack(self, number: int, event: Event) -> Frame:
        """An event of question `number` as a frame."""
        payloads: list[bytes] = []
        values = self._values(event, payloads)
        return Frame({"type": "event", "id": number, **values}, tuple(payloads))

    def _values(self, event: Event, payloads: list[bytes]) -> dict[str, Any]:
        if isinstance(event, Planned):
            return {"event": "planned", "slices": list(event.slices), "plane": event.plane.value}
        if isinstance(event, Text):
            return {"event": "text", "delta": event.delta}
        if isinstance(event, SliceDone):
            masks = []
            for name, mask in event.masks.items():
                header, payload = pack_mask(mask)
                masks.append({"name": name, **header})
                payloads.append(payload)
            place = {"done": event.done, "total": event.total, "slice_index": event.slice_index}
            return {"event": "slice", **place, "seconds_left": event.seconds_left, "masks": masks}
        if isinstance(event, FindingReady):
            return {"event": "finding", "finding": self._finding(event.finding, payloads)}
        if isinstance(event, Revised):
            return {"event": "revised", "text": event.text}
        if isinstance(event, Failed):
            return {"event": "failed", **pack_error(event.error)}
        name = "finished" if isinstance(event, Finished) else "cancelled"
        return {"event": name, **self._answer(event.answer, payloads)}

    def _answer(self, answer: Answer, payloads: list[bytes]) -> dict[str, Any]:
        # Those that were not told one by one, as of an answer that was stopped, go along.
        new = [f for f in answer.findings if not any(f is sent for sent in self._sent)]
        more = [self._finding(finding, payloads) for finding in new]
        numbers = [next(n for n, sent in enumerate(self._sent) if sent is f) for f in answer.findings]
        return {
            "text": answer.text,
            "more": more,
            "findings": numbers,
            "absent": list(answer.absent),
            "provenance": answer.provenance.to_dict(),
            "raw": answer.raw,
            "complete": answer.complete,
        }

    def _finding(self, finding: Finding, payloads: list[bytes]) -> dict[str, Any]:
        mask, payload = pack_mask(finding.mask)
        self._sent.append(finding)
        payloads.append(payload)
        return {**finding.to_dict(), "mask": mask}


class Unpacker:
    """Events of one answer, on the client's side.

    Parameters
    ----------
    question, volume
        The client's own, which the answer is to hold.
    """

    def __init__(self, question: Question, volume: Volume) -> None:
        self.findings: list[Finding] = []
        self._question, self._volume = question, volume

    def unpack(self, frame: Frame) -> Event:
        """The event that a frame was made of.

        Raises
        ------
        KeyError, TypeError, ValueError, IndexError, StopIteration, zlib.error
            If it was made of none.
        """
        header, payloads = frame.header, iter(frame.payloads)
        kind = header["event"]
        if kind == "planned":
            return Planned(tuple(header["slices"]), Plane(header["plane"]))
        if kind == "text":
            return Text(header["delta"])
        if kind == "slice":
            masks = {one["name"]: unpack_mask(one, next(payloads)) for one in header["masks"]}
            done, total, index = header["done"], header["total"], header["slice_index"]
            return SliceDone(done, total, index, masks, header["seconds_left"])
        if kind == "finding":
            return FindingReady(self._finding(header["finding"], payloads))
        if kind == "revised":
            return Revised(header["text"])
        if kind == "failed":
            return Failed(unpack_error(header))
        if kind == "finished":
            return Finished(self._answer(header, payloads))
        if kind == "cancelled":
            return Cancelled(self._answer(header, payloads))
        raise ValueError(f"there is no event {kind}")

    def _answer(self, header: Mapping[str, Any], payloads: Iterator[bytes]) -> Answer:
        for one in header["more"]:
            self._finding(one, payloads)
        return Answer(
            self._question,
            header["text"],
            tuple(self.findings[n] for n in header["findings"]),
            tuple(header["absent"]),
            Provenance.from_dict(header["provenance"]),
            self._volume,
            header["raw"],
            header["complete"],
        )

    def _finding(self, header: Mapping[str, Any], payloads: Iterator[bytes]) -> Finding:
        self.findings.append(Finding.from_dict(header, unpack_mask(header["mask"], next(payloads))))
        return self.findings[-1]
