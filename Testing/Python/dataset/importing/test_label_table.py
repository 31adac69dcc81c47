"""Label tables in CSV and JSON, and everything that is wrong with one."""

from __future__ import annotations

import json

import pytest

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.importing.label_table import LabelName, read_label_table
from MedSegRLib.errors import DatasetError

LIVER = LabelName("liver", "liver", Side.NONE, 1)
GROWTH = LabelName("GTV", None, Side.NONE, 3)
ODD = LabelName("Niere li.", "kidney", Side.LEFT, 7)


@pytest.fixture
def read(tmp_path, table):
    def from_text(text: str, name: str = "labels.csv", **keywords):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_label_table(path, table, **keywords)

    return from_text


def test_csv_and_json_say_the_same(read):
    csv = read("value,name,structure,side\n1,liver,,\n3,GTV,,\n7,Niere li.,kidney,left\n")
    rows = [
        {"value": 1, "name": "liver"},
        {"value": 3, "name": "GTV"},
        {"value": 7, "name": "Niere li.", "structure": "kidney", "side": "left"},
    ]
    assert csv == read(json.dumps(rows), "labels.json") == (LIVER, GROWTH, ODD)


def test_a_short_json_maps_values_to_names(read):
    assert read('{"1": "liver", "3": "GTV"}', "labels.json") == (LIVER, GROWTH)


def test_a_table_of_names_needs_no_values(read):
    assert read("name,structure\nLeber,liver\n", with_values=False) == (LabelName("Leber", "liver"),)


def test_a_byte_order_mark_of_a_spreadsheet_is_no_part_of_the_heading(read):
    assert read("\ufeffvalue,name\n1,liver\n") == (LIVER,)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("value,name\n1,\n", "entry 1 is a label without a name; name it"),
        ("value,name\n0,liver\n", "entry 1 has the value '0'; write a whole number above 0"),
        ("value,name\none,liver\n", "entry 1 has the value 'one'"),
        ("value,name\n1,liver\n1,spleen\n", "has an entry for 1 twice; keep one"),
        ("value,name\n", "names no label; write one a line"),
        ("value,name,colour\n1,liver,red\n", "unknown key 'colour'; use value, name, structure, side"),
        ("value,name,structure\n1,a,hepar\n", "the structure 'hepar', which is no id of the anatomy table"),
        ("value,name,structure,side\n1,a,kidney,up\n", "the side 'up'; write one of left, right, none"),
        ("value,name,side\n1,a,left\n", "has a side and no structure; write both or none"),
        ("value,name\n1,liver,spleen,kidney\n", "unknown key 'None'"),
    ],
)
def test_a_wrong_entry_is_named(read, text, sentence):
    with pytest.raises(DatasetError, match=sentence):
        read(text)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("labels.json", "{", "cannot be read as a label table"),
        ("labels.json", "[1, 2]", "is no label table; write"),
        ("labels.txt", "1 liver", r"is no label table; give a \.csv or a \.json"),
    ],
)
def test_what_is_no_table_is_refused(read, name, text, sentence):
    with pytest.raises(DatasetError, match=sentence):
        read(text, name)


def test_a_missing_table_is_told(tmp_path, table):
    with pytest.raises(DatasetError, match=r"nothing\.csv cannot be read as a label table"):
        read_label_table(tmp_path / "nothing.csv", table)
