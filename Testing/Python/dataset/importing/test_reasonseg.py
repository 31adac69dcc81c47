"""ReasonSeg in: polygons by descending area, names that must be there, questions that become items."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.format import MaskReference, write_items
from MedSegRLib.dataset.importing.about import About
from MedSegRLib.dataset.importing.asked import items_asked
from MedSegRLib.dataset.importing.label_table import LabelName
from MedSegRLib.dataset.importing.reasonseg import read_reasonseg
from MedSegRLib.dataset.validate import validate
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Modality

ABOUT = About("abdomen", Modality.CT, origin="ReasonSeg")
QUESTION = "Which organ stores bile salts, glycogen and vitamins?"


def shape(label, corners, description=""):
    (left, top), (right, bottom) = corners
    points = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return {"label": label, "points": points, "description": description}


LIVER = shape("target", ((1, 1), (8, 6)), "liver")


@pytest.fixture
def write(tmp_path):
    """Write a picture of 8 rows and 12 columns and its JSON."""

    def make(shapes, texts=(QUESTION,), name="a", folder="reason", **more):
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        picture = np.arange(96, dtype=np.uint8).reshape(8, 12)
        sitk.WriteImage(sitk.GetImageFromArray(picture), str(place / f"{name}.png"))
        data = {"text": list(texts), "is_sentence": True, "shapes": shapes, **more}
        (place / f"{name}.json").write_text(json.dumps(data))
        return place / f"{name}.json"

    return make


@pytest.fixture
def read(tmp_path, table):
    def run(said=(), about=ABOUT):
        (tmp_path / "labels").mkdir(exist_ok=True)
        return list(read_reasonseg(tmp_path / "reason", said, about, table, tmp_path / "labels"))

    return run


def test_small_polygons_lie_upon_large_ones_whatever_their_order(write, read):
    hole = shape("ignore", ((3, 2), (5, 4)))
    rest = shape("target", ((4, 3), (4, 3)), "liver")
    write([rest, hole, LIVER])
    (source,) = read()
    drawn = sitk.GetArrayFromImage(sitk.ReadImage(str(source.labels[0].file)))
    expected = np.zeros((8, 12), np.uint8)
    expected[1:7, 1:9] = 1
    expected[2:5, 3:6] = 255
    expected[3, 4] = 1
    assert (drawn == expected).all()
    assert [(one.value, one.structure) for one in source.labels] == [(1, "liver"), (255, None)]


def test_a_flag_has_no_meaning(write, read):
    write([shape("flag", ((0, 0), (11, 7))), LIVER])
    drawn = sitk.GetArrayFromImage(sitk.ReadImage(str(read()[0].labels[0].file)))
    assert drawn.sum() == 48


def test_fractions_of_a_pixel_are_cut_off(write, read):
    write([shape("target", ((1.9, 1.9), (8.9, 6.9)), "liver")])
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(read()[0].labels[0].file)))[1:7, 1:9].all()


def test_the_folders_of_reasonseg_are_the_splits(write, read):
    for split in ("train", "val", "test"):
        write([LIVER], name=f"{split}_1", folder=f"reason/{split}")
    assert [(s.study, s.split) for s in read()] == [
        ("train_1", "train"), ("val_1", "development"), ("test_1", "validation"),
    ]  # fmt: skip


def test_a_text_that_is_no_sentence_names_its_target(write, read):
    write([shape("target", ((1, 1), (8, 6)))], ["the left kidney"], is_sentence=False)
    label = read()[0].labels[0]
    assert (label.name, label.structure, label.side) == ("left kidney", "kidney", Side.LEFT)


def test_the_users_table_names_the_target_of_a_file(write, read):
    write([shape("target", ((1, 1), (8, 6)))])
    assert read(said=(LabelName("a", "liver"),))[0].labels[0].structure == "liver"


def test_a_file_in_the_encoding_of_windows_is_read(write, read):
    file = write([LIVER], ["Où est le foie?"])
    file.write_bytes(json.dumps(json.loads(file.read_text()), ensure_ascii=False).encode("cp1252"))
    assert read()[0].questions[0].text == "Où est le foie?"


def test_questions_become_items_of_a_good_data_set(write, read, table, tmp_path):
    write([LIVER, shape("ignore", ((9, 1), (10, 2)))], [QUESTION, "Show me the liver."])
    write([LIVER, shape("target", ((9, 4), (11, 6)), "left kidney")], ["Which organs?"], name="b")
    items = [item for s in read() for item in items_asked(s, table, tmp_path, "ReasonSeg")]
    write_items(tmp_path / "dataset.jsonl", items)
    assert validate(tmp_path / "dataset.jsonl") == []
    kinds = [(item.id, item.exchanges[0].question_type) for item in items]
    assert kinds == [
        ("a", QuestionType.IMPLICIT), ("a#2", QuestionType.DIRECT), ("b", QuestionType.SEVERAL),
    ]  # fmt: skip
    assert items[0].exchanges[0].answer == "It is the <p>liver</p>[SEG]."
    assert items[2].exchanges[0].answer == "These are the <p>liver</p>[SEG] and the <p>left kidney</p>[SEG]."
    assert items[0].exchanges[0].targets[0].mask == MaskReference("labels/a.png", (1,), (255,))


@pytest.mark.parametrize(
    ("shapes", "more", "sentence"),
    [
        ([shape("target", ((1, 1), (8, 6)))], {}, r"a\.json has a target without a name; write it into the"),
        ([shape("", ((1, 1), (8, 6)))], {}, r"a\.json, shape 1 is a label without a name; write target"),
        ([shape("ignore", ((1, 1), (8, 6)))], {}, r"a\.json has no polygon of a target; draw it or leave"),
        ([LIVER], {"text": []}, r"a\.json has no question in 'text'"),
        ([{**LIVER, "points": [[1, 2, 3]]}], {}, r"shape 1 has points that are no list of \[column, row\]"),
        ([shape("target", ((20, 20), (30, 30)), "liver")], {}, r"The target 'liver' of .*a\.json is empty"),
        ("none", {}, r"a\.json has no list 'shapes'"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(write, read, shapes, more, sentence):
    write(shapes, **more)
    with pytest.raises(DatasetError, match=sentence):
        read()


def test_a_patient_that_the_file_names_is_kept_unless_a_pattern_says_otherwise(write, read):
    write([LIVER], patient="p7")
    assert [s.patient for s in read()] == ["p7"]
    assert [s.patient for s in read(about=About("abdomen", patient_pattern="(.)"))] == ["a"]


def test_two_files_of_one_name_are_refused(write, read):
    write([LIVER], folder="reason/train")
    write([LIVER], folder="reason/val")
    with pytest.raises(DatasetError, match=r"train/a\.json and .*val/a\.json have the same name; rename one"):
        read()


def test_a_broken_json_is_told(write, read):
    write([LIVER]).write_text("{")
    with pytest.raises(DatasetError, match=r"a\.json cannot be read as a file of ReasonSeg"):
        read()


def test_a_json_without_its_picture_is_told(write, read):
    write([LIVER]).with_suffix(".png").unlink()
    with pytest.raises(DatasetError, match=r"a\.json has no picture of the same name beside it; add it"):
        read()


def test_an_empty_folder_is_told(read, tmp_path):
    (tmp_path / "reason").mkdir()
    with pytest.raises(DatasetError, match="reason holds no JSON file of ReasonSeg; check the path"):
        read()


def test_a_target_that_the_table_does_not_hold_is_refused(write, read, table, tmp_path):
    write([{**LIVER, "description": "bicycle"}])
    with pytest.raises(
        DatasetError, match=r"The target 'bicycle' of a\.png is not in the anatomy table; say what it is"
    ):
        list(items_asked(read()[0], table, tmp_path, "ReasonSeg"))


def test_a_target_whose_side_nobody_says_has_none(write, read, table, tmp_path):
    write([{**LIVER, "description": "kidneys"}])
    (item,) = items_asked(read()[0], table, tmp_path, "ReasonSeg")
    (target,) = item.exchanges[0].targets
    assert (target.phrase, target.structure, target.side) == ("kidney", "kidney", Side.NONE)
    write_items(tmp_path / "dataset.jsonl", [item])
    assert validate(tmp_path / "dataset.jsonl") == []
