"""The round trip: a model reads the questions alone, and what it draws otherwise is flagged, not dropped."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.answers import Question
from MedSegRLib.dataset.building.builder import Builder
from MedSegRLib.dataset.building.checks import Checker
from MedSegRLib.dataset.building.examining import Examined, examine
from MedSegRLib.dataset.building.journal import ITEMS
from MedSegRLib.dataset.building.round_trip import RoundTrip, RoundTripSettings
from MedSegRLib.dataset.building.units import Share
from MedSegRLib.dataset.format import Review, read_items
from MedSegRLib.dataset.source import Source
from MedSegRLib.imaging import Plane
from MedSegRLib.model import MedSegRConfig, tiny_model

from .conftest import L, N, R, Scripted, exchange

ALL = RoundTripSettings(share=1.0)
LIVER = exchange("This is the <p>liver</p>[SEG].", ("liver", "liver", N, True), question="Show the liver.")
RIGHT = exchange(
    "This is the <p>right kidney</p>[SEG].", ("right kidney", "kidney", R, True), question="And the kidney?"
)


class Session:
    """Draws the liver as it is, and the left kidney whatever kidney it is asked for."""

    def __init__(self, examined: Examined) -> None:
        self._examined, self.asked, self.forgot = examined, [], 0

    def forget(self) -> None:
        self.forgot += 1

    def ask(self, question: Question) -> Any:
        self.asked.append(question)
        part = ("liver", N) if "liver" in question.text else ("kidney", L)
        mask = self._examined.mask_kji(part, None if question.slices is None else question.slices[0])
        finding = SimpleNamespace(structure=part[0], side=part[1], phrase=part[0], mask=mask)
        return SimpleNamespace(findings=(finding,))


@pytest.fixture
def examined(source: Source, table: AnatomyTable) -> Examined:
    assert source.image is not None
    return examine(source, table, source.image, Plane.AXIAL)


def model(**values: Any) -> Any:
    known = {"offered": ("liver", "kidney"), "regions": ("abdomen",), "modalities": ("CT",), "plane": "axial"}
    return SimpleNamespace(config=SimpleNamespace(**{**known, **values}))


def test_masks_that_differ_are_told_and_those_that_agree_are_not(
    examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(examined)
    trip = RoundTrip(model(), ALL)
    monkeypatch.setattr(trip, "_session", lambda *_: session)
    assert trip.flags([LIVER], examined, Path("image"), None) == []
    assert trip.flags([LIVER, RIGHT], examined, Path("image"), 5) == [
        "Round trip, exchange 2: right kidney, Dice 0.00.",
        "Round trip, exchange 2: left kidney, not asked for.",
    ]
    assert session.forgot == 2
    # Only text goes to the model: the question, and which slice it is about.
    assert session.asked[1] == Question("Show the liver.", plane=Plane.AXIAL, slices=(5, 5))


def test_only_what_the_model_knows_takes_the_trip(examined: Examined) -> None:
    def taken(slice_index: int | None = None, settings: RoundTripSettings = ALL, **values: Any) -> bool:
        return RoundTrip(model(**values), settings).takes("id", [LIVER], examined, slice_index)

    assert taken() and taken(3)
    assert not taken(offered=("kidney",))
    assert not taken(regions=("brain",))
    assert not taken(modalities=("MR",))
    assert not taken(3, plane="sagittal") and taken(None, plane="sagittal")
    drawn = [
        RoundTrip(model(), RoundTripSettings(share=0.2)).takes(f"id{n}", [LIVER], examined, None)
        for n in range(500)
    ]
    assert 60 < sum(drawn) < 140


def test_a_real_model_is_asked_and_its_disagreement_kept_with_the_item(
    tmp_path: Path, source: Source, table: AnatomyTable
) -> None:
    tiny = tiny_model(0)
    tiny.config = MedSegRConfig.from_dict(
        {**tiny.config.to_dict(), "offered": ["liver"], "regions": ["abdomen"], "modalities": ["CT"]}
    )
    folder, trip = tmp_path / "built", RoundTrip(tiny, ALL)
    builder = Builder(folder, {}, Scripted((LIVER,)), Checker(table), table, seed=0, round_trip=trip)
    manifest = builder.run([source], [Share("bellies", every=0)])
    (item,) = read_items(folder / ITEMS)
    # Random weights do not draw a liver.
    assert manifest["round_trips"] == manifest["flagged"] == manifest["items"] == 1
    assert item.review is Review.UNREVIEWED
    assert item.provenance.flags[0].startswith("Round trip, exchange 1: liver, Dice 0.")
    assert np.all([flag.endswith(".") for flag in item.provenance.flags])
