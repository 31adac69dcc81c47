"""The report: one file that needs nothing else and holds everything, in pictures that are right."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from MedSegRLib.answers import Finding, OutputError, write_report
from MedSegRLib.answers.answer import DISCLAIMER
from MedSegRLib.answers.measure import format_ml
from MedSegRLib.answers.outlines import draw_slice, enlarge, picture_size
from MedSegRLib.answers.pictures import key_slices, pictures_of
from MedSegRLib.answers.png import png_bytes
from MedSegRLib.answers.report import report_html
from MedSegRLib.imaging import Modality, Plane, SliceStack, Volume, kji_to_ras_mm, window_for


class Page(HTMLParser):
    """Collects text, tags and attributes, and checks that every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def all_of(self, tag, name):
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]


def pictures_in(page):
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1]))))
        for source in page.all_of("img", "src")
    ]


@pytest.fixture(scope="module")
def refusal(phantom):
    return phantom.answer(findings=(), absent=("spleen",), text="There is no spleen here.", complete=False)


@pytest.fixture(scope="module")
def html(answer, refusal):
    return report_html([answer, refusal])


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_file_is_the_page_and_the_same_answers_give_the_same_page(answer, refusal, html, tmp_path):
    write_report([answer, refusal], tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == html
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_nothing_outside_the_file_is_referred_to(html, page):
    # The pictures' own bytes, in letters, may look like anything.
    text = re.sub(r"base64,[\w+/=]+", "", html)
    assert not re.search(r"https?:|//\w|url\(|@import|<script|<link|<iframe|<object", text, re.IGNORECASE)
    assert {tag for tag, name, _ in page.attributes if name in ("src", "href", "srcset", "data")} == {"img"}
    assert all(source.startswith("data:image/png;base64,") for source in page.all_of("img", "src"))
    assert any("default-src 'none'" in content for content in page.all_of("meta", "content"))


def test_every_tag_is_closed(page):
    assert page.open == []


def test_the_use_it_is_for_is_said(page):
    assert DISCLAIMER == "Research use, not for diagnosis. Anatomy, not lesions."
    assert DISCLAIMER in page.text


def test_the_conversation_is_told_and_nothing_in_it_becomes_markup(answer, refusal, page, html):
    for told in (answer, refusal):
        assert told.question.text in page.text and told.text in page.text
    assert "<Alzheimer" not in html and "<head>" in unescape(html) and "made-up <head>" in page.text
    assert "Looked for and not found: tumour." in page.text and "not found: spleen." in page.text
    assert page.text.count("Stopped before the end") == 1


def test_every_finding_stands_in_the_table_with_its_numbers(answer, page):
    for finding in answer.findings:
        size = finding.measurements
        assert size.volume_ml is not None
        row = f"{finding.name}SNOMED CT 5366008 (Hippocampus, {finding.side.value})"
        row += f"{100 * finding.confidence:.0f} %{format_ml(size.volume_ml)}"
        assert row in page.text
        assert f"{size.mean_intensity:.4g} ± {size.sd_intensity:.3g}axial {finding.slices[0]} to" in page.text


def test_provenance_is_told(answer, page):
    window = answer.provenance.window
    for fact in (
        "medsegr-mini 1", "MedSeg-R 0.1.0", "ground, 7", "20 axial slices: 0 to 19", window.name,
        f"{window.low:g} to {window.high:g}", "The text was corrected once.", "Made up.",
        "50 × 80 × 20 voxels of 2 × 1.5 × 4 mm", answer.volume.fingerprint(), "talk 1.5 s",
    ):  # fmt: skip
        assert fact in page.text


def test_every_finding_is_outlined_in_its_colour_on_a_picture(answer, page):
    pictures = pictures_in(page)
    assert len(pictures) == len(pictures_of(answer)) + 1
    for finding in answer.findings:
        colour = np.array([round(part * 255) for part in finding.colour])
        assert max((picture == colour).all(axis=-1).sum() for picture in pictures[:-1]) > 50
    # The answer that found nothing shows the scan without a line.
    assert (pictures[-1] == pictures[-1][..., :1]).all()


def test_pictures_are_large_and_keep_the_proportions_of_millimetres(answer):
    planes = set()
    for picture in pictures_of(answer):
        stack = SliceStack.of(answer.volume, picture.plane)
        extent_mm = np.array(stack.voxels.shape[1:]) * stack.spacing_mm[1:]
        rows, columns, _ = picture.rgb.shape
        assert min(rows, columns) >= 256
        assert rows / columns == pytest.approx(extent_mm[0] / extent_mm[1], rel=0.01)
        planes.add(picture.plane)
    assert planes == set(Plane)


def test_letters_say_where_the_patient_s_sides_are(phantom):
    # A bright spot far to the patient's left, front and head must lie on the side of its letters.
    spots = np.zeros(phantom.volume.shape_kji)
    positions = kji_to_ras_mm(phantom.volume.ijk_to_ras, np.moveaxis(np.indices(spots.shape), 0, -1))
    spots[np.linalg.norm(positions - (-30, 40, 20), axis=-1) < 12] = 1.0
    volume = replace(phantom.volume, voxels=spots)
    finding = Finding.of("left lung", spots > 0, volume, Plane.AXIAL, 0.5)
    answer = phantom.answer(volume=volume, findings=(finding,))
    answer = replace(answer, provenance=replace(answer.provenance, window=window_for(volume)))
    lies_towards = {"L", "A", "S"}
    for picture in pictures_of(answer):
        bright = np.argwhere(picture.rgb[..., 2] > 100).mean(axis=0) / picture.rgb.shape[:2]
        left, right, top, bottom = picture.letters
        assert (left if bright[1] < 0.5 else right) in lies_towards
        assert (top if bright[0] < 0.5 else bottom) in lies_towards


def test_an_outline_surrounds_its_mask_about_two_pixels_wide():
    mask = np.zeros((40, 40), dtype=bool)
    mask[10:30, 15:25] = True
    picture = draw_slice(np.zeros((40, 40), dtype=np.float32), [mask], [(1.0, 0.0, 0.0)], (1.0, 1.0))
    red = picture[..., 0] > 127
    assert picture.shape == (480, 480, 3) and not picture[..., 1:].any()
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert (rows[0], rows[-1]) == pytest.approx((120, 359), abs=1)
    assert (columns[0], columns[-1]) == pytest.approx((180, 299), abs=1)
    assert red[240].sum() == 4 and not red[240, 184:296].any()


@pytest.mark.parametrize("shape", [(37, 900), (1200, 1300), (3, 4)])
def test_even_the_thinnest_mask_is_seen(shape):
    mask = np.zeros(shape, dtype=bool)
    mask[shape[0] // 2, shape[1] // 2] = True
    picture = draw_slice(np.zeros(shape, dtype=np.float32), [mask], [(0.0, 1.0, 0.0)], (1.0, 1.0))
    assert picture[..., 1].max() > 60


@pytest.mark.parametrize("size", [(64, 48), (5, 7), (16, 12), (13, 11)])
def test_enlarging_keeps_the_outer_edges_and_the_mean(size):
    ramp = np.add.outer(np.arange(16.0), np.arange(12.0))
    resized = enlarge(ramp, size)
    assert resized.shape == size
    assert resized.mean() == pytest.approx(ramp.mean(), rel=1e-6)
    assert np.allclose(enlarge(ramp[::-1, ::-1], size), resized[::-1, ::-1])


def test_flat_slices_do_not_become_endless_pictures():
    assert picture_size((5, 400), (5.0, 1.0)) == (60, 960)


def test_few_slices_show_every_finding_near_its_largest():
    areas = np.random.default_rng(0).integers(0, 50, (4, 30)) + 1
    chosen = key_slices(areas, 6)
    assert len(chosen) <= 4
    assert (areas[:, list(chosen)].max(axis=1) >= 0.6 * areas.max(axis=1)).all()
    assert len(key_slices(np.eye(9, dtype=int), 6)) == 6


def test_other_programs_read_the_pictures_exactly(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    (tmp_path / "picture.png").write_bytes(png_bytes(rgb))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "picture.png")), rgb)
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "picture.png"))), rgb)
    with pytest.raises(ValueError, match="uint8"):
        png_bytes(rgb.astype(np.float32))


