"""PNG: an RGB picture as the bytes of a file, so that a report needs no drawing library."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt


def png_bytes(rgb: npt.NDArray[np.uint8]) -> bytes:
    """Encode a picture.

    Parameters
    ----------
    rgb
        uint8 [row, column, 3], not empty.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"a picture is uint8 [row, column, 3], not {rgb.dtype} {rgb.shape}")
    rows, columns, _ = rgb.shape
    # Filter 1: each pixel as the difference from its left neighbour, which packs grey ramps well.
    differences = rgb.copy()
    differences[:, 1:] -= rgb[:, :-1]
    lines = np.concatenate(
        [np.ones((rows, 1), dtype=np.uint8), differences.reshape(rows, columns * 3)], axis=1
    )
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)),
            _chunk(b"IEND", b""),
        ]
    )


def data_uri(rgb: npt.NDArray[np.uint8]) -> str:
    """The picture as an address that holds it, for the `src` of an `img`."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(rgb)).decode("ascii")


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
