"""Whose scans they are is told to nobody who did not ask: every byte written, every word printed."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from MedSegRLib.batch import BatchResult, planned
from MedSegRLib.batch.failures import without_paths
from MedSegRLib.batch.patient_names import name_words, without_names
from MedSegRLib.errors import UserInputError

from .conftest import STORED, write_dicom
from .doubles import contents, put_broken, put_scan

WORDS = ("mustermann", "erika")
# Results that say where a scan lies, which their owner must know.
PLACES = (".answer.json", ".csv")


def series(folder: Path, slices: range | tuple[int, ...] = range(6), **attributes: object) -> None:
    for n in slices:
        write_dicom(
            folder / f"Mustermann-{n}.dcm", STORED[n], ImagePositionPatient=[0, 0, 3.0 * n], **attributes
        )


@pytest.fixture
def archive(work: Path) -> Path:
    """Scans of one patient in a folder of her name: DICOM, a sidecar that names her, and broken ones."""
    shutil.rmtree(work / "studies")
    home = work / "studies" / "MUSTERMANN_Erika 1964"
    series(home / "T1")
    series(home / "T2", SeriesInstanceUID="1.2.3.5", SeriesDescription="T2 of Mrs Mustermann")
    series(home / "nameless", SeriesInstanceUID="1.2.3.7", SeriesDescription=None)
    series(home / "gap", (0, 1, 4, 5), SeriesInstanceUID="1.2.3.8", SeriesDescription=None)
    series(home / "scout", SeriesInstanceUID="1.2.3.9", SeriesDescription="scout of Erika")
    damaged = home / "damaged" / "erika.dcm"
    write_dicom(damaged, STORED[0], SeriesInstanceUID="1.2.3.10")
    damaged.write_bytes(damaged.read_bytes()[:142])
    put_scan(home / "t1.nrrd")
    put_broken(home / "broken.nrrd")
    (home / "cut erika.nrrd").write_bytes(b"NRRD0004 but no more")
    return home


def told(text: str) -> set[str]:
    return {word for word in WORDS if word in text.lower()}


def printed(result: BatchResult) -> str:
    return "\n".join([*result.in_words(), *map(repr, result.failures), *map(repr, result.left_out)])


def test_a_name_that_a_header_states_is_not_told_where_folders_have_it(batch, work, archive, capfd) -> None:
    result = batch()
    assert result.progress.answered == 4 and len(result.failures) == 4 and result.exit_code == 1
    shown = "\n".join(planned(work / "studies", work / "questions.toml").lines())
    assert told(printed(result) + shown) == set()
    for name, content in contents(work / "out").items():
        assert told(name) == set(), name
        if not name.endswith(PLACES):
            assert told(content.decode("latin-1")) == set(), name
    assert "/[patient] 1964/gap" in shown and "[patient] 1964/T1 (T1 MPRAGE)" in shown
    # A scan without a header is called after its file, less what other files of the folder give away.
    assert any(path.name.startswith("patient-1964_t1") for path in (work / "out" / "studies").iterdir())
    assert capfd.readouterr() == ("", "")


def test_who_asks_for_names_gets_them(batch, work, archive) -> None:
    result = batch(names=True)
    assert told(printed(result)) == set(WORDS)
    shown = "\n".join(planned(work / "studies", work / "questions.toml").lines(names=True))
    assert "MUSTERMANN_Erika 1964" in shown and "[patient]" not in shown
    with open(work / "out" / "findings.csv", newline="", encoding="utf-8") as file:
        assert "Mustermann^Erika" in {row["patient"] for row in csv.DictReader(file)}


def test_without_names_nothing_but_the_private_list_tells_them(batch, work, archive, capfd) -> None:
    result = batch(deidentify=True)
    assert result.progress.answered == 4 and len(result.failures) == 4
    assert told("\n".join(result.in_words())) == set()
    found = contents(work / "out")
    identities = found.pop("private/identities.csv").decode()
    for name, content in found.items():
        text = name + content.decode("latin-1")
        assert told(text) == set() and "1964" not in text and str(work) not in text, name
    rows = list(csv.DictReader(identities.splitlines()))
    listed = json.loads(found["failures.json"])["failures"]
    by_name = {row["pseudonym"]: row["path"] for row in rows}
    # Whoever may see the private list finds every scan that failed.
    assert {Path(by_name[one["study"]]).name for one in listed} >= {
        "broken.nrrd",
        "cut erika.nrrd",
        "erika.dcm",
    }
    assert capfd.readouterr() == ("", "")


def test_a_name_that_only_a_folder_has_is_told_unless_scans_get_pseudonyms(batch, work) -> None:
    shutil.rmtree(work / "studies")
    home = work / "studies" / "Mustermann_Erika"
    home.mkdir(parents=True)
    put_scan(home / "t1.nrrd")
    put_broken(home / "broken.nrrd")
    result = batch(deidentify=True)
    assert told("\n".join(result.in_words())) == set() and len(result.failures) == 1
    for name, content in contents(work / "out").items():
        assert name.startswith("private/") or told(name + content.decode("latin-1")) == set(), name


def test_a_name_that_a_file_beside_the_scan_states_counts_as_a_headers(batch, work) -> None:
    shutil.rmtree(work / "studies")
    home = work / "studies" / "Mustermann_Erika"
    home.mkdir(parents=True)
    put_scan(home / "t1.nrrd")
    (home / "t1.json").write_text(json.dumps({"PatientName": "Mustermann^Erika", "Modality": "MR"}))
    batch()
    assert [path.name for path in (work / "out" / "studies").iterdir()] == ["patient_t1"]
    batch("named", names=True)
    assert b"Mustermann^Erika" in (work / "named" / "findings.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, r"\[patient\]/cut.nrrd is cut short or damaged"),
        ({"names": True}, r"Mustermann_Erika/cut.nrrd is cut short or damaged"),
        ({"deidentify": True}, r"2 left out, and --dry-run says why"),
    ],
    ids=["plain", "names", "deidentify"],
)
def test_where_there_is_nothing_to_ask_about_no_name_is_told_either(
    batch: Callable[..., BatchResult], work: Path, options: dict[str, bool], sentence: str
) -> None:
    shutil.rmtree(work / "studies")
    home = work / "studies" / "Mustermann_Erika"
    series(home / "z scout", SeriesDescription="scout")
    (home / "cut.nrrd").write_bytes(b"NRRD0004 but no more")
    with pytest.raises(UserInputError, match=sentence) as raised:
        batch(**options)
    assert told(str(raised.value)) == (set(WORDS) if "names" in options else set())


def test_the_disk_is_asked_to_hold_only_what_is_new_also_where_scans_have_pseudonyms(
    batch, work, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MedSegRLib.batch import engine

    asked: list[list[str]] = []
    real = engine.check_space

    def check(tasks, settings, folder) -> None:
        asked.append([task.study.key for task in tasks])
        real(tasks, settings, folder)

    monkeypatch.setattr(engine, "check_space", check)
    batch(deidentify=True)
    put_scan(work / "studies" / "scan9.nrrd", 9)
    batch(deidentify=True)
    batch(deidentify=True)
    assert asked == [[f"scan{n}" for n in range(4)], ["scan9"], []]


@pytest.mark.parametrize(
    ("patient", "text", "left"),
    [
        ("Mustermann^Erika", "/a/MUSTERMANN, Erika/erika_t1.nii", "/a/[patient]/[patient]_t1.nii"),
        ("Li^Na", "/a/Li_Na/ligament of Nancy/na.nii", "/a/[patient]/ligament of Nancy/[patient].nii"),
        ("Müller^Jörg", "/a/Mu\u0308ller/x.nii", "/a/[patient]/x.nii"),
        ("MR^Phantom", "/a/MR/phantom1 (T1, MR, 3 files)", "/a/MR/[patient]1 (T1, MR, 3 files)"),
        ("4711", "/a/4711/x.nii", "/a/4711/x.nii"),
        ("", "/a/x.nii", "/a/x.nii"),
    ],
)
def test_words_of_a_name_are_taken_out_however_they_are_written(patient: str, text: str, left: str) -> None:
    assert without_names(text, name_words(patient, [text])) == left


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("/x/erika/t1.nii is cut short.", "key is cut short."),
        ("t1.nii has mixed slices: a and b; keep a folder.", "key has mixed slices: a and b; keep a folder."),
        ("erika is 4-D (t1.nii), give a volume.", "key is 4-D (one of its files), give a volume."),
        ("erika has missing slices, 1 in all.", "key has missing slices, 1 in all."),
        ("t1.nii2 and at1.nii stay.", "t1.nii2 and at1.nii stay."),
    ],
)
def test_paths_go_and_words_that_look_like_their_pieces_stay(sentence: str, left: str) -> None:
    paths = [Path("/x/erika/t1.nii"), Path("/x/erika/a"), Path("/x/erika/1")]
    assert without_paths(sentence, paths, "key", ["erika", "x"]) == left
    assert np.char.find(left, "erika") == -1
