"""Statistics and the card: counted by hand on five items."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.card import card_of, tables_of
from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.format import Item, ItemExchange, ItemProvenance, ItemTarget, MaskReference, Review
from MedSegRLib.dataset.source import Source, SourceLabel
from MedSegRLib.dataset.statistics import Share, statistics_of
from MedSegRLib.errors import DatasetError
from MedSegRLib.imaging import Plane

LIVER = ItemTarget("liver", "liver", Side.NONE, True, MaskReference("l.nii", (1,)))
SPLEEN = ItemTarget("spleen", "spleen", Side.NONE, True, MaskReference("l.nii", (2,)))
BRAIN = ItemTarget("thalamus", "thalamus", Side.LEFT, False)
SHOW = ItemExchange("Where?", "Here: <p>liver</p>[SEG].", QuestionType.DIRECT, (LIVER,))
BOTH = ItemExchange("Both?", "<p>liver</p>[SEG], <p>spleen</p>[SEG]", QuestionType.SEVERAL, (LIVER, SPLEEN))
NONE = ItemExchange("And?", "No <p>left thalamus</p>[REJ].", QuestionType.ABSENT, (BRAIN,))
ONE = Item(
    "1", "a", "1", "a.nii", "CT", "abdomen", Plane.AXIAL, "train", (SHOW, BOTH),
    ItemProvenance("offline", "0"),
)  # fmt: skip
ITEMS = [
    ONE,
    replace(ONE, id="2", exchanges=(NONE,)),
    replace(ONE, id="3", image="a2.nii", slices=(4, 4), exchanges=(SHOW,)),
    replace(ONE, id="4", image="a2.nii", slices=(5, 5), exchanges=(SHOW,), review=Review.ACCEPTED),
    replace(ONE, id="5", patient="b", image="b.png", modality="MR", split="validation", exchanges=(SHOW,)),
]


def test_everything_is_counted_once():
    found = statistics_of(iter(ITEMS))
    # Masks: liver and spleen of a.nii, the liver on two slices of a2.nii, the liver of b.png.
    assert found.whole == Share(patients=2, scans=3, items=5, exchanges=6, masks=5)
    assert found.by_split["train"] == Share(1, 2, 4, 5, 4) and "development" not in found.by_split
    assert found.by_scan_kind == {
        ("abdomen", "CT"): Share(1, 2, 4, 5, 4),
        ("abdomen", "MR"): Share(1, 1, 1, 1, 1),
    }
    assert found.question_types == {"direct": 4, "several": 1, "absent": 1}
    assert found.structures == {"liver": (5, 0), "spleen": (1, 0), "thalamus": (0, 1)}
    assert found.turns == {1: 4, 2: 1}
    assert (found.annotators, found.reviews) == ({"offline": 5}, {"unreviewed": 4, "accepted": 1})


def test_a_patient_in_two_splits_is_refused():
    with pytest.raises(DatasetError, match="Patient a is in train and, with item 6, in validation"):
        statistics_of([*ITEMS, replace(ONE, id="6", split="validation")])


def test_an_empty_data_set_has_nothing():
    assert statistics_of([]).whole == Share(0, 0, 0, 0, 0)


def test_the_card_tells_counts_terms_origins_and_limits():
    label = SourceLabel(Path("l.nii"), 1, "liver", "liver")
    source = Source(
        "a", "1", Path("a.nii"), (label,), "CT", "abdomen", origin="CHAOS", licence="CC BY-NC-SA 4.0"
    )
    text = card_of(statistics_of(ITEMS), name="My set", licence="CC BY-NC 4.0", sources=[source, source])
    assert text.startswith("---\nlicense: other\n") and "\n# My set\n" in text
    assert "**Licence**: CC BY-NC 4.0." in text
    assert "| all | 2 | 3 | 5 | 6 | 5 |" in text and "| abdomen, MR | 1 | 1 | 1 | 1 | 1 |" in text
    assert "| CHAOS | CC BY-NC-SA 4.0 | 1 | 2 |" in text
    assert (
        "4 of 5 items were not looked at by a reviewer" in text and "Research use, not for diagnosis" in text
    )
    assert tables_of(statistics_of(ITEMS)) in text


def test_a_card_without_terms_says_so_and_a_bar_in_a_name_breaks_no_table():
    strange = replace(ONE, provenance=ItemProvenance("a|b", "0"))
    text = card_of(statistics_of([strange]), name="x", licence="")
    assert "**Licence**: not stated; ask whoever gave you the data." in text and "| a/b | 1 |" in text
    assert "Where the scans are from" not in text
