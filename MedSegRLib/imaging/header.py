"""Header checks that the image reader leaves out: cut-off NIfTI files and sizes of zero.

The reader takes a NIfTI file whose end is missing without a word and fills the rest with
what happens to be in memory; a voxel size of 0 it silently makes 1. Both are told here.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from MedSegRLib.answers.errors import ImageReadError, UnsupportedVolumeError

_CHUNK = 1 << 22
_GZIP_MAGIC = b"\x1f\x8b"
# Bits per NIfTI datatype code are in the header itself; only the layout differs by version.
_NIFTI1_SIZE, _NIFTI2_SIZE = 348, 540


@dataclass(frozen=True)
class NiftiHeader:
    """What is needed of a NIfTI header: how long the file must be, and what it leaves open."""

    expected_bytes: int
    spacing_mm: tuple[float, ...]
    says_where_it_lies: bool


def check_nifti(path: Path) -> NiftiHeader | None:
    """Refuse a NIfTI file that is cut short or has a voxel size of 0.

    Returns
    -------
    Its header, or None if the file is no single-file NIfTI, about which nothing is said here.

    Raises
    ------
    ImageReadError
        If the file ends before its last voxel, or its compression is damaged.
    UnsupportedVolumeError
        If the spacing along a used axis is 0.
    """
    with open(path, "rb") as raw:
        compressed = raw.read(2) == _GZIP_MAGIC
    header: NiftiHeader | None = None
    length = 0
    try:
        with gzip.open(path, "rb") if compressed else open(path, "rb") as file:
            start = file.read(_NIFTI2_SIZE)
            header = _parse(start)
            if header is None:
                return None
            length = len(start)
            # A compressed file is read to its end: only there its checksum tells of damage.
            while chunk := file.read(_CHUNK):
                length += len(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _cut_short(path) from error
    if length < header.expected_bytes:
        raise _cut_short(path)
    if any(value == 0 for value in header.spacing_mm):
        listed = " x ".join(f"{abs(value):g}" for value in header.spacing_mm)
        raise UnsupportedVolumeError(
            f"{path.name} has voxels of spacing 0 ({listed} mm); write the true spacing into the file."
        )
    return header


def _cut_short(path: Path) -> ImageReadError:
    return ImageReadError(f"{path} is cut short or damaged; copy or export it again.")


def _parse(start: bytes) -> NiftiHeader | None:
    for order in "<>":
        if len(start) >= _NIFTI1_SIZE and start[344:347] == b"n+1":
            (size,) = struct.unpack_from(order + "i", start, 0)
            if size == _NIFTI1_SIZE:
                dim = struct.unpack_from(order + "8h", start, 40)
                (bits,) = struct.unpack_from(order + "h", start, 72)
                pixdim = struct.unpack_from(order + "8f", start, 76)
                (offset,) = struct.unpack_from(order + "f", start, 108)
                codes = struct.unpack_from(order + "2h", start, 252)
                return _header(dim, bits, pixdim, int(offset), codes)
        if len(start) >= _NIFTI2_SIZE and start[4:7] == b"n+2":
            (size,) = struct.unpack_from(order + "i", start, 0)
            if size == _NIFTI2_SIZE:
                (bits,) = struct.unpack_from(order + "h", start, 14)
                dim = struct.unpack_from(order + "8q", start, 16)
                pixdim = struct.unpack_from(order + "8d", start, 104)
                (offset,) = struct.unpack_from(order + "q", start, 168)
                codes = struct.unpack_from(order + "2i", start, 344)
                return _header(dim, bits, pixdim, int(offset), codes)
    return None


def _header(
    dim: tuple[int, ...], bits: int, pixdim: tuple[float, ...], offset: int, codes: tuple[int, ...]
) -> NiftiHeader:
    count = 1
    used = dim[1 : 1 + min(max(dim[0], 0), 7)]
    for extent in used:
        count *= max(extent, 1)
    return NiftiHeader(
        expected_bytes=offset + count * bits // 8,
        spacing_mm=tuple(pixdim[1 : 1 + min(len(used), 3)]),
        says_where_it_lies=any(code > 0 for code in codes),
    )
