"""Files, folders, lists: what is found where, what is passed over, and each study once."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.batch import BatchQuestion, QuestionFile, SeriesRules, plan, planned
from MedSegRLib.batch.listing import find_studies
from MedSegRLib.errors import BatchError, ImageReadError
from MedSegRLib.imaging import Modality

from .doubles import SCANS

ASKED = QuestionFile((BatchQuestion("where", "Where is it?"),))


def keys(*inputs) -> list[str]:
    return [task.study.key for task in plan(inputs, ASKED).tasks]


def test_images_are_found_at_any_depth_and_called_by_their_paths(tmp_path, image_file) -> None:
    for name in ("sub-01/t1.nii.gz", "sub-02/deep/er/t1.nrrd", "top.mha", "pair.mhd", "other.nhdr", "x.nii"):
        image_file(tmp_path / name)
    found = plan([tmp_path], ASKED)
    assert [task.study.key for task in found.tasks] == [
        "other", "pair", "sub-01_t1", "sub-02_deep_er_t1", "top", "x",
    ]  # fmt: skip
    assert found.left_out == ()
    assert all(task.study.slices == 8 and task.study.read().shape_kji == (8, 4, 5) for task in found.tasks)


def test_the_plan_is_the_same_whatever_the_order_of_the_inputs(tmp_path, image_file) -> None:
    for name in ("a/t1.nii", "b/t1.nii", "b/c/t2.nrrd"):
        image_file(tmp_path / name)
    inputs = [tmp_path / "a", tmp_path / "b", tmp_path / "b" / "c", tmp_path / "b" / "c" / "t2.nrrd"]
    forward = plan(inputs, ASKED)
    assert plan(inputs[::-1], ASKED) == forward
    assert len(forward.tasks) == 3 and len({task.study.key for task in forward.tasks}) == 3


def test_a_cycle_of_links_ends_and_nothing_is_asked_twice(tmp_path, image_file) -> None:
    image_file(tmp_path / "z" / "t1.nii")
    (tmp_path / "a").mkdir()
    os.symlink(tmp_path, tmp_path / "a" / "up", target_is_directory=True)
    os.symlink(tmp_path / "z", tmp_path / "a" / "to-z", target_is_directory=True)
    os.symlink(tmp_path / "z", tmp_path / "z" / "self", target_is_directory=True)
    # Met where it lies, not through the link that sorts before it.
    assert keys(tmp_path) == ["z_t1"]


def test_a_linked_folder_from_elsewhere_is_entered(tmp_path, image_file) -> None:
    image_file(tmp_path / "store" / "t1.nii")
    (tmp_path / "studies").mkdir()
    os.symlink(tmp_path / "store", tmp_path / "studies" / "linked", target_is_directory=True)
    assert keys(tmp_path / "studies") == ["linked_t1"]


def test_a_link_to_a_file_that_is_not_here_is_told(tmp_path) -> None:
    os.symlink(tmp_path / "annex", tmp_path / "t1.nii.gz")
    assert (
        plan([tmp_path], ASKED).left_out[0].why.startswith("It is a link to a file that is not here; fetch")
    )


def test_an_empty_folder_and_one_without_a_scan_are_told(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("no scan")
    found = plan([tmp_path / "empty", tmp_path / "other"], ASKED)
    assert found.tasks == () and [one.what for one in found.left_out] == [
        str(tmp_path / "empty"), str(tmp_path / "other"),
    ]  # fmt: skip
    assert all(one.why.startswith("There is no scan in it: no NRRD, NIfTI") for one in found.left_out)


def test_an_input_that_is_not_there_is_refused_before_anything(tmp_path) -> None:
    with pytest.raises(ImageReadError, match=r"no file or folder .*nowhere; check the path"):
        plan([tmp_path / "nowhere"], ASKED)


def test_what_belongs_to_scans_is_passed_over_and_what_looks_like_one_is_told(tmp_path, image_file) -> None:
    image_file(tmp_path / "t1.nii.gz")
    for silent in ("answer.seg.nrrd", "._t1.nii.gz", ".hidden/t1.nii", "__MACOSX/t1.nii"):
        shutil.copy(
            tmp_path / "t1.nii.gz", (tmp_path / silent).parent.mkdir(exist_ok=True) or tmp_path / silent
        )
    for silent in ("README.txt", "t1.json", "thumbnail.png", "table.csv"):
        (tmp_path / silent).write_text("{}")
    told = {
        "t1_seg.nii.gz": "It is called like a label map",
        "brainmask-label.nrrd": "It is called like a label map",
        "orig.mgz": "It is of a format that is not read; convert it to NIfTI.",
        "scan.dcm": "It is called DICOM but does not begin as DICOM files do",
        "text.nrrd": "is not an image that can be read; give NRRD",
    }
    for name in told:
        (tmp_path / name).write_bytes(b"nothing of the kind")
    image_file(tmp_path / "four.nii", sitk.GetImageFromArray(np.zeros((2, 3, 4, 5)), isVector=False))
    told["four.nii"] = "is 4-D with 2 volumes in it; give one three-dimensional volume"
    found = plan([tmp_path], ASKED)
    assert [task.study.key for task in found.tasks] == ["t1"]
    said = {os.path.basename(one.what): one.why for one in found.left_out}
    assert said.keys() == told.keys()
    for name, why in told.items():
        assert why in said[name], name


def test_a_label_map_that_somebody_names_is_asked_about(tmp_path, image_file) -> None:
    assert keys(image_file(tmp_path / "t1_seg.nii.gz")) == ["t1_seg"]


def test_a_file_beside_the_scan_tells_its_modality_and_body_part(tmp_path, image_file) -> None:
    image_file(tmp_path / "sub-01_T1w.nii.gz")
    beside = {"Modality": "MR", "BodyPartExamined": "HEAD", "EchoTime": 0.003}
    (tmp_path / "sub-01_T1w.json").write_text(json.dumps(beside))
    image_file(tmp_path / "sub-02_T1w.nii.gz")
    (tmp_path / "sub-02_T1w.json").write_text("[not for us")
    first, second = find_studies([tmp_path]).studies
    assert (first.modality, first.body_part) == ("MR", "HEAD") and first.read().modality is Modality.MR
    assert (second.modality, second.body_part) == ("", "") and second.read().modality is Modality.UNKNOWN


def test_a_scan_that_changed_has_another_fingerprint_and_a_moved_one_has_not(tmp_path, image_file) -> None:
    path = image_file(tmp_path / "a" / "t1.nrrd")
    (study,) = find_studies([tmp_path]).studies
    before = study.fingerprint()
    shutil.move(path, tmp_path / "t2.nrrd")
    (moved,) = find_studies([tmp_path]).studies
    assert moved.fingerprint() == before and moved.key != study.key
    (tmp_path / "t2.nrrd").write_bytes((tmp_path / "t2.nrrd").read_bytes()[:-1] + b"\x00")
    assert moved.fingerprint() != before


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_list_in_csv_is_read_with_what_it_says(tmp_path, image_file, separator) -> None:
    image_file(tmp_path / "scans" / "a b.nii")
    image_file(tmp_path / "scans" / "c.nii")
    rows = [("Path", "id", "age", "modality", "body_part"), ("scans/a b.nii", "first", "7", "mr", "Head"), ()]
    rows += [('"scans/c.nii"',), ("gone.nii", "third")]
    text = "\n".join(separator.join(row) for row in rows)
    (tmp_path / "list.csv").write_text(text + "\n", encoding="utf-8-sig")
    found = plan([tmp_path / "list.csv", tmp_path / "scans"], ASKED)
    assert [(task.study.key, task.study.modality, task.study.body_part) for task in found.tasks] == [
        ("c", "", ""), ("first", "MR", "Head"),
    ]  # fmt: skip
    assert found.tasks[1].study.read().modality is Modality.MR
    (left,) = found.left_out
    assert left.what.endswith("list.csv, line 5") and left.why.startswith("There is no file or folder")


def test_a_list_in_jsonl_may_name_dicom_folders(tmp_path, dicom_series) -> None:
    dicom_series(tmp_path / "scan", Modality="OT")
    row = {"path": "scan", "id": "one", "modality": "CT", "body_part": "abdomen", "comment": 3}
    (tmp_path / "list.jsonl").write_text(json.dumps(row) + "\n\n")
    (task,) = plan([tmp_path / "list.jsonl"], ASKED).tasks
    assert (task.study.key, task.study.modality, task.study.body_part) == ("one", "CT", "abdomen")
    assert task.study.read().modality is Modality.CT


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "l.csv",
            "file,id\na.nii,1\n",
            r"l\.csv, line 1: there is no column 'path'; begin with a line such as",
        ),
        (
            "l.csv",
            "path,id\na,x\nb,X\n",
            r"line 3: the id 'X' is that of line 2 too; give each study its own",
        ),
        ("l.csv", "path,modality\na,MRI\n", r"line 2: there is no modality 'MRI'; write one of CT, MR"),
        ("l.csv", "path,id\n,x\n", r"line 2: there is no path; write where the scan lies"),
        ("l.csv", 'path,id\n"a\n\nb"x,x\n', r"line 2: this is not CSV \(.*\); correct it"),
        ("l.csv", "path\n", r"names no study; write a path in each line"),
        (
            "l.jsonl",
            '{"path": "a"}\n{"path": \n',
            r"l\.jsonl, line 2: this is not JSON; write one object a line",
        ),
        ("l.jsonl", "[1]\n", r"line 1: this is no object; write one such as"),
        ("l.jsonl", '{"path": 3}\n', r"line 1: path is no text; write it in quotation marks"),
        ("l.csv", b"path\n\xff\n", r"l\.csv is not UTF-8; save it as UTF-8"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_with_its_line(tmp_path, name, content, said) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BatchError, match=said):
        plan([tmp_path / name], ASKED)


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (SeriesRules(("MR", "CT")), None),
        (SeriesRules(("CT",)), "The rules choose CT, and this is MR."),
        (SeriesRules(include="^t1.*RAGE"), None),
        (SeriesRules(include="flair"), "Its description does not contain 'flair', which the rules want."),
        (SeriesRules(exclude="mprage"), "Its description contains 'mprage', which the rules leave out."),
        (SeriesRules(fewest_slices=7), "It has 6 slices, and the rules want 7 or more."),
        (SeriesRules(fewest_slices=6, most_slices=6), None),
        (SeriesRules(most_slices=5), "It has 6 slices, and the rules want 5 or fewer."),
    ],
)
def test_series_are_chosen_by_modality_description_and_slices(tmp_path, dicom_series, rules, why) -> None:
    dicom_series(tmp_path)
    found = plan([tmp_path], QuestionFile(ASKED.questions, rules))
    assert [one.why for one in found.left_out] == ([] if why is None else [why])
    assert len(found.tasks) == (why is None)


def test_questions_are_asked_of_what_they_fit_and_the_plan_says_why_others_are_not(
    tmp_path, dicom_series
) -> None:
    dicom_series(tmp_path / "a", BodyPartExamined="HEAD")
    dicom_series(tmp_path / "b", BodyPartExamined="ABDOMEN", SeriesInstanceUID="1.2.9")
    dicom_series(tmp_path / "c", BodyPartExamined="KNEE", SeriesInstanceUID="1.2.8")
    brain = BatchQuestion("brain", "Where is the brain?", body_part=("brain",))
    size = BatchQuestion("size", "How large is it?", after="brain")
    liver = BatchQuestion("liver", "Where is the liver?", body_part=("liver",))
    found = plan([tmp_path], QuestionFile((brain, size, liver)))
    asked = {task.study.body_part: [question.id for question in task.questions] for task in found.tasks}
    assert asked == {"HEAD": ["brain", "size"], "ABDOMEN": ["liver"]}
    why = {one.what: one.why for one in found.left_out}
    assert why[f"{tmp_path / 'c'} (T1 MPRAGE)"] == "No question fits it."
    (abdomen,) = (task.study.key for task in found.tasks if task.study.body_part == "ABDOMEN")
    assert why[f"{abdomen}, question size"] == "It follows 'brain', which is not asked."
    lines = list(found.lines())
    assert lines[-1] == f"2 studies, 3 questions; {len(found.left_out)} left out."
    assert "    liver: Where is the liver?" in lines


@pytest.mark.parametrize(
    "options", [{}, {"deidentify": True}, {"names": True}], ids=["plain", "pseudonyms", "names"]
)
def test_a_name_that_is_no_text_is_a_failed_study_and_not_the_end(batch, work, dicom_series, options) -> None:
    odd = os.fsdecode(b"gr\xfc\xdfe")
    (work / "studies" / "scan1.nrrd").rename(work / "studies" / f"{odd}.nrrd")
    dicom_series(work / "studies" / odd)
    assert "\n".join(planned(work / "studies", work / "questions.toml").lines()).encode()
    result = batch(**options)
    assert result.progress.answered == SCANS - 1 and len(result.failures) == 2
    assert all("has a name that is not valid UTF-8; rename" in one.why for one in result.failures)
    assert "\n".join(result.in_words()).encode()
