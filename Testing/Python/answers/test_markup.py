"""Markup: raw text is taken apart, and streams without ever showing half a tag."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from MedSegRLib.answers import Mention, Plain, StreamingText, parse, visible_text

TAGS = ("<p>", "</p>", "[SEG]", "[REJ]")
# Whole tags, their parts and near misses, so that they meet in every order.
PARTS = (
    "<",
    "p>",
    "</",
    "/p>",
    "p",
    "[",
    "[S",
    "SEG",
    "EG]",
    "[RE",
    "]",
    " ",
    "\n",
    "left caudate",
    "é",
    "a<b",
)
PIECES = st.sampled_from([*TAGS, *PARTS])
RAW = st.lists(PIECES, max_size=25).map("".join)


def test_findings_and_refusals_are_told_from_text():
    assert parse("The <p>left hippocampus</p>[SEG], but no <p>tumour</p>[REJ].") == (
        Plain("The "),
        Mention("left hippocampus", True),
        Plain(", but no "),
        Mention("tumour", False),
        Plain("."),
    )


@pytest.mark.parametrize(
    ("raw", "pieces"),
    [
        ("", ()),
        ("It is [SEG].", (Plain("It is"), Mention("", True), Plain("."))),
        ("<p>a</p> and <p>b</p> [SEG]", (Plain("a and "), Mention("b", True))),
        ("<p>a</p>[SEG][SEG]", (Mention("a", True), Mention("", True))),
        ("<p> left \n lung </p>[SEG]", (Mention("left lung", True),)),
        ("<p>never closed [REJ]", (Plain("never closed"), Mention("", False))),
        ("<p>a <p>b</p>[SEG]", (Plain("a "), Mention("b", True))),
        ("size < 3 [sic]", (Plain("size < 3 [sic]"),)),
    ],
)
def test_whatever_a_model_writes_is_taken_apart(raw, pieces):
    assert parse(raw) == pieces


@settings(deadline=None)
@given(RAW)
def test_every_seg_and_rej_is_one_mention_in_order(raw):
    said = [mention.found for mention in parse(raw) if isinstance(mention, Mention)]
    assert said == [tag == "[SEG]" for tag in re.findall(r"\[SEG\]|\[REJ\]", raw)]


@settings(deadline=None)
@given(RAW)
def test_pieces_put_together_are_the_visible_text_but_for_white_space(raw):
    together = "".join(piece.text if isinstance(piece, Plain) else piece.phrase for piece in parse(raw))
    assert "".join(together.split()) == "".join(visible_text(raw).split())


@settings(deadline=None)
@given(RAW, st.lists(st.integers(0, 200), max_size=30))
@example("a [SEG] b", list(range(9)))
@example("x  <p>y</p>  [SE", list(range(20)))
def test_any_split_of_the_raw_text_gives_the_same_visible_text(raw, cuts):
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    stream = StreamingText()
    shown = [stream.feed(raw[a:b]) for a, b in pairwise(places)]
    assert "".join(shown) + stream.finish() == visible_text(raw)


@settings(deadline=None)
@given(st.lists(st.sampled_from([*TAGS, " ", "left caudate", "é", "."]), max_size=25).map("".join))
def test_letter_by_letter_no_part_of_a_tag_is_shown(raw):
    stream = StreamingText()
    shown = "".join(stream.feed(letter) for letter in raw)
    assert not set("<>[]") & set(shown)


def test_text_is_shown_as_soon_as_it_can_be_no_tag():
    stream = StreamingText()
    shown = [stream.feed(delta) for delta in ("a <", "3 mm [", "S", "I] ", "b")]
    assert shown == ["a ", "<3 mm", "", " [SI]", " b"]
    assert stream.feed("[SE") == "" and stream.finish() == "[SE" and stream.finish() == ""
