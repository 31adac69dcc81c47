"""The page: self-contained, complete, and with nothing in it that a data set could have put there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from MedSegRLib.anatomy import Side
from MedSegRLib.errors import OutputError
from MedSegRLib.evaluation.gallery import WorstCase
from MedSegRLib.evaluation.markdown import to_markdown
from MedSegRLib.evaluation.metrics import Bin
from MedSegRLib.evaluation.page import to_html
from MedSegRLib.evaluation.plots import Dots, dots_svg, reliability_svg
from MedSegRLib.evaluation.results import MaskScore, PatientPart, QuestionScore, Results
from MedSegRLib.evaluation.structures16 import PartScore
from MedSegRLib.evaluation.written import write_results
from MedSegRLib.imaging import Plane

EVIL = "<script>alert('x')</script> | b"
NAN = float("nan")


def made() -> Results:
    """Two patients, two structures, four turns, one question with markup in it."""
    parts, questions = [], []
    for patient in ("p1", "p2"):
        for turn, (name, dice) in enumerate((("thalamus", 0.9), ("putamen", 0.4)) * 2, 1):
            score = PartScore(name, Side.LEFT, dice, 1.5, True, 0.8, 0.95)
            parts.append(PatientPart("MedSeg-QA", patient, score, "MR", "direct", f"c-{patient}", turn))
            masks = MaskScore(1, 1, 1, 0, 90, 100, (0.8,), (dice > 0.7,))
            question = QuestionScore(
                "medsegqa", "direct", "MedSeg-QA", patient, EVIL, (name,), (name,), True, EVIL, (name,), "MR",
                f"c-{patient}", turn, masks,
            )  # fmt: skip
            questions += [question, replace(question, suite="present")]
    picture = np.zeros((40, 50, 3), np.uint8)
    worst = WorstCase(
        "left putamen", "MedSeg-QA", "p1", EVIL, EVIL, 0.4, picture, Plane.AXIAL, 12, ("R", "L", "A", "P")
    )
    return Results("model 1", tuple(parts), tuple(questions), (f"A note {EVIL}",), worst=(worst,))


class Tags(HTMLParser):
    """The tags that are open, all tags, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def html() -> str:
    return to_html(made())


def test_every_tag_is_closed_and_nothing_of_the_texts_becomes_markup(html: str) -> None:
    tags = Tags(html)
    assert tags.open == [] and "script" not in tags.seen
    assert tags.text.count(EVIL) == 3, "the note, and question and answer of the worst case"


def test_nothing_outside_the_file_is_referred_to(html: str) -> None:
    text = re.sub(r"base64,[\w+/=]+", "", html)
    assert not re.search(r"https?:|//\w|url\(|@import|<link|<iframe|<object", text, re.IGNORECASE)
    assert "default-src 'none'" in html


def test_plots_tables_and_worst_cases_are_on_it(html: str) -> None:
    tags = Tags(html)
    assert tags.seen.count("svg") == 3 and tags.seen.count("img") == 1
    for told in (
        "Reliability curve", "Dice by structure, MedSeg-QA", "Dice by turn, MedSeg-QA", "turn 4",
        "left putamen, Dice 0.400", "p1, axial slice 12", "By question type", "By modality", "By turn",
        "phrase-to-mask match, F1 at IoU 0.5", "surface Dice (2 mm)", "1000 draws",
        "so not to be offered: thalamus, putamen",
    ):  # fmt: skip
        assert told in tags.text, told


def test_every_number_of_the_markdown_is_on_the_page(html: str) -> None:
    numbers = set(re.findall(r"(?<=\| )\d+(?:\.\d+)?(?= \|)", to_markdown(made())))
    assert len(numbers) > 8 and all(f">{number}</td>" in html for number in numbers)


def test_what_is_not_there_is_not_on_the_page() -> None:
    text = to_html(Results("bare 1"))
    assert "<h2>Plots" not in text and "<h2>Worst" not in text and Tags(text).open == []


def test_a_pipe_in_a_cell_does_not_end_it() -> None:
    question = replace(made().questions[0], kind="a | b")
    assert "\n| a \\| b | 1.000 | 1 | 1 | 1 |\n" in to_markdown(Results("m", questions=(question,)))


def test_the_curve_lies_where_its_numbers_are() -> None:
    svg = reliability_svg([Bin(0.0, 0.1, 4, 0.05, 0.0), Bin(0.9, 1.0, 16, 1.0, 0.5)])
    # The square is 280 pixels from 44 on; up is less.
    assert 'points="58.0,324.0 324.0,184.0"' in svg
    assert svg.count("<circle") == 2 and 'r="12.0"' in svg and 'r="7.5"' in svg
    assert "0.9 to 1.0: 0.50 right, 16 masks" in svg


def test_dots_lie_where_their_numbers_are_and_one_patient_has_no_interval() -> None:
    rows = [Dots("thalamus", (0.5, 1.0), 0.75, 0.5, 1.0), Dots("a <b>", (0.25,), 0.25, NAN, NAN)]
    svg = dots_svg("Dice", rows)
    assert 'cx="400.0"' in svg and 'cx="590.0"' in svg and 'cx="495.0"' in svg
    assert svg.count('stroke-width="2"') == 1 and "nan" not in svg and "a &lt;b&gt;" in svg


@pytest.mark.parametrize("ending", ["md", "html", "htm", "json"])
def test_the_ending_chooses_how_it_is_written(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"results.{ending}"
    write_results(made(), path)
    text = path.read_text(encoding="utf-8")
    starts = {"md": "# Evaluation of model 1", "json": "{"}
    assert text.startswith(starts.get(ending, "<!DOCTYPE html>")) and [*tmp_path.iterdir()] == [path]


def test_json_holds_figures_and_every_score_and_null_for_no_number(tmp_path: Path) -> None:
    results = made()
    bare = replace(results.parts[0], score=replace(results.parts[0].score, hd95_mm=NAN))
    write_results(replace(results, parts=(bare, *results.parts[1:])), tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert data["parts"][0]["score"]["hd95_mm"] is None and len(data["parts"]) == 8
    assert data["model"] == "model 1" and "worst" not in data
    assert data["calibration_error"] == pytest.approx(0.3) and data["reliability"][0]["count"] == 8
    dice = next(f for f in data["figures"] if f["name"] == "MedSeg-QA: Dice")
    assert dice["value"] == pytest.approx(0.65) and dice["patients"] == 2 and dice["of"] == "8 masks"
    fall = next(f for f in data["figures"] if "fall of Dice" in f["name"])
    assert fall["value"] == pytest.approx(0.5)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        write_results(made(), tmp_path / "none" / "r.html")
