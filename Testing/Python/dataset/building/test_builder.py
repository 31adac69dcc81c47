"""A build: resumed after a kill at any moment, told in a sentence when the disk is full, counted honestly."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.dataset.building.annotator import UnusableConversation
from MedSegRLib.dataset.building.builder import Builder, Progress
from MedSegRLib.dataset.building.checks import Checker
from MedSegRLib.dataset.building.journal import DONE, ITEMS, MANIFEST, REJECTED, Journal
from MedSegRLib.dataset.building.offline import RegionAnnotator
from MedSegRLib.dataset.building.spending import Bounds, Spending
from MedSegRLib.dataset.building.units import Share, share_of
from MedSegRLib.dataset.format import read_items
from MedSegRLib.dataset.source import Source
from MedSegRLib.dataset.source_file import write_sources
from MedSegRLib.dataset.validate import validate
from MedSegRLib.errors import DatasetError, MedSegRError, OutputError
from MedSegRLib.imaging import Plane

from .conftest import N, Scripted, exchange, write_source

SHARES = (Share("bellies", scans=2),)
LIVER = ("liver", "liver", N, True)


def builder(folder: Path, annotator: Any, table: AnatomyTable, **options: Any) -> Builder:
    return Builder(folder, {"recipe": "r"}, annotator, Checker(table), table, seed=1, **options)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "built"


def test_a_build_is_a_good_data_set_with_a_manifest(
    folder: Path, source: Source, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    seen: list[Progress] = []
    manifest = builder(folder, annotator, table, show=seen.append).run([source], SHARES)
    assert validate(folder / ITEMS) == []
    items = list(read_items(folder / ITEMS))
    # Two about the scan, one about each slice that shows something.
    assert len(items) == manifest["items"] == 11 and [i.slices for i in items[:3]] == [None, None, (1, 1)]
    assert len({item.id for item in items}) == 11
    assert {item.patient for item in items} == {"p1"} and items[0].image == "../scans/p1-image.nii.gz"
    assert seen[-1].scans == seen[-1].of_scans == 1 and seen[-1].items == 11
    assert json.loads((folder / MANIFEST).read_text(encoding="utf-8")) == manifest
    pairs = {
        (i.image, i.slices, t.mask)
        for i in items
        for e in i.exchanges
        for t in e.targets
        if t.mask is not None
    }
    assert manifest["image_mask_pairs"] == len(pairs)
    assert manifest["pictures"] == len({(image, slices) for image, slices, _ in pairs})
    assert manifest["accept_rate"] == round(11 / manifest["written"], 4)
    assert (
        manifest["exchanges"]
        == sum(manifest["question_types"].values())
        == sum(len(i.exchanges) for i in items)
    )


def test_a_second_run_writes_nothing_and_looks_at_nothing(
    folder: Path, source: Source, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    builder(folder, annotator, table).run([source], SHARES)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    class Never:
        name = "offline"

        def converse(self, *_: Any) -> Any:
            raise AssertionError("nothing is left to be written")

    builder(folder, Never(), table).run([source], SHARES)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


PROGRAM = """
import sys, time
from pathlib import Path
from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.building.builder import Builder
from MedSegRLib.dataset.building.checks import Checker
from MedSegRLib.dataset.building.offline import RegionAnnotator
from MedSegRLib.dataset.building.phrasings import load_phrasings
from MedSegRLib.dataset.building.units import Share
from MedSegRLib.dataset.source_file import read_sources

folder, sources = map(Path, sys.argv[1:])
class Slow(RegionAnnotator):
    def converse(self, *given):
        time.sleep(0.02)
        return super().converse(*given)
