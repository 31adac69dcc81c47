"""The report of a training shows every curve to scale, and needs nothing but itself."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from MedSegRLib.training.record import read_rows
from MedSegRLib.training.report import curve_svg, report_html, write_training_report


def logs(folder: Path) -> Path:
    rows = [
        {"step": n, "text": 4.0 / n, "mask_ce": 1.0, "threads": 1, "seconds_per_step": 0.25}
        for n in (1, 2, 4)
    ]
    (folder / "joint.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    scores = [{"step": 2, "score": 0.7}, {"step": 4, "score": 0.6}]
    (folder / "joint.scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in scores))
    return folder


def test_a_curve_goes_through_its_points() -> None:
    points = [(0.0, 3.0), (10.0, 1.0), (40.0, 2.0)]
    svg = curve_svg("loss", points)
    drawn = re.search(r'polyline points="([^"]+)"', svg)
    assert drawn is not None
    (x0, top), (x1, bottom), (x2, middle) = (map(float, p.split(",")) for p in drawn[1].split())
    assert x1 - x0 == (x2 - x0) / 4  # ten of forty steps
    assert bottom > top and abs(middle - (top + bottom) / 2) < 0.1  # 2 lies halfway, and up is more
    assert all(f">{label}<" in svg for label in ("1", "2", "3", "0", "40"))


def test_a_curve_of_one_point_or_one_value_is_drawn() -> None:
    assert "nan" not in curve_svg("a", [(5.0, 1.0)]) + curve_svg("a", [(1.0, 2.0), (3.0, 2.0)])


def test_the_report_tells_losses_scores_and_what_was_best(tmp_path: Path) -> None:
    path = write_training_report(
        logs(tmp_path), ("joint", "masks"), title="A <b>", pictures="<p>pictures</p>"
    )
    text = path.read_text(encoding="utf-8")
    assert "A &lt;b&gt;" in text and "<p>pictures</p>" in text
    assert "4 steps, 0.25 s each at the end; loss 5 at first, 2 at last." in text
    assert "Best development score 0.700, after step 2." in text
    titles = re.findall(r'aria-label="([^"]+)"', text)
    assert titles == ["joint: development score", "joint: loss", "joint: text", "joint: mask_ce"]
    assert "masks</h2>" not in text  # a stage that was not run
    addresses = []

    class Addresses(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            addresses.extend(value for name, value in attrs if name in ("src", "href"))

    Addresses().feed(text)
    assert addresses == []


def test_rows_that_were_done_again_count_once_and_half_lines_not_at_all(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_text(
        '{"step": 1, "a": 1}\n{"step": 3, "a": 2}\n{"step": 2, "a": 9}\n{"step": 3, "a": 4}\n{"ste'
    )
    assert read_rows(log) == [{"step": 1, "a": 1}, {"step": 2, "a": 9}, {"step": 3, "a": 4}]
    assert read_rows(tmp_path / "none.jsonl") == []
    assert "<h2>" not in report_html(tmp_path, ("none",), title="t")
