"""A folder of scans with an index.json: what it lists becomes sources, a patient in two splits does not."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.importing.freesurfer import freesurfer_names
from MedSegRLib.dataset.importing.index import read_index, regions_of_index
from MedSegRLib.errors import DatasetError

ENTRY = {
    "source": "ct_a", "split": "train", "kind": "volume", "modality": "CT", "region": "abdomen+pelvis",
    "patient": 7, "image": "a_ct.nii", "label": "a_seg.nii", "labels": {"1": "liver", "2": "kidney_left"},
    "licence": "CC0", "note": "",
}  # fmt: skip


@pytest.fixture
def read(tmp_path, save, grey, liver_and_kidney, table):
    save("a_ct.nii", grey)
    save("a_seg.nii", liver_and_kidney)
    save("b_seg.nii", (liver_and_kidney == 1).astype(np.uint8))

    def run(*changes, **keywords):
        entries = [{**ENTRY, **change} for change in changes]
        (tmp_path / "index.json").write_text(json.dumps(entries))
        return list(read_index(tmp_path, table, **keywords))

    return run


def test_an_entry_becomes_a_source(read, tmp_path):
    (source,) = read({})
    assert (source.patient, source.study, source.split, source.region) == (
        "ct_a/7",
        "a_ct",
        "train",
        "abdomen",
    )
    assert (source.modality, source.origin, source.licence) == ("CT", "ct_a", "CC0")
    assert source.image == tmp_path / "a_ct.nii"
    assert [(one.value, one.structure, one.side) for one in source.labels] == [
        (1, "liver", Side.NONE), (2, "kidney", Side.LEFT),
    ]  # fmt: skip


def test_what_is_kept_for_judging_comes_only_when_asked_for(read):
    validation = {"split": "validation", "patient": 8}
    assert [source.patient for source in read({}, validation)] == ["ct_a/7"]
    assert [source.patient for source in read({}, validation, splits=("validation",))] == ["ct_a/8"]


def test_scans_of_some_regions_are_read_and_those_of_an_unknown_one_left_alone(read, tmp_path):
    more = [
        {"region": "lumbar spine, sagittal", "patient": 8, "image": "b"},
        {"region": "knee", "patient": 9},
    ]
    assert [source.patient for source in read({}, *more, regions=("abdomen", "heart"))] == ["ct_a/7"]
    assert regions_of_index(tmp_path, "train") == {"abdomen", "spine"}
    assert regions_of_index(tmp_path, "validation") == frozenset()


def test_label_maps_of_one_image_are_one_source_and_the_first_to_draw_a_part_is_taken(read):
    more = {"label": "b_seg.nii", "labels": {"1": "liver"}}
    other = {"label": "b_seg.nii", "labels": {"1": "aorta"}}
    assert [label.file.name for label in read({}, more)[0].labels] == ["a_seg.nii", "a_seg.nii"]
    assert [label.name for label in read({}, other)[0].labels] == ["liver", "kidney_left", "aorta"]


@pytest.mark.parametrize(
    ("note", "undrawn"),
    [("an organ without voxels was not drawn, not absent", (("spleen", Side.NONE),)), ("", ())],
)
def test_the_note_says_whether_what_has_no_voxel_is_absent(read, note, undrawn):
    (source,) = read({"labels": {**ENTRY["labels"], "3": "spleen"}, "note": note})
    assert source.undrawn == undrawn


def test_a_label_map_without_an_image_has_the_ids_of_freesurfer(read, save, liver_and_kidney):
    labels = liver_and_kidney.astype(np.int16)
    labels[labels == 1] = 17
    labels[labels == 2] = 515
    save("head.nii", labels)
    whole = {
        "image": None,
        "label": "head.nii",
        "labels": {},
        "region": "whole head",
        "modality": "labels only",
    }
    (source,) = read(whole)
    assert (source.image, source.region, source.modality) == (None, "brain", "MR")
    assert [x.value for x in source.labels if (x.structure, x.side) == ("hippocampus", Side.LEFT)] == [17]


def test_freesurfers_table_has_every_id_once_and_every_part_of_the_anatomy_table(table):
    names = freesurfer_names(table)
    values = [name.value for name in names]
    assert len(set(values)) == len(values)
    for structure in table:
        for side, ids in structure.freesurfer:
            assert {
                name.value for name in names if (name.structure, name.side) == (structure.id, side)
            } >= set(ids)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            [{}, {"split": "validation"}],
            "has patient 7 of ct_a in train and in validation; keep a patient in one",
        ),
        ([{"split": "validation"}], "holds no scan of that split and source; check both"),
        ([{"region": "knee"}], "has the region 'knee', which is unknown; use one of brain"),
        ([{"labels": {"1": "liver"}}], r"a_seg\.nii has labels without a name \(2\)"),
        (
            [{"labels": {"one": "liver"}}],
            r"The labels of .*a_seg\.nii in the index are not numbers with names",
        ),
        ([{"label": None}], r"Entry 1 of .*index\.json has no label map; leave it out of the index"),
        ([{"labels": {"1": "liver", "2": " "}}], "Label 2 of .* has no name; name it in the label table"),
    ],
)
def test_a_wrong_index_is_refused(read, changes, sentence):
    with pytest.raises(DatasetError, match=sentence):
        read(*changes)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "has no readable index.json"),
        ("{}", "is not a list of scans"),
        ('[{"source": 1}]', "lacks the key 'split'"),
    ],
)
def test_what_is_no_index_is_refused(tmp_path, table, text, sentence):
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(DatasetError, match=sentence):
        list(read_index(tmp_path, table))


def test_in_real_heads_what_has_no_voxel_counts_as_not_drawn(shared_data, table):
    heads = list(islice(read_index(shared_data, table, origins=["ct_headneck_openkbp"]), 8))
    assert len({source.patient for source in heads}) == 8 and any(source.undrawn for source in heads)
    for source in heads:
        drawn = np.unique(sitk.GetArrayFromImage(sitk.ReadImage(str(source.labels[0].file))))
        missing = {(label.structure, label.side) for label in source.labels if label.value not in drawn}
        assert set(source.undrawn) == missing
