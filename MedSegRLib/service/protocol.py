"""Protocol: what client and worker say to each other, frame by frame, over the worker's own pipes.

Frame: the four bytes `MAGIC`, the length of the header (uint32) and of the payloads together (uint64),
both big-endian, then the header (JSON, ASCII, an object with `type` and `sizes`) and the payloads one
behind the other; `sizes` are their lengths in bytes. Nothing is ever unpickled.

Client to worker, by stdin:

    open     model                              load a model beforehand
    ask      id, question, model, volume, earlier
             volume: file (a raw .npy in the private folder, memory-mapped by the worker) and what a
             `Volume` has beside its voxels; earlier: what was said before, since the worker keeps no
             conversation
    cancel   id                                 stop at the next token or slice
    (end of file)                               the client is gone: the worker ends and removes the folder

Worker to client, by a private copy of its stdout; stdout and stderr themselves go to the log:

    alive                                       every second, from a thread of its own
    hello    protocol, software_version, library, python, executable, torch, transformers, device, models
    refused  protocol, sentence                 it cannot work here, and ends
    opened                                      the model of `open` is loaded, or cannot be
    begun    id, model, model_version, window, plane
    event    id, event, ...                     one event of the answer, see `packing`; masks are payloads

The client asks one question at a time, so a lost worker loses one question. Bytes before the first frame
are noise of whatever started the interpreter, and are passed over; later ones are refused.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PROTOCOL = 1
MAGIC = b"\x93MSR"

_LENGTHS = struct.Struct(">IQ")
_MOST_HEADER, _MOST_PAYLOAD, _MOST_NOISE = 1 << 26, 1 << 34, 1 << 20


class ProtocolError(ValueError):
    """Bytes that are no frame; never shown as it is."""


@dataclass(frozen=True)
class Frame:
    """One message: its header, and the payloads that belong to it."""

    header: Mapping[str, Any]
    payloads: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """The frame as it goes over the pipe."""
        header = {**self.header, "sizes": [len(payload) for payload in self.payloads]}
        text = json.dumps(header, allow_nan=False).encode("ascii")
        body = b"".join(self.payloads)
        return b"".join((MAGIC, _LENGTHS.pack(len(text), len(body)), text, body))


def message(type_: str, payloads: Iterable[bytes] = (), **values: Any) -> Frame:
    """Make a frame of its type and values.

    Examples
    --------
    >>> message("cancel", id=3).header
    {'type': 'cancel', 'id': 3}
    """
    return Frame({"type": type_, **values}, tuple(payloads))


class FrameReader:
    """Frames out of bytes that come in pieces of any size.

    Attributes
    ----------
    noise
        What came before the first frame.
    """

    def __init__(self) -> None:
        self.noise = b""
        self._bytes = bytearray()
        self._begun = False

    def feed(self, data: bytes) -> None:
        """Take more bytes."""
        self._bytes += data

    def take(self) -> Frame | None:
        """The next whole frame; None as long as there is none.

        Raises
        ------
        ProtocolError
            If the bytes are no frame.
        """
        if not self._begun and not self._find_beginning():
            return None
        start = len(MAGIC) + _LENGTHS.size
        if not MAGIC.startswith(bytes(self._bytes[: len(MAGIC)])):
            raise ProtocolError(f"a frame cannot begin with {bytes(self._bytes[:16])!r}")
        if len(self._bytes) < start:
            return None
        header_size, payload_size = _LENGTHS.unpack_from(self._bytes, len(MAGIC))
        if header_size > _MOST_HEADER or payload_size > _MOST_PAYLOAD:
            raise ProtocolError(f"a frame of {header_size} and {payload_size} bytes")
        whole = start + header_size + payload_size
        if len(self._bytes) < whole:
            return None
        header = _header(bytes(self._bytes[start : start + header_size]), payload_size)
        at, payloads = start + header_size, []
        for size in header.pop("sizes"):
            payloads.append(bytes(self._bytes[at : at + size]))
            at += size
        del self._bytes[:whole]
        return Frame(header, tuple(payloads))

    def _find_beginning(self) -> bool:
        at = self._bytes.find(MAGIC)
        self._begun = at >= 0
        # The last bytes may be half of the mark.
        end = at if self._begun else max(0, len(self._bytes) - len(MAGIC) + 1)
        self.noise += bytes(self._bytes[:end])
        del self._bytes[:end]
        if len(self.noise) > _MOST_NOISE:
            raise ProtocolError("a megabyte, and no frame in it")
        return self._begun


def _header(text: bytes, payload_size: int) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except ValueError as error:
        raise ProtocolError(f"a header that is no JSON: {error}") from error
    sizes = header.get("sizes") if isinstance(header, dict) else None
    if not isinstance(sizes, list) or not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ProtocolError("a header without sizes")
    if sum(sizes) != payload_size or not isinstance(header.get("type"), str):
        raise ProtocolError("a header that does not fit its frame")
    return header
