"""The round trip: a model reads the questions alone, and what it draws otherwise is flagged, not dropped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from MedSegRLib.anatomy import AnatomyTable, Side
from MedSegRLib.answers import Question
from MedSegRLib.dataset.building.builder import Builder
from MedSegRLib.dataset.building.checks import Checker
from MedSegRLib.dataset.building.examining import Examined, examine
from MedSegRLib.dataset.building.journal import ITEMS, ROUND_TRIPS
from MedSegRLib.dataset.building.report import summary
from MedSegRLib.dataset.building.round_trip import RoundTrip, RoundTripSettings, Trip
from MedSegRLib.dataset.building.units import Share
from MedSegRLib.dataset.format import Review, read_items
from MedSegRLib.dataset.source import Source
from MedSegRLib.imaging import Plane
from MedSegRLib.model import MedSegRConfig, tiny_model

from .conftest import L, N, R, Scripted, exchange

ALL = RoundTripSettings(share=1.0)
LIVER = exchange("This is the <p>liver</p>[SEG].", ("liver", "liver", N, True), question="Show the liver.")
RIGHT = exchange(
    "This is the <p>right kidney</p>[SEG].",
    ("right kidney", "kidney", R, True),
    kind="follow_up",
    question="And the kidney?",
)


SPLEEN = exchange(
    "There is no <p>spleen</p>[REJ].", ("spleen", "spleen", N, False), kind="absent", question="The spleen?"
)


class Session:
    """Draws the liver as it is, and of the kidneys those it is told to whatever is asked."""

    def __init__(self, examined: Examined, *kidneys: Side) -> None:
        self._examined, self._kidneys = examined, kidneys
        self.asked: list[Question] = []
        self.heard: list[list[str]] = []

    def take_over(self, earlier: Any) -> None:
        self.heard.append([question for question, _, _ in earlier])

    def ask(self, question: Question) -> Any:
        self.asked.append(question)
        parts = [("liver", N)] if "liver" in question.text else [("kidney", side) for side in self._kidneys]
        index = None if question.slices is None else question.slices[0]
        return SimpleNamespace(
            findings=tuple(
                SimpleNamespace(
                    structure=name, side=side, phrase=name, mask=self._examined.mask_kji((name, side), index)
                )
                for name, side in parts
            )
        )


@pytest.fixture
def examined(source: Source, table: AnatomyTable) -> Examined:
    assert source.image is not None
    return examine(source, table, source.image, Plane.AXIAL)


def model(**values: Any) -> Any:
    known = {"offered": ("liver", "kidney"), "regions": ("abdomen",), "modalities": ("CT",), "plane": "axial"}
    return SimpleNamespace(config=SimpleNamespace(**{**known, **values}))


def trip_with(session: Session | None, monkeypatch: pytest.MonkeyPatch, **values: Any) -> RoundTrip:
    """A round trip whose sessions are all this one; with None it may not open any."""
    trip = RoundTrip(model(**values), ALL)

    def opened(*_: Any) -> Any:
        assert session is not None, "nothing is opened where nothing can be asked"
        return session

    monkeypatch.setattr(trip, "_session", opened)
    return trip


def test_masks_that_differ_are_told_and_those_that_agree_are_not(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(examined, L)
    trip = trip_with(session, monkeypatch)
    assert trip.of([LIVER], examined, Path("image"), None) == Trip((1,), {}, ())
    told = trip.of([LIVER, RIGHT], examined, Path("image"), 5)
    assert told.tried == (1, 2) and told.flags == (
        "Round trip, exchange 2: right kidney, Dice 0.00.",
        "Round trip, exchange 2: left kidney, not asked for.",
    )
    # Only text goes to the model: the question, which slice it is about, and what was said before.
    assert session.asked[1] == Question("Show the liver.", plane=Plane.AXIAL, slices=(5, 5))
    assert session.heard[1:] == [[], ["Show the liver."]]
    trip.of([RIGHT, LIVER], examined, Path("image"), 5)
    assert session.heard[-1] == [], "what stands alone is asked alone"


def test_what_the_model_does_not_offer_is_not_asked_be_it_there_or_absent(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(examined, R)
    came = trip_with(session, monkeypatch).of([LIVER, SPLEEN, RIGHT], examined, Path("image"), None)
    assert came == Trip((1, 3), {2: "the model does not offer spleen"}, ())
    # What leans on it hears it all the same.
    assert session.heard == [[], ["Show the liver.", "The spleen?"]]
    assert [question.text for question in session.asked] == ["Show the liver.", "And the kidney?"]
    came = trip_with(None, monkeypatch, offered=("kidney",)).of([LIVER], examined, Path("image"), None)
    assert came == Trip((), {1: "the model does not offer liver"}, ())


@pytest.mark.parametrize(
    ("values", "slice_index", "why"),
    [
        ({"regions": ("brain",)}, None, "the model was not taught the abdomen"),
        ({"modalities": ("MR",)}, 3, "the model was not taught the modality CT"),
        ({"plane": "sagittal"}, 3, "the model was not taught axial slices"),
    ],
)
def test_a_scan_that_the_model_was_not_taught_is_not_asked_about(
    examined: Examined, monkeypatch: pytest.MonkeyPatch, values: Any, slice_index: int | None, why: str
) -> None:
    trip = trip_with(None, monkeypatch, **values)
    came = trip.of([LIVER, RIGHT], examined, Path("image"), slice_index)
    assert came == Trip((), {1: why, 2: why}, ())


def test_a_scan_as_a_whole_is_asked_about_in_the_models_own_plane(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(examined)
    trip = trip_with(session, monkeypatch, plane="sagittal")
    assert trip.of([LIVER], examined, Path("image"), None).flags == ()
    assert session.asked == [Question("Show the liver.")]


def test_both_sides_together_are_what_was_drawn_without_sides(
    source: Source, examined: Examined, table: AnatomyTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = replace(
        source, labels=tuple(replace(x, side=N) if x.structure == "kidney" else x for x in source.labels)
    )
    assert one.image is not None
    undivided = examine(one, table, one.image, Plane.AXIAL)
    asked = exchange("These are the <p>kidneys</p>[SEG].", ("kidneys", "kidney", N, True), question="Those?")
    for sides, flags in (((L, R), 0), ((L,), 0), ((), 1)):
        trip = trip_with(Session(examined, *sides), monkeypatch)
        assert len(trip.of([asked], undivided, Path("image"), None).flags) == flags, sides


def test_items_are_drawn_by_their_ids() -> None:
    trip = RoundTrip(model(), RoundTripSettings(share=0.2))
    drawn = [trip.takes(f"id{n}") for n in range(500)]
    assert 60 < sum(drawn) < 140 and drawn == [trip.takes(f"id{n}") for n in range(500)]


def test_the_report_counts_what_was_drawn_tried_flagged_and_not_asked_and_an_item_once() -> None:
    why = [{"exchange": 2, "why": "the model does not offer spleen"}]
    lines = [
        {"id": "a", "tried": [1], "not_tried": why, "flags": ["Look."]},
        {"id": "b", "tried": [], "not_tried": why, "flags": []},
        {"id": "a", "tried": [1], "not_tried": why, "flags": []},
    ]
    assert summary([], [], [], lines)["round_trip"] == {
        "drawn": 2,
        "tried": 1,
        "flagged": 0,
        "exchanges_tried": 1,
        "exchanges_not_tried": {"the model does not offer spleen": 2},
    }


def test_a_real_model_is_asked_and_its_disagreement_kept_with_the_item(
    tmp_path: Path, source: Source, table: AnatomyTable
) -> None:
    tiny = tiny_model(0)
    tiny.config = MedSegRConfig.from_dict(
        {**tiny.config.to_dict(), "offered": ["liver"], "regions": ["abdomen"], "modalities": ["CT"]}
    )
    folder, trip = tmp_path / "built", RoundTrip(tiny, ALL)
    builder = Builder(folder, {}, Scripted((LIVER, RIGHT)), Checker(table), table, seed=0, round_trip=trip)
    manifest = builder.run([source], [Share("bellies", every=0)])
    (item,) = read_items(folder / ITEMS)
    # Random weights do not draw a liver.
    assert manifest["items"] == 1 and manifest["round_trip"] == {
        "drawn": 1,
        "tried": 1,
        "flagged": 1,
        "exchanges_tried": 1,
        "exchanges_not_tried": {"the model does not offer kidney": 1},
    }
    assert item.review is Review.UNREVIEWED
    assert item.provenance.flags[0].startswith("Round trip, exchange 1: liver, Dice 0.")
    (line,) = (folder / ROUND_TRIPS).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["id"] == item.id and json.loads(line)["flags"] == list(item.provenance.flags)
