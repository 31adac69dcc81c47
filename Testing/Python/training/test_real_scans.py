"""Real scans from an index: what is drawn lies where it is, and what nobody drew is not taken for absent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.errors import DatasetError, UserInputError
from MedSegRLib.model import MedSegRConfig
from MedSegRLib.resources import resource_path
from MedSegRLib.training.real_scans import RealScan, read_real_scans
from MedSegRLib.training.recipe import Recipe
from MedSegRLib.training.targets import PartTargets

TABLE = load_table()
TAUGHT = ("hippocampus", "liver", "kidney", "spleen", "pancreas", "vertebra")
TARGETS = PartTargets.of(TABLE, TAUGHT)
CONFIG = MedSegRConfig(
    canvas_sizes=(32, 64), offered=TAUGHT, regions=("brain", "abdomen"), modalities=("MR", "CT")
)
LABELS = {"1": "liver", "2": "kidney_left", "3": "kidney_right", "4": "vertebrae_L5", "5": "spleen"}
NOTE = "an organ without voxels was not drawn, not absent"
# Number of each structure on a drawing.
HIPPOCAMPUS, LIVER, KIDNEY, SPLEEN, VERTEBRA = 1, 2, 3, 4, 6


def labels() -> np.ndarray:
    """Labels [slice, row, column] with the patient's left on high columns; kidneys on two, no spleen."""
    drawn = np.zeros((5, 24, 24), np.uint8)
    drawn[1:4, 5:10, 4:10] = 1
    drawn[2:4, 12:16, 16:19] = 2
    drawn[2:4, 12:16, 4:7] = 3
    drawn[:, 17:20, 10:14] = 4
    return drawn


