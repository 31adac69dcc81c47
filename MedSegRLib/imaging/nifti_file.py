"""NIfTI checks that the image reader leaves out: cut-off files, spacing 0 and missing values.

The reader takes a NIfTI file whose end is missing without a word and fills the rest with
what happens to be in memory; a spacing of 0 it silently makes 1, and NaN it makes 0. All of
that is told here.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from MedSegRLib.errors import ImageReadError, UnsupportedVolumeError

_CHUNK = 1 << 22
_GZIP_MAGIC = b"\x1f\x8b"
# Bits per NIfTI datatype code are in the header itself; only the layout differs by version.
_NIFTI1_SIZE, _NIFTI2_SIZE = 348, 540
_FLOAT_TYPES = {16: "f4", 64: "f8"}


@dataclass(frozen=True)
class NiftiHeader:
    """What is needed of a NIfTI header.

    `float_type` is NumPy's name of the voxels' type where that can hold NaN.
    """

    offset_bytes: int
    expected_bytes: int
    float_type: str | None
    spacing_mm: tuple[float, ...]
    says_where_it_lies: bool


def check_nifti(path: Path) -> NiftiHeader | None:
    """Refuse a NIfTI file that is cut short, has a spacing of 0 or voxels that are no numbers.

    Returns
    -------
    Its header, or None if the file is no single-file NIfTI, about which nothing is said here.

    Raises
    ------
    ImageReadError
        If the file ends before its last voxel, or its compression is damaged.
    UnsupportedVolumeError
        If the spacing along a used axis is 0, or a voxel is NaN or infinite.
    """
    with open(path, "rb") as raw:
        compressed = raw.read(2) == _GZIP_MAGIC
    try:
        with gzip.open(path, "rb") if compressed else open(path, "rb") as file:
            header = _parse(file.read(_NIFTI2_SIZE))
            if header is None:
                return None
            file.seek(header.offset_bytes)
            # Read to its end: only there the checksum of a compressed file tells of damage.
            length, not_finite = _measure(file, header)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _cut_short(path) from error
    if header.offset_bytes + length < header.expected_bytes:
        raise _cut_short(path)
    if any(value == 0 for value in header.spacing_mm):
        listed = " x ".join(f"{abs(value):g}" for value in header.spacing_mm)
        raise UnsupportedVolumeError(
            f"{path.name} has voxels of spacing 0 ({listed} mm); write the true spacing into the file."
        )
    if not_finite:
        raise UnsupportedVolumeError(
            f"{path.name} has {not_finite} voxels that are not finite numbers (NaN or infinite); "
            "replace them, for example by the background value, and try again."
        )
    return header


def _measure(file: io.BufferedIOBase, header: NiftiHeader) -> tuple[int, int]:
    """Count the bytes from here to the end of a file, and the voxels that are no numbers."""
    length = not_finite = 0
    while chunk := file.read(_CHUNK):
        if header.float_type is not None:
            # What follows the last voxel, and an incomplete last one, are no values.
            size = int(header.float_type[-1])
            used = min(len(chunk), max(header.expected_bytes - header.offset_bytes - length, 0))
            values = np.frombuffer(chunk[: used // size * size], dtype=header.float_type)
            not_finite += int(np.count_nonzero(~np.isfinite(values)))
        length += len(chunk)
    return length, not_finite


def _cut_short(path: Path) -> ImageReadError:
    return ImageReadError(f"{path} is cut short or damaged; copy or export it again.")


def _parse(start: bytes) -> NiftiHeader | None:
    for order in "<>":
        if len(start) >= _NIFTI1_SIZE and start[344:347] == b"n+1":
            (size,) = struct.unpack_from(order + "i", start, 0)
            if size == _NIFTI1_SIZE:
                dim = struct.unpack_from(order + "8h", start, 40)
                kind, bits = struct.unpack_from(order + "2h", start, 70)
                pixdim = struct.unpack_from(order + "8f", start, 76)
                (offset,) = struct.unpack_from(order + "f", start, 108)
                codes = struct.unpack_from(order + "2h", start, 252)
                return _header(order, kind, dim, bits, pixdim, int(offset), codes)
        if len(start) >= _NIFTI2_SIZE and start[4:7] == b"n+2":
            (size,) = struct.unpack_from(order + "i", start, 0)
            if size == _NIFTI2_SIZE:
                kind, bits = struct.unpack_from(order + "2h", start, 12)
                dim = struct.unpack_from(order + "8q", start, 16)
                pixdim = struct.unpack_from(order + "8d", start, 104)
                (offset,) = struct.unpack_from(order + "q", start, 168)
                codes = struct.unpack_from(order + "2i", start, 344)
                return _header(order, kind, dim, bits, pixdim, int(offset), codes)
    return None


def _header(
    order: str,
    kind: int,
    dim: tuple[int, ...],
    bits: int,
    pixdim: tuple[float, ...],
    offset: int,
    codes: tuple[int, ...],
) -> NiftiHeader:
    count = 1
    used = dim[1 : 1 + min(max(dim[0], 0), 7)]
    for extent in used:
        count *= max(extent, 1)
    return NiftiHeader(
        offset_bytes=offset,
        float_type=order + _FLOAT_TYPES[kind] if kind in _FLOAT_TYPES else None,
        expected_bytes=offset + count * bits // 8,
        spacing_mm=tuple(pixdim[1 : 1 + min(len(used), 3)]),
        says_where_it_lies=any(code > 0 for code in codes),
    )
