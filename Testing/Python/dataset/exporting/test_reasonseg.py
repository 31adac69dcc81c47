"""ReasonSeg out, and in again: questions and masks stay what they are."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.exporting.reasonseg import write_reasonseg
from MedSegRLib.dataset.format import ItemTarget, MaskReference, Review
from MedSegRLib.dataset.importing.about import About
from MedSegRLib.dataset.importing.asked import items_asked
from MedSegRLib.dataset.importing.reasonseg import read_reasonseg
from MedSegRLib.dataset.polygons import fill
from MedSegRLib.errors import DatasetError, OutputError
from MedSegRLib.imaging import Modality


def content(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_slice_with_most_of_the_target_is_shown_with_its_question(item, labels, tmp_path):
    done = write_reasonseg(tmp_path / "out", [item], tmp_path)
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")) == [
        "train/a-1.jpg", "train/a-1.json",
    ]  # fmt: skip
    written = content(tmp_path / "out" / "train" / "a-1.json")
    assert (written["text"], written["is_sentence"]) == (["Where is the bile made?"], True)
    assert {one["label"] for one in written["shapes"]} == {"target"}
    assert {one["description"] for one in written["shapes"]} == {"liver"}
    drawn = np.any([fill(one["points"], (6, 8)) for one in written["shapes"]], axis=0)
    assert (drawn == (labels[2] == 1)).all()
    assert Image.open(tmp_path / "out" / "train" / "a-1.jpg").size == (8, 6)
    assert (done.files, done.questions) == (1, 1)


def test_what_reasonseg_cannot_say_is_counted(item, tmp_path):
    done = write_reasonseg(
        tmp_path / "out", [item, replace(item, id="a-2", review=Review.REJECTED)], tmp_path
    )
    assert done.left_out == {
        "leans on an earlier question": 1, "nothing to show": 1, "rejected by a reviewer": 3,
    }  # fmt: skip


def test_questions_about_the_same_mask_share_a_file(item, tmp_path):
    again = replace(item.exchanges[0], question="Where is glycogen stored?")
    done = write_reasonseg(tmp_path / "out", [replace(item, exchanges=(item.exchanges[0], again))], tmp_path)
    assert (done.files, done.questions) == (1, 2)
    assert content(tmp_path / "out" / "train" / "a-1.json")["text"][1] == "Where is glycogen stored?"


def test_names_that_a_file_cannot_have_and_names_that_meet_are_made_apart(item, tmp_path):
    spleen = replace(item.exchanges[1], question_type=QuestionType.IMPLICIT)
    items = [
        replace(item, id="a/1", exchanges=item.exchanges[:1]),
        replace(item, id="a:1", exchanges=(spleen,)),
    ]
    write_reasonseg(tmp_path / "out", items, tmp_path)
    assert sorted(p.name for p in (tmp_path / "out" / "train").glob("*.jpg")) == ["a_1.jpg", "a_1_1.jpg"]


def test_splits_are_the_folders_of_reasonseg(item, picture, tmp_path):
    write_reasonseg(tmp_path / "out", [item, picture], tmp_path)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["test", "train"]


def test_a_patient_in_two_splits_is_refused_and_nothing_is_written(item, tmp_path):
    two = [item, replace(item, id="a-2", split="validation")]
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(DatasetError, match="Patient a is in train and, with item a-2, in validation"):
        write_reasonseg(tmp_path / "out", two, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_folder_that_is_there_is_left_alone(item, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(OutputError, match="out is there already; name a new folder"):
        write_reasonseg(tmp_path / "out", [item], tmp_path)


def test_a_label_map_of_another_scan_is_refused(item, tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((5, 6, 9), np.uint8)), str(tmp_path / "labels.nii"))
    with pytest.raises(
        DatasetError, match=r"labels\.nii has 9 x 6 x 5 voxels and its scan scan\.nii 8 x 6 x 5"
    ):
        write_reasonseg(tmp_path / "out", [item], tmp_path)


def test_a_picture_of_eight_bits_is_not_windowed(picture, tmp_path):
    write_reasonseg(tmp_path / "out", [picture], tmp_path)
    shown = np.asarray(Image.open(tmp_path / "out" / "test" / "b-1.jpg")).astype(int)
    # JPEG is not exact.
    assert np.abs(shown - np.arange(48).reshape(6, 8) * 5).max() <= 8


@given(
    drawn=hnp.arrays(np.uint8, (6, 8), elements=st.sampled_from([0, 1, 2, 255])).filter(
        lambda array: (array == 1).any() and (array == 2).any()
    ),
    texts=st.lists(
        st.sampled_from(["Which organ?", "the liver", "Wo, bitte?", "Q"]), min_size=1, max_size=3, unique=True
    ),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_out_and_in_and_out_again_is_the_same(drawn, texts, picture, tmp_path_factory):
    folder = tmp_path_factory.mktemp("round")
    sitk.WriteImage(
        sitk.GetImageFromArray(np.arange(48, dtype=np.uint8).reshape(6, 8)), str(folder / "p.png")
    )
    sitk.WriteImage(sitk.GetImageFromArray(drawn), str(folder / "p_labels.png"))
    ignored = (255,) if (drawn == 255).any() else ()
    targets = tuple(
        ItemTarget(
            name,
            name,
            picture.exchanges[0].targets[0].side,
            True,
            MaskReference("p_labels.png", (n,), ignored),
        )
        for n, name in ((1, "liver"), (2, "spleen"))
    )
    answer = "<p>liver</p>[SEG] <p>spleen</p>[SEG]"
    exchanges = tuple(
        replace(picture.exchanges[0], question=t, answer=answer, targets=targets) for t in texts
    )
    write_reasonseg(folder / "out", [replace(picture, exchanges=exchanges)], folder)

    (folder / "labels").mkdir()
    about = About("abdomen", Modality.MR)
    (source,) = read_reasonseg(folder / "out", (), about, load_table(), folder / "labels")
    back = sitk.GetArrayFromImage(sitk.ReadImage(str(source.labels[0].file)))
    assert {label.name: label.value for label in source.labels if label.structure} == {
        "liver": 1,
        "spleen": 2,
    }
    assert (back == drawn).all()
    assert [question.text for question in source.questions] == texts and source.split == "validation"
    assert source.patient == "b"

    items = list(items_asked(source, load_table(), folder, "ReasonSeg"))
    write_reasonseg(folder / "again", items, folder)
    assert content(folder / "again" / "test" / "b-1.json") == content(folder / "out" / "test" / "b-1.json")
