"""Finding: which mask belongs to which scan, by the names of their files."""

from __future__ import annotations

import re
from pathlib import Path

from MedSegRLib.errors import DatasetError

__all__ = ["IMAGE_ENDINGS", "MASK_ENDINGS", "find_pairs", "stem_of"]

IMAGE_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".png", ".jpg", ".jpeg", ".tif", ".tiff")
MASK_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".png", ".tif", ".tiff")
# What files of a pair are told apart by; nnU-Net counts channels.
_TAIL = re.compile(r"[-_.](image|img|ct|mr|0000|seg|segmentation|labels?|labelmap|masks?)$", re.IGNORECASE)


def stem_of(path: Path) -> str:
    """A file's name without its ending, and without a tail such as _image or _seg."""
    name = path.name
    known = next((end for end in (".nii.gz", ".seg.nrrd") if name.lower().endswith(end)), path.suffix)
    stem = name if path.is_dir() else name[: len(name) - len(known)]
    return _TAIL.sub("", stem)


def find_pairs(
    images: Path, masks: Path, mask_endings: tuple[str, ...] = MASK_ENDINGS
) -> list[tuple[str, Path, Path]]:
    """Pair scans with masks.

    Parameters
    ----------
    images, masks
        A scan (a file or a DICOM folder) and its mask file; or two folders, in which a scan and a mask have
        the same name but for the ending and a tail such as _ct or _seg. In the folder of scans a folder is
        a DICOM series.
    mask_endings
        The endings of mask files.

    Returns
    -------
    (name, scan, mask), sorted by name.

    Raises
    ------
    DatasetError
        If there is nothing, a scan has no mask or a mask no scan, or two have the same name.
    """
    for place in (images, masks):
        if not place.exists():
            raise DatasetError(f"There is no file or folder {place}; check the path.")
    if masks.is_file():
        return [(stem_of(images), images, masks)]
    if images.is_file():
        raise DatasetError(f"{images} is a file and {masks} a folder; give two files or two folders.")
    scans = _by_stem(images, IMAGE_ENDINGS, folders=True)
    drawn = _by_stem(masks, mask_endings, folders=False)
    if not scans or not drawn:
        raise DatasetError(f"{masks if scans else images} holds no file that can be read; check the folder.")
    alone = sorted(set(scans) ^ set(drawn))
    if alone:
        one = alone[0]
        has, lacks = ("scan", "mask") if one in scans else ("mask", "scan")
        raise DatasetError(
            f"The {has} {(scans.get(one) or drawn[one]).name} has no {lacks} of the same name "
            f"({len(alone)} such files in all); give both or take it out."
        )
    return [(stem, scans[stem], drawn[stem]) for stem in sorted(scans)]


def _by_stem(folder: Path, endings: tuple[str, ...], *, folders: bool) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        wanted = folders if path.is_dir() else path.name.lower().endswith(endings)
        if not wanted or path.name.startswith("."):
            continue
        other = found.setdefault(stem_of(path), path)
        if other != path:
            raise DatasetError(f"{other} and {path} have the same name; keep them in folders of their own.")
    return found
