"""Splits: by patient, each in one only, and the same choice every time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.format import Item, ItemExchange, ItemProvenance
from MedSegRLib.dataset.split import divide_patients, read_patient_splits, refuse_two_splits, with_splits
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane

HELP = ItemExchange("What can you do?", "I show what is in a scan.", QuestionType.HELP)


def item(patient: str, split: str = "train", region: str = "brain", number: int = 0) -> Item:
    return Item(
        f"{patient}-{number}", patient, "1", f"{patient}.nii", "MR", region, Plane.AXIAL, split, (HELP,),
        ItemProvenance("people", "0"),
    )  # fmt: skip


MANY = [
    item(f"{region}{n}", "train", region, k)
    for region in ("brain", "spine")
    for n in range(20)
    for k in (0, 1)
]


def test_each_region_gives_its_share():
    splits = divide_patients(MANY, development=0.2, validation=0.1)
    for region in ("brain", "spine"):
        own = [split for patient, split in splits.items() if patient.startswith(region)]
        assert [own.count(split) for split in ("train", "development", "validation")] == [14, 4, 2]


@given(seed=st.integers(0, 1000), share=st.floats(0, 0.9), count=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_every_item_of_a_patient_comes_into_one_split(seed, share, count):
    items = MANY[: 2 * count]
    splits = divide_patients(items, development=share, seed=seed)
    assert splits == divide_patients(reversed(items), development=share, seed=seed)
    assert len(list(refuse_two_splits(with_splits(items, splits)))) == len(items)


def test_a_share_gives_at_least_one_patient_of_three():
    assert list(divide_patients(MANY[:6], development=0.01).values()).count("development") == 1
    assert list(divide_patients(MANY[:4], development=0.01).values()).count("development") == 0


def test_patients_that_are_kept_for_judging_stay_there():
    kept = [item("judge", "validation"), item("tune", "development")]
    splits = divide_patients(MANY + kept, development=0.5)
    assert (splits["judge"], splits["tune"]) == ("validation", "development")


def test_another_seed_chooses_others():
    choices = {
        frozenset(k for k, v in divide_patients(MANY, development=0.2, seed=n).items() if v != "train")
        for n in range(5)
    }
    assert len(choices) > 1


def test_a_patient_in_two_splits_is_refused():
    two = [item("a"), item("b"), replace(item("a", "validation"), id="a-9")]
    sentence = "Patient a is in train and, with item a-9, in validation; keep a patient in one split"
    with pytest.raises(DatasetError, match=sentence):
        list(refuse_two_splits(two))
    with pytest.raises(DatasetError, match=sentence):
        divide_patients(two, development=0.1)


@pytest.mark.parametrize("shares", [(-0.1, 0.0), (0.0, -0.1), (0.6, 0.4), (float("nan"), 0.0)])
def test_shares_that_leave_nothing_are_refused(shares):
    with pytest.raises(DatasetError, match="are no shares; give two from 0 that leave some for training"):
        divide_patients(MANY, development=shares[0], validation=shares[1])


def test_a_list_says_who_is_where(tmp_path):
    (tmp_path / "p.csv").write_text("patient,split\na,train\nb, validation\na,train\n")
    splits = read_patient_splits(tmp_path / "p.csv")
    assert splits == {"a": "train", "b": "validation"}
    assert [one.split for one in with_splits([item("a"), item("b")], splits)] == ["train", "validation"]
    with pytest.raises(DatasetError, match="Patient c of item c-0 is in no split; name one"):
        list(with_splits([item("c")], splits))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "patient,split\na,train\na,validation\n",
            r"has patient a in train and in validation; keep a patient in one",
        ),
        ("patient,split\na,test\n", "entry 1 needs a patient and one of train, development, validation"),
        ("patient\na\n", "entry 1 needs a patient and one of"),
        ("patient,split\n", "names no patient; write one a line"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path, text, sentence):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DatasetError, match=sentence):
        read_patient_splits(tmp_path / "p.csv")


def test_a_missing_list_is_told(tmp_path):
    with pytest.raises(DatasetError, match=r"p\.csv cannot be read as a list of patients"):
        read_patient_splits(tmp_path / "p.csv")