def test_of_unknown_spacing_pixels_are_told_and_no_sides(phantom):
    voxels = np.random.default_rng(0).normal(50, 9, (1, 60, 40))
    volume = Volume(
        voxels, np.diag([-1.0, -1.0, 1.0, 1.0]), Modality.UNKNOWN, "photo",
        spacing_known=False, orientation_known=False,
    )  # fmt: skip
    mask = np.zeros((1, 60, 40), dtype=bool)
    mask[0, 10:20, 10:20] = True
    finding = Finding.of("left lung", mask, volume, Plane.AXIAL, 0.5)
    answer = phantom.answer(volume=volume, findings=(finding,), text="The left lung.")
    (picture,) = pictures_of(answer)
    assert picture.letters is None
    text = Page(report_html([answer])).text
    assert "100 pixels" in text and "pixels of unknown size" in text and "orientation unknown" in text
    assert not re.search(r"\d (ml|mm|cm)\b", text)


def test_grey_values_of_ct_are_told_in_hounsfield_units(phantom):
    volume = replace(phantom.volume, modality=Modality.CT)
    assert "± SD (HU)" in Page(report_html([phantom.answer(volume=volume)])).text


def test_what_is_no_report_is_refused(answer, tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        write_report([], tmp_path / "report.html")
    with pytest.raises(OutputError, match=r"\.html"):
        write_report([answer], tmp_path / "report.pdf")
    assert list(tmp_path.iterdir()) == []