table = load_table()
made = Builder(folder, {"recipe": "r"}, Slow(table, load_phrasings()), Checker(table), table, seed=1)
made.run(read_sources(sources), (Share("bellies", scans=2),))
"""


def test_a_build_that_is_killed_again_and_again_ends_as_one_that_was_not(
    tmp_path: Path, folder: Path, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    sources = [write_source(tmp_path / "scans", f"p{n}") for n in range(3)]
    write_sources(tmp_path / "sources.jsonl", sources)
    command = [sys.executable, "-c", PROGRAM, str(folder), str(tmp_path / "sources.jsonl")]
    kills = 0
    for wanted in (1, 9, 14, 25):
        process = subprocess.Popen(command)
        while process.poll() is None and _count(folder / ITEMS) < wanted:
            time.sleep(0.005)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            assert not (folder / MANIFEST).exists()
    assert kills >= 3
    # What a kill in the middle of a write leaves.
    with open(folder / ITEMS, "ab") as file:
        file.write(b'{"id": "half a li')
    builder(folder, annotator, table).run(sources, SHARES)
    whole = tmp_path / "whole"
    builder(whole, annotator, table).run(sources, SHARES)
    assert (folder / ITEMS).read_bytes() == (whole / ITEMS).read_bytes()
    assert (folder / REJECTED).read_bytes() == (whole / REJECTED).read_bytes()
    manifests = [json.loads((place / MANIFEST).read_text(encoding="utf-8")) for place in (folder, whole)]
    assert {**manifests[0], "seconds": 0} == {**manifests[1], "seconds": 0}


def _count(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.parametrize("partial", [False, True], ids=["refused", "cut"])
def test_a_full_disk_is_told_and_nothing_is_lost(
    folder: Path,
    source: Source,
    annotator: RegionAnnotator,
    table: AnatomyTable,
    monkeypatch: pytest.MonkeyPatch,
    partial: bool,
) -> None:
    real, left = FileIO.write, [4]

    class Full(FileIO):
        def write(self, line: Any) -> int:
            left[0] -= 1
            if left[0] >= 0:
                return real(self, line)
            if partial:
                return real(self, line[:20])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr("MedSegRLib.dataset.building.journal.FileIO", Full)
        with pytest.raises(OutputError, match="the disk is full; make room and run the same command again"):
            builder(folder, annotator, table).run([source], SHARES)
    assert not (folder / MANIFEST).exists()
    assert all(line["id"] for line in lines(folder / ITEMS))
    builder(folder, annotator, table).run([source], SHARES)
    whole = folder.parent / "whole"
    builder(whole, annotator, table).run([source], SHARES)
    assert (folder / ITEMS).read_bytes() == (whole / ITEMS).read_bytes()


def test_what_fails_a_check_is_written_again_and_kept_apart(
    folder: Path, source: Source, table: AnatomyTable
) -> None:
    good = (exchange("This is the <p>liver</p>[SEG].", LIVER),)
    wrong = (exchange("The <p>liver</p>[SEG] measures 3 ml.", LIVER),)

    def babble() -> Any:
        raise UnusableConversation("The reply holds no JSON object.")

    annotator = Scripted(wrong, babble, good)
    manifest = builder(folder, annotator, table).run([source], (Share("bellies", every=0),))
    assert manifest["items"] == 1 and manifest["written"] == 3 and manifest["accept_rate"] == 0.3333
    assert manifest["rejected_by_check"] == {"claim": 1, "unusable": 1}
    first, second = lines(folder / REJECTED)
    assert first["failures"][0]["sentence"].startswith("Exchange 1: '3 ml' was not measured")
    assert (first["attempt"], second["attempt"]) == (0, 1)
    assert second["failures"] == [{"check": "unusable", "sentence": "The reply holds no JSON object."}]


def test_what_fails_every_time_is_left_out_for_good(
    folder: Path, source: Source, table: AnatomyTable
) -> None:
    wrong = Scripted((exchange("The <p>liver</p>[SEG] measures 3 ml.", LIVER),))
    for _ in range(2):
        manifest = builder(folder, wrong, table, tries=2).run([source], (Share("bellies", every=0),))
        assert (manifest["items"], manifest["written"], manifest["accept_rate"]) == (0, 2, 0.0)


def test_an_annotator_that_cannot_go_on_stops_the_build_which_goes_on_later(
    folder: Path, source: Source, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    class Tired(RegionAnnotator):
        left = 5

        def converse(self, *given: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise MedSegRError("The endpoint does not answer.")
            return super().converse(*given)

    tired = Tired(table, annotator.phrasings)
    with pytest.raises(MedSegRError, match="does not answer"):
        builder(folder, tired, table).run([source], SHARES)
    assert 3 <= len(lines(folder / ITEMS)) <= 5
    assert builder(folder, annotator, table).run([source], SHARES)["items"] == 11


def test_a_scan_that_does_not_fit_its_labels_is_left_out_and_told(
    tmp_path: Path, folder: Path, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    good, bad = (write_source(tmp_path / "scans", name) for name in ("good", "bad"))
    other = write_source(tmp_path / "other")
    moved = sitk.ReadImage(str(other.image))
    moved.SetOrigin((50.0, 0.0, 0.0))
    sitk.WriteImage(moved, str(bad.image))
    told: list[str] = []
    manifest = builder(folder, annotator, table, tell=told.append).run([bad, good], SHARES)
    assert manifest["items"] == 11 and len(told) == len(manifest["left_out"]) == 1
    assert "lies elsewhere than its scan" in told[0] and told[0].startswith("Left out: ")
    assert [line.get("problem") is None for line in lines(folder / DONE)] == [False, True]


def test_a_label_map_without_a_scan_gets_a_picture_once(
    tmp_path: Path, folder: Path, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    source = write_source(tmp_path / "scans", image=False)
    shares = (Share("bellies", planes=(Plane.AXIAL, Plane.CORONAL), every=6, scans=1),)
    manifest = builder(folder, annotator, table).run([source], shares)
    assert validate(folder / ITEMS) == [] and manifest["items"] > 5
    items = list(read_items(folder / ITEMS))
    assert {item.image for item in items} == {"images/bellies-p1-1-axial.nii.gz"}
    assert {item.plane for item in items if item.slices} == {Plane.AXIAL, Plane.CORONAL}
    assert sum(item.slices is None for item in items) == 1


def test_a_scan_that_is_cut_short_is_left_out_and_told(
    tmp_path: Path, folder: Path, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    good, bad, worse = (write_source(tmp_path / "scans", name) for name in ("good", "bad", "worse"))
    for path in (bad.image, worse.files[0]):
        assert path is not None
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    manifest = builder(folder, annotator, table).run([bad, worse, good], SHARES)
    assert manifest["items"] == 11 and len(manifest["left_out"]) == 2
    assert "bad-image.nii.gz" in manifest["left_out"][0] and "worse-labels" in manifest["left_out"][1]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), RuntimeError("ITK")])
def test_a_picture_that_a_full_disk_does_not_take_is_told_and_made_later(
    tmp_path: Path,
    folder: Path,
    annotator: RegionAnnotator,
    table: AnatomyTable,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    source = write_source(tmp_path / "scans", image=False)

    def full(*_: Any) -> None:
        raise error

    with monkeypatch.context() as disk:
        disk.setattr(sitk, "WriteImage", full)
        with pytest.raises(OutputError, match=r"bellies-p1-1-axial\.nii\.gz cannot be written.* make room"):
            builder(folder, annotator, table).run([source], SHARES)
    assert list((folder / "images").iterdir()) == [] and not (folder / MANIFEST).exists()
    assert builder(folder, annotator, table).run([source], SHARES)["items"] > 5


def test_a_patient_in_two_splits_is_refused_before_anything_is_written(
    folder: Path, source: Source, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    again = replace(source, study="2", split="validation")
    with pytest.raises(DatasetError, match="Patient p1 is in train and, with study 2, in validation; keep"):
        builder(folder, annotator, table).run([source, again], SHARES)
    assert not folder.exists()


def test_a_disk_that_is_full_when_a_request_is_counted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spending = Spending(Bounds(9, 999), tmp_path / "spent.json")
    spending.begin(10)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_text", full)
        with pytest.raises(OutputError, match=r"spent\.json cannot be written .* make room"):
            spending.begin(10)
    assert Spending(Bounds(9, 999), tmp_path / "spent.json").requests == 1


def test_a_folder_of_another_build_is_refused(
    folder: Path, source: Source, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    builder(folder, annotator, table).run([source], SHARES)
    with pytest.raises(DatasetError, match="holds a build of another recipe, annotator or seed"):
        Journal(folder, {"recipe": "another"})
    (folder / "build.json").unlink()
    with pytest.raises(DatasetError, match="holds a data set that no build made; choose another folder"):
        Journal(folder, {"recipe": "r"})


def test_a_broken_line_in_the_middle_is_named(folder: Path) -> None:
    with Journal(folder, {}) as journal:
        journal.append(ITEMS, {"id": 1})
    with open(folder / ITEMS, "a", encoding="utf-8") as file:
        file.write("{broken\n")
    with Journal(folder, {}) as journal, pytest.raises(DatasetError, match=r"Line 2 of .* is not JSON"):
        list(journal.lines(ITEMS))


def test_a_cut_line_longer_than_a_block_is_taken_off(folder: Path) -> None:
    with Journal(folder, {}) as journal:
        journal.append(ITEMS, {"id": "x" * 9000})
        journal.append(ITEMS, {"id": 2})
    whole = (folder / ITEMS).read_bytes()
    for rest in (b"y", b"y" * 4096, b"y" * 10000):
        (folder / ITEMS).write_bytes(whole + rest)
        with Journal(folder, {}):
            assert (folder / ITEMS).read_bytes() == whole
    (folder / ITEMS).write_bytes(b"y" * 5000)
    with Journal(folder, {}):
        assert (folder / ITEMS).read_bytes() == b""


def test_two_scans_of_one_name_and_no_scan_at_all_are_refused(
    folder: Path, source: Source, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    with pytest.raises(DatasetError, match="Two scans have the name bellies-p1-1-axial; give each study"):
        builder(folder, annotator, table).run([source, source], SHARES)
    with pytest.raises(DatasetError, match="No scan belongs to a share of the recipe; compare their origins"):
        builder(folder, annotator, table).run([source], (Share("elsewhere"),))


def test_shares_choose_by_origin_and_leave_patients_out(source: Source) -> None:
    anything, bellies = Share(), Share("bellies")

    def chosen(*shares: Share) -> Share | None:
        return share_of(source, shares)

    assert chosen(anything, bellies) is bellies and chosen(anything) is anything
    assert chosen(Share("heads")) is None
    assert chosen(Share("bellies", leave_out=("p1",)), anything) is None
    with pytest.raises(DatasetError, match="every = 0 and scans = 0; write counts of which one is above 0"):
        Share("bellies", every=0, scans=0)


def test_items_come_in_the_order_of_the_recipe(
    tmp_path: Path, folder: Path, annotator: RegionAnnotator, table: AnatomyTable
) -> None:
    first, second = (
        replace(write_source(tmp_path / "scans", name), origin=name) for name in ("first", "second")
    )
    shares: Sequence[Share] = (Share("second", every=0), Share("first", every=0))
    builder(folder, annotator, table).run([first, second], shares)
    assert [line["patient"] for line in lines(folder / ITEMS)] == ["second", "first"]
