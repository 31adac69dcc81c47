"""Sources: valid once made, and read back as they were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.format import SPLITS
from MedSegRLib.dataset.regions import REGIONS
from MedSegRLib.dataset.source import Source, SourceLabel, SourceQuestion
from MedSegRLib.dataset.source_file import read_sources, write_sources
from MedSegRLib.errors import DatasetError, OutputError
from MedSegRLib.imaging import Plane

MAP = Path("/data/a_seg.nii")
LIVER = SourceLabel(MAP, 1, "liver", "liver")
LEFT, RIGHT = (
    SourceLabel(MAP, n, f"{s.value} kidney", "kidney", s) for n, s in ((2, Side.LEFT), (3, Side.RIGHT))
)
GOOD = {
    "patient": "p", "study": "1", "image": Path("/data/a.nii"), "labels": (LIVER, LEFT, RIGHT),
    "modality": "CT", "region": "abdomen",
}  # fmt: skip

words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=4).filter(str.strip)
labels = st.builds(
    SourceLabel,
    st.sampled_from([MAP, Path("/data/in/b.png")]),
    st.integers(1, 300),
    words,
    st.none() | st.just("liver"),
    st.sampled_from(Side),
)


@st.composite
def sources(draw: st.DrawFn) -> Source:
    table = tuple(draw(st.lists(labels, min_size=1, max_size=4, unique_by=lambda one: (one.file, one.value))))
    return Source(
        draw(words), draw(words), draw(st.none() | st.just(Path("/data/scan"))), table, draw(words),
        draw(st.sampled_from(REGIONS)), draw(st.sampled_from(Plane)),
        tuple(draw(st.lists(st.tuples(words, st.sampled_from(Side)), max_size=2))),
        draw(st.none() | st.sampled_from(SPLITS)), draw(st.text(max_size=3)), draw(words),
        (SourceQuestion(draw(words), table[0].file, (table[0].value,)),) if draw(st.booleans()) else (),
    )  # fmt: skip


@given(written=st.lists(sources(), max_size=3))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_is_written_is_read_back(written, tmp_path):
    path = tmp_path / "sources.jsonl"
    assert write_sources(path, written) == len(written)
    assert list(read_sources(path)) == written


def test_paths_in_the_file_are_relative_to_it(tmp_path):
    source = Source(**{**GOOD, "image": tmp_path / "scans" / "a.nii"})
    (tmp_path / "out").mkdir()
    write_sources(tmp_path / "out" / "sources.jsonl", [source])
    assert json.loads((tmp_path / "out" / "sources.jsonl").read_text())["image"] == "../scans/a.nii"


def test_a_path_through_a_link_leads_to_the_same_file(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b")
    (tmp_path / "scan.nii").touch()
    write_sources(tmp_path / "link" / "s.jsonl", [Source(**{**GOOD, "image": tmp_path / "scan.nii"})])
    (back,) = read_sources(tmp_path / "link" / "s.jsonl")
    assert back.image is not None and back.image.exists()


def test_its_label_maps_are_listed_once():
    assert Source(**GOOD).files == (MAP,)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"patient": " "}, "The scan of patient ' ' has no pseudonym or no study; give both"),
        ({"study": ""}, "The scan of patient 'p' has no pseudonym or no study"),
        ({"labels": ()}, "The scan of patient 'p' has no label with a name; give its label table"),
        ({"region": "knee"}, "is of region 'knee'; write one of brain, head_neck"),
        ({"split": "test"}, "is in split 'test'; write one of train, development, validation"),
        ({"labels": (LIVER, LIVER)}, r"Label 1 of .*a_seg\.nii is named twice; keep one name"),
        (
            {"questions": (SourceQuestion("?", MAP, (9,)),)},
            "has a question about labels that it does not hold",
        ),
        ({"questions": (SourceQuestion("?", MAP, ()),)}, "has a question about labels that it does not hold"),
    ],
)
def test_a_source_that_contradicts_itself_cannot_be_made(change, sentence):
    with pytest.raises(DatasetError, match=sentence):
        Source(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("value", "name", "sentence"),
    [
        (0, "liver", "has a label 0 in its table; use whole numbers above 0"),
        (3, " ", "Label 3 of .* has no name"),
    ],
)
def test_a_label_without_a_value_or_name_cannot_be_made(value, name, sentence):
    with pytest.raises(DatasetError, match=sentence):
        SourceLabel(MAP, value, name, "liver")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda line: line[:-9], r"Line 2 of .*s\.jsonl is not JSON"),
        (lambda line: line.replace('"patient"', '"who"'), r"Line 2 of .*s\.jsonl is no source \('patient'\)"),
        (
            lambda line: line.replace('"axial"', '"flat"'),
            r"Line 2 of .*s\.jsonl is no source \('flat' is not",
        ),
        (
            lambda line: line.replace('"abdomen"', '"knee"'),
            r"Line 2 of .*s\.jsonl: The scan of patient 'p' is of",
        ),
        (lambda line: "[]", r"Line 2 of .*s\.jsonl is no source"),
    ],
)
def test_a_broken_line_is_named(tmp_path, change, sentence):
    path = tmp_path / "s.jsonl"
    write_sources(path, [Source(**GOOD)] * 2)
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{change(second)}\n")
    with pytest.raises(DatasetError, match=sentence):
        list(read_sources(path))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DatasetError, match=r"no\.jsonl cannot be read as a list of sources"):
        list(read_sources(tmp_path / "no.jsonl"))


def test_an_importer_that_fails_half_way_leaves_no_file(tmp_path):
    def failing():
        yield Source(**GOOD)
        raise DatasetError("The second scan is damaged.")

    with pytest.raises(DatasetError, match="The second scan is damaged"):
        write_sources(tmp_path / "s.jsonl", failing())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="there is no folder"):
        write_sources(tmp_path / "none" / "s.jsonl", [])
