"""The batch's page: outliers first, how volumes are spread, failures; and bounded in size."""

from __future__ import annotations

import re

import numpy as np

from MedSegRLib.batch import Failure, LeftOut
from MedSegRLib.batch.outliers import robust_z
from MedSegRLib.batch.overview import Overview

from .doubles import put_scan


def test_distances_are_those_of_the_modified_z_score() -> None:
    values = np.array([2.0, 3.0, 3.5, 4.0, 4.5, 20.0])
    median = np.median(values)
    expected = 0.6745 * (values - median) / np.median(np.abs(values - median))
    assert np.allclose(robust_z(values), expected)


def test_few_values_and_equal_ones_have_no_outlier() -> None:
    assert robust_z([1.0, 1.0, 1.0, 99.0]).tolist() == [0.0] * 4
    assert robust_z([1.0, 1.0, 1.0, 1.0, 99.0]).tolist() == [0.0] * 5


def test_the_study_that_is_far_from_the_others_comes_first_and_says_so(batch, work) -> None:
    for number in range(6):
        put_scan(work / "studies" / f"scan{number}.nrrd", number, bright=2 + number % 2)
    put_scan(work / "studies" / "strange.nrrd", 7, bright=9)
    batch()
    page = (work / "out" / "index.html").read_text(encoding="utf-8")
    order = re.findall(r'<a href="studies/(\w+)/report.html">', page)
    assert order[0] == "strange" and len(order) == 7
    assert page.count('<span class="far">outlier') == 2, "of both hippocampi, and of no other study"
    assert page.count("<svg") == 2 and "left hippocampus: 7 values" in page
    # A page that fetches nothing: every picture lies in it.
    assert page.count('src="data:image/png;base64,') == 7 and "http:" not in page and "https:" not in page


def test_failures_and_what_was_left_out_stand_in_the_page_as_text(tmp_path) -> None:
    page = Overview().html(tmp_path, 2, [Failure("a<b>", "It is <cut>.")], [LeftOut("c", "No & no.")])
    assert "a&lt;b&gt;" in page and "It is &lt;cut&gt;." in page and "No &amp; no." in page
    assert "0 of 2 studies answered, 1 failed" in page


def test_the_page_of_thousands_of_studies_stays_small(tmp_path) -> None:
    overview = Overview(
        {"liver": {f"s{n}": float(n) for n in range(3000)}}, {f"s{n}": ["liver"] for n in range(3000)}
    )
    page = overview.html(tmp_path / "studies", 3000, [], [])
    assert len(page) < 500_000 and "And 2800 more, in findings.csv." in page
