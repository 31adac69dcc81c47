"""Listing: from what a user points at to studies, by headers alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from MedSegRLib.batch.dicom_header import DICOMDIR, DicomHeader, quiet_pydicom, read_dicom_header
from MedSegRLib.batch.dicom_series import add_series
from MedSegRLib.batch.found import Found, Stated
from MedSegRLib.batch.image_files import add_image_file, is_image_name, stem_of, why_not_by_name
from MedSegRLib.batch.scenes import add_scene, is_scene_name
from MedSegRLib.batch.study import Study
from MedSegRLib.batch.study_list import is_list_name, read_list
from MedSegRLib.batch.walk import files_under
from MedSegRLib.errors import ImageReadError
from MedSegRLib.imaging.dicom import is_dicom

__all__ = ["find_studies"]


def find_studies(inputs: Sequence[Path]) -> Found:
    """Find the studies of folders, lists, scenes and single files.

    Returns
    -------
    Each study once, however many ways lead to it; a file that a scene shows is the scene's.

    Raises
    ------
    ImageReadError
        If an input is not there.
    BatchError
        If a list makes no sense.
    """
    listing = _Listing()
    # Lists first: what they say of a file counts, also where a folder brings it too.
    ordered = sorted(inputs, key=lambda path: (not is_list_name(path.name), str(path)))
    with quiet_pydicom():
        for path in ordered:
            if not os.path.exists(path):
                raise ImageReadError(f"There is no file or folder {path}; check the path.")
            if path.is_file() and is_list_name(path.name):
                for number, row, stated in read_list(path):
                    if not os.path.exists(row):
                        listing.found.leave_out(
                            f"{path}, line {number}", f"There is no file or folder {row}; correct the list."
                        )
                        continue
                    listing.add(row, stated)
            else:
                listing.add(path, Stated())
        add_series(listing.headers.values(), listing.found)
    return replace(listing.found, studies=_once(listing.found.studies))


class _Listing:
    """What was found so far; DICOM files wait until all are there."""

    def __init__(self) -> None:
        self.found = Found()
        self.headers: dict[str, tuple[DicomHeader, Stated]] = {}

    def add(self, path: Path, stated: Stated) -> None:
        """Add a file that somebody named, or all of a folder."""
        if path.is_dir():
            self._add_folder(path, stated)
        elif is_scene_name(path.name):
            add_scene(path, stem_of(path.name), stated, self.found)
        elif not self._add_dicom(path, stated):
            add_image_file(path, stem_of(path.name), stated, self.found)

    def _add_folder(self, folder: Path, stated: Stated) -> None:
        before, dicom = len(self.found.studies) + len(self.found.left_out), False
        for path in files_under(folder, self.found):
            key = path.relative_to(folder).with_name(stem_of(path.name)).as_posix()
            why = why_not_by_name(path)
            if is_scene_name(path.name):
                add_scene(path, key, stated, self.found)
            elif is_image_name(path.name) and why is None:
                add_image_file(path, key, stated, self.found)
            elif self._add_dicom(path, stated):
                dicom = True
            elif why is not None:
                self.found.leave_out(path, why)
        if not dicom and len(self.found.studies) + len(self.found.left_out) == before:
            self.found.leave_out(
                folder, "There is no scan in it: no NRRD, NIfTI, MetaImage, DICOM or scene; check the path."
            )

    def _add_dicom(self, path: Path, stated: Stated) -> bool:
        """Keep a file's header; False if it is no DICOM, or a list of DICOM files."""
        try:
            if not path.is_file() or not is_dicom(path):
                return False
            place = _place(path)
            if place in self.headers:
                return True
            header = read_dicom_header(path)
            if header.storage_class == DICOMDIR:
                return False
            self.headers[place] = header, stated
        except ImageReadError as error:
            self.found.leave_out(path, error)
        except OSError as error:
            self.found.leave_out(path, f"It cannot be opened ({error.strerror}); check the permissions.")
        return True


def _once(studies: Sequence[Study]) -> list[Study]:
    """Each study once, as it was found first, sorted by where they lie."""
    in_scenes = {_place(path) for study in studies if study.kind == "scene" for path in study.paths[1:]}
    kept: dict[tuple[str, str], Study] = {}
    for study in studies:
        place = _place(study.paths[0])
        if study.kind == "file" and place in in_scenes:
            continue
        kept.setdefault((place, study.part), study)
    return [study for _, study in sorted(kept.items(), key=lambda item: item[0])]


def _place(path: Path) -> str:
    """Where a file lies; a link to a file is a file of its own, one to a folder is not."""
    return os.path.join(os.path.realpath(path.parent), path.name)