def write(path: Path, array: np.ndarray, *, turned: bool) -> None:
    """Write [slice, row, column], or the same scan with its voxels stored from left to right, front last."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.0, 1.0, 3.0))
    sitk.WriteImage(sitk.DICOMOrient(image, "RAS") if turned else image, str(path))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[RealScan]]:
    def run(
        changes: dict[str, object] | None = None,
        drawn: np.ndarray | None = None,
        patients: int = 1,
        *,
        turned: bool = False,
    ) -> list[RealScan]:
        drawn = labels() if drawn is None else drawn
        grey = np.full(drawn.shape, -1000, np.int16)
        grey[:, 2:22, 2:22] = 60
        grey[drawn > 0] = 120
        write(tmp_path / "ct.nii.gz", grey, turned=turned)
        write(tmp_path / "seg.nii.gz", drawn, turned=turned)
        entry = {
            "source": "ct_a", "split": "train", "kind": "volume", "modality": "CT", "region": "abdomen",
            "patient": 1, "image": "ct.nii.gz", "label": "seg.nii.gz", "labels": LABELS, "note": "",
            **(changes or {}),
        }  # fmt: skip
        entries = []
        for patient in range(1, patients + 1):
            for end in ("ct.nii.gz", "seg.nii.gz"):
                copy = tmp_path / f"{patient:02d}_{end}"
                copy.write_bytes((tmp_path / end).read_bytes())
            own = {"image": f"{patient:02d}_ct.nii.gz", "label": f"{patient:02d}_seg.nii.gz"}
            entries.append({**entry, **own, "patient": f"{patient:02d}"})
        (tmp_path / "index.json").write_text(json.dumps(entries))
        scans, files = read_real_scans(tmp_path, ["ct_a"], TARGETS, TABLE, CONFIG)
        assert {file.name[:2] for file in files} == {scan.patient[-2:] for scan in scans}
        return scans

    return run


def unknown(scan: RealScan) -> set[str]:
    assert bool(scan.coverage.unknown[0])
    return {name for name, is_so in zip(TAUGHT, scan.coverage.unknown[1:].tolist(), strict=True) if is_so}


def sure(scan: RealScan) -> set[tuple[str, Side]]:
    parts = zip(TARGETS.parts, scan.coverage.sure.tolist(), strict=True)
    return {(TAUGHT[number], side) for (number, side), is_so in parts if is_so}


@pytest.mark.parametrize("turned", [False, True])
def test_what_is_drawn_lies_where_it_is_however_the_voxels_are_stored(read, turned: bool) -> None:  # type: ignore[no-untyped-def]
    (scan,) = read(turned=turned)
    drawn = labels()
    assert scan.slices.shape == scan.structure.shape == scan.side.shape == (5, 32, 32)
    for value, number, side in ((1, LIVER, 0), (2, KIDNEY, 1), (3, KIDNEY, 2), (4, VERTEBRA, 0)):
        ours, theirs = (scan.structure == number) & (scan.side == side), drawn == value
        # The canvas is 8 pixels larger, with the body in its middle.
        assert np.array_equal(ours[:, 4:28, 4:28], theirs)
        assert ours.sum() == theirs.sum() == scan.pixels[:, number, side].sum()
    body = scan.slices[2, 4:28, 4:28]
    assert (body[drawn[2] > 0] > body[12, 12]).all() and body[0, 0] == 0
    assert np.nonzero((scan.structure == KIDNEY) & (scan.side == 1))[2].min() > 16, "left is on high columns"


def test_slices_without_anything_are_left_out_and_neighbours_stand_in_the_channels(read) -> None:  # type: ignore[no-untyped-def]
    (scan,) = read()
    assert scan.steps == (-1, 0, 0, 0, 1), "3 mm apart"
    for index, wanted in ((2, (1, 2, 2, 2, 3)), (0, (0, 0, 0, 0, 1)), (4, (3, 4, 4, 4, 4))):
        assert np.array_equal(scan.channels(index), scan.slices[list(wanted)])
    assert scan.showing[KIDNEY - 1].tolist() == [2, 3]
    assert SPLEEN - 1 not in scan.showing


def test_a_part_of_what_is_taught_counts_as_it(read) -> None:  # type: ignore[no-untyped-def]
    (scan,) = read()
    assert (scan.structure == VERTEBRA).sum() == (labels() == 4).sum() > 0
    assert "vertebra" not in unknown(scan)


def test_what_has_no_label_is_unknown_and_what_has_one_and_no_voxel_is_absent(read) -> None:  # type: ignore[no-untyped-def]
    (scan,) = read()
    assert unknown(scan) == {"pancreas"}
    assert sure(scan) == {
        ("hippocampus", Side.LEFT), ("hippocampus", Side.RIGHT), ("liver", Side.NONE), ("spleen", Side.NONE),
        ("kidney", Side.LEFT), ("kidney", Side.RIGHT), ("vertebra", Side.NONE),
    }  # fmt: skip


def test_an_organ_that_was_not_drawn_in_every_scan_is_unknown_where_it_has_no_voxel(read) -> None:  # type: ignore[no-untyped-def]
    (scan,) = read({"note": NOTE})
    assert unknown(scan) == {"pancreas", "spleen"}
    assert ("spleen", Side.NONE) not in sure(scan) and ("liver", Side.NONE) in sure(scan)


def test_an_organ_of_which_one_side_was_left_out_is_unknown(read) -> None:  # type: ignore[no-untyped-def]
    right_only = np.where(labels() == 2, 0, labels())
    for changes in ({"note": NOTE}, {"labels": {k: v for k, v in LABELS.items() if k != "2"}}):
        (scan,) = read(changes, right_only)
        assert "kidney" in unknown(scan)
        assert not {part for part in sure(scan) if part[0] == "kidney"}
        assert (scan.structure[scan.side == 2] == KIDNEY).all()


def test_kidneys_that_are_drawn_as_one_are_told_apart_by_the_middle_of_the_body(read) -> None:  # type: ignore[no-untyped-def]
    (told,) = read()
    for turned in (False, True):
        one = np.where(labels() == 3, 2, labels())
        (scan,) = read({"labels": {"1": "liver", "2": "kidney", "4": "vertebrae_L5"}}, one, turned=turned)
        assert (scan.structure == KIDNEY).sum() == (one == 2).sum()
        assert np.array_equal(scan.side, told.side)
        assert {part for part in sure(scan) if part[0] == "kidney"} == {
            ("kidney", Side.LEFT), ("kidney", Side.RIGHT),
        }  # fmt: skip


def test_what_may_lie_anywhere_and_has_no_side_is_drawn_but_not_asked_for_by_side(read) -> None:  # type: ignore[no-untyped-def]
    (scan,) = read({"region": "brain", "labels": {"1": "hippocampus"}}, np.where(labels() == 1, 1, 0))
    assert (scan.structure == HIPPOCAMPUS).any() and not scan.side.any()
    assert "hippocampus" not in unknown(scan), "a pixel without a label is none"
    assert not {part for part in sure(scan) if part[0] == "hippocampus"}


def test_every_sixth_patient_is_held_back(read) -> None:  # type: ignore[no-untyped-def]
    trained = {scan.patient for scan in read(patients=13)}
    assert trained == {f"ct_a/{n:02d}" for n in range(1, 14)} - {"ct_a/06", "ct_a/12"}


def test_a_recipe_without_the_list_of_sources_is_told_what_to_write(tmp_path: Path) -> None:
    text, recipe = resource_path("Recipes", "mini.toml").read_text(encoding="utf-8"), tmp_path / "r.toml"
    recipe.write_text(text.replace("real_sources", "scans"), encoding="utf-8")
    with pytest.raises(UserInputError, match="has no list real_sources; name the sources"):
        Recipe(recipe, tmp_path, tmp_path / "work").scans("real_sources")


def test_no_source_gives_no_scan(tmp_path: Path) -> None:
    assert read_real_scans(tmp_path, [], TARGETS, TABLE, CONFIG) == ([], [])


def test_a_source_that_is_not_in_the_index_is_named(read, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    read()
    with pytest.raises(DatasetError, match="holds no scan of that split and source"):
        read_real_scans(tmp_path, ["mr_b"], TARGETS, TABLE, CONFIG)
