"""Question files: what can be said in them, and where each thing that makes no sense stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from MedSegRLib.batch import BatchQuestion, SeriesRules, read_questions
from MedSegRLib.errors import BatchError
from MedSegRLib.imaging import Plane

ROOT = Path(__file__).resolve().parents[3]
GOOD = '''\
[series]
fewest_slices = 3

[[questions]]
id = "where"
text = "Where is it?"

[[questions]]
id = "size"
text = """How large
id = 3
is it?"""
  after = "where"
'''


def read(folder: Path, content: str | bytes):
    path = folder / "questions.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_questions(path)


def complaint(folder: Path, content: str | bytes) -> str:
    """What is said of a file that makes no sense, without its path."""
    with pytest.raises(BatchError) as refused:
        read(folder, content)
    assert str(folder) in str(refused.value)
    return str(refused.value).replace(str(folder / "questions.toml"), "FILE")


def test_the_example_of_the_repository_is_read_as_it_says() -> None:
    file = read_questions(ROOT / "Examples" / "batch" / "questions.toml")
    assert file.series == SeriesRules(("MR", "CT"), exclude=r"\b(phantom|test)\b", fewest_slices=10)
    first, follow_up, last = file.questions
    assert (first.id, first.modality, first.body_part) == ("hippocampi", ("MR",), ("brain",))
    assert follow_up.after == "hippocampi" and last.plane is Plane.AXIAL


def test_the_examples_lines_that_are_commented_out_are_right_too(tmp_path) -> None:
    text = (ROOT / "Examples" / "batch" / "questions.toml").read_text(encoding="utf-8")
    for key in ("include", "most_slices", "slices"):
        assert f"\n# {key} =" in text
        text = text.replace(f"\n# {key} =", f"\n{key} =")
    file = read(tmp_path, text)
    assert file.series.include == "t1|mprage|bravo" and file.series.most_slices == 600
    assert file.questions[-1].question().slices == (20, 60)


def test_a_file_as_windows_writes_it_is_read(tmp_path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()) == read(tmp_path, GOOD)


def test_follow_ups_stand_behind_what_they_follow_and_keep_their_order(tmp_path) -> None:
    after = {"d": "b", "a": None, "c": "a", "b": "a", "e": None}
    text = "".join(
        f'[[questions]]\nid = "{name}"\ntext = "Where?"\n' + (f'after = "{earlier}"\n' if earlier else "")
        for name, earlier in after.items()
    )
    assert [question.id for question in read(tmp_path, text).questions] == ["a", "c", "b", "d", "e"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("after", "aftr", "line 13, column 3: the key 'aftr' is unknown; did you mean 'after'?"),
        ("fewest_slices", "zzz", "line 2, column 1: the key 'zzz' is unknown; known are modality, include,"),
        ("[series]", "[serie]", "line 1, column 1: the key 'serie' is unknown; did you mean 'series'?"),
        ('Where is it?"', "Where", "line 6, column 1"),
        ('after = "where"', 'after = "wher"', "line 13, column 11: after: there is no question 'wher'; did"),
        ('after = "where"', 'after = "xyz"', "column 11: after: there is no question 'xyz'; correct it."),
        ('after = "where"', 'after = "size"', "'size' and 'size' wait for each other; leave after out of o"),
        ('after = "where"', "after = 3", "line 13, column 11: after: write a text in quotation marks."),
        ('id = "size"', 'id = "Where"', "line 9, column 6: id: the id 'where' is taken by a question above"),
        ('id = "size"', 'id = "a/b"', "line 9, column 6: id: 'a/b' cannot be the name of a file; use lette"),
        ('id = "size"', 'id = "con"', "id: 'con' cannot be the name of a file"),
        ('id = "size"\n', "", "line 8, column 1: this question has no id; give it one."),
        ('"Where is it?"', '" ?! "', "line 6, column 8: text: Nothing is asked; write a question in words."),
        ('"Where is it?"', "7", "line 6, column 8: text: write a text in quotation marks."),
        ("= 3\n\n", "= 0\n\n", "line 2, column 17: fewest_slices: write a whole number above 0."),
        ("= 3\n\n", "= true\n\n", "line 2, column 17: fewest_slices: write a whole number above 0."),
        ("= 3\n\n", "= 3\nmost_slices = 2\n\n", "line 3, column 15: most_slices: it is below fewest_slices"),
        ("fewest_slices = 3", "include = '(t1'", "line 2, column 11: include: '(t1' is no regular expressi"),
        ('after = "where"', 'modality = "MRI"', "column 14: modality: there is no modality 'MRI'; did you"),
        ('after = "where"', "modality = [1]", 'modality: write a text, or several such as ["MR", "CT"].'),
        ('after = "where"', 'body_part = "qwert"', "body_part: the body part 'qwert' is not known; write a"),
        ('after = "where"', "slices = [5, 2]", "line 13, column 12: slices: Slices 5 to 2 are no range; gi"),
        ('after = "where"', "slices = [0, 2.5]", "slices: write the first and the last slice, such as"),
        ('after = "where"', 'plane = "axal"', "plane: there is no plane 'axal'; did you mean 'axial'?"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_with_line_and_column(tmp_path, old, new, said) -> None:
    assert old in GOOD
    assert said in complaint(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "FILE asks nothing; write at least one [[questions]] with id and text."),
        (
            "questions = 3\n",
            "FILE, line 1, column 13: questions: write each question under a line [[questions]]",
        ),
        ("a = [1,\n", "FILE, line 2, column 1: this is not TOML (Invalid value); correct it."),
        (b'a = 1\nb = "\xff"\n', "FILE, line 2, column 6: this is not UTF-8; save it as UTF-8."),
        (
            '[[questions]]\nid="a"\ntext="x"\nafter="b"\n[[questions]]\nid="b"\ntext="x"\nafter="a"\n',
            "FILE, line 4, column 7: after: 'a' and 'b' wait for each other; leave after out of one.",
        ),
    ],
    ids=["empty", "no-table", "cut-short", "latin-1", "cycle"],
)
def test_a_file_that_is_wrong_as_a_whole_is_refused(tmp_path, content, said) -> None:
    assert complaint(tmp_path, content).startswith(said)


def test_a_file_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(BatchError, match=r"no\.toml cannot be opened \(No such file.*\); check the path"):
        read_questions(tmp_path / "no.toml")


# Anything may stand between two keys, also what looks like the key.
_BETWEEN = st.lists(st.sampled_from(["", "# plane = 3", "   ", "#", 'text = "x"']), max_size=4)


@settings(max_examples=60, deadline=None, database=None)
@given(
    before=st.integers(0, 4),
    after=st.integers(0, 3),
    blank=_BETWEEN,
    long=st.booleans(),
    indent=st.integers(0, 3),
)
def test_the_line_told_is_that_of_the_key_whatever_stands_around_it(
    tmp_path_factory, before, after, blank, long, indent
) -> None:
    text = '"""a\nplane = 1\n[[questions]]\n"""' if long else '"a"'
    good = f"[[questions]]\nid = 'n%d'\ntext = {text}\nplane = 'axial'\n"
    lines = [line for line in blank if not line.startswith("text")]
    head = "".join(good % n for n in range(before)) + f"[[questions]]\nid = 'bad'\ntext = {text}\n"
    head += "".join(f"{line}\n" for line in lines)
    tail = "".join(good % n for n in range(9, 9 + after))
    content = f"{head}{' ' * indent}plane = 'oblique'\n{tail}"
    expected = f"line {head.count(chr(10)) + 1}, column {indent + 9}: plane"
    assert expected in complaint(tmp_path_factory.mktemp("q"), content)


def test_a_mistake_late_in_a_long_file_is_found(tmp_path) -> None:
    text = "".join(f'[[questions]]\nid="q{n}"\ntext="x"\n' for n in range(100))
    assert "line 301, column 7: after" in complaint(tmp_path, text + 'after="qqq"\n')


@pytest.mark.parametrize(
    ("modality", "body_part", "why"),
    [
        ("MR", "HEAD", None),
        ("", "", None),
        ("unknown", "", None),
        ("MR", "Schaedel", None),
        ("CT", "HEAD", "It is asked of MR only, and this is CT."),
        ("MR", "CHESTABDPELVIS", "It is asked of brain or neck only, and this shows CHESTABDPELVIS."),
        ("MR", "KNEE", "It is asked of brain or neck only, and this shows KNEE."),
        ("MR", "CSPINE", None),
    ],
)
def test_a_question_fits_by_modality_and_region_and_what_is_not_known_is_no_reason(
    modality, body_part, why
) -> None:
    question = BatchQuestion("a", "Where?", modality=("MR",), body_part=("brain", "neck"))
    assert question.why_not(modality, body_part) == why
