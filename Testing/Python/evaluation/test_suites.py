"""The suites on a phantom, with hand-made answers whose scores are known beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import Side, load_table
from MedSegRLib.dataset.building.field_of_view import outside_of
from MedSegRLib.dataset.source import Source, SourceLabel
from MedSegRLib.dataset.stock import load_stock
from MedSegRLib.dataset.wording import four_word_runs
from MedSegRLib.evaluation.absence import absent
from MedSegRLib.evaluation.cases import Case
from MedSegRLib.evaluation.markdown import to_markdown
from MedSegRLib.evaluation.parts_of_scans import crop, halves, slabs
from MedSegRLib.evaluation.results import Results
from MedSegRLib.evaluation.structures16 import load_protocol, score_parts
from MedSegRLib.evaluation.suites import implicit, implicit_questions, structures16, written_questions
from MedSegRLib.evaluation.synthetic_volume import synthetic_volume, tissue_of_labels
from MedSegRLib.imaging import Volume

from .conftest import Knowing, by_dictionary

PROTOCOL = load_protocol("freesurfer")
OFFERED = tuple(dict.fromkeys(name for name, _ in PROTOCOL.parts))


def silent(_: str) -> None:
    pass


def sides_of(name: str) -> list[tuple[str, Side]]:
    return [part for part in PROTOCOL.parts if part[0] == name]


def test_a_perfect_conversation_scores_one_and_a_missed_part_zero(case: Case, labels: np.ndarray) -> None:
    questions = written_questions()["structures16"]
    replies = {question: sides_of(name) for name, question in questions.items()}
    replies[questions["hippocampus"]] = [("hippocampus", Side.LEFT)]
    # Shown where it was not asked for: taken for nothing.
    replies[questions["amygdala"]] += [("hippocampus", Side.RIGHT)]
    sessions = []

    def opener(volume: Volume) -> Knowing:
        sessions.append(Knowing(volume, labels, by_dictionary(replies)))
        return sessions[-1]

    parts = list(structures16([case], opener, silent))
    assert len(parts) == 29 and len(sessions) == 1
    assert sessions[0].asked == list(questions.values()) and sessions[0].forgot == 16
    wrong = [(p.score.structure, p.score.side, p.score.dice) for p in parts if p.score.dice < 1]
    assert wrong == [("hippocampus", Side.RIGHT, 0.0)]
    text = to_markdown(Results("hand 1", tuple(parts)))
    assert f"mean 3-D Dice {28 / 29:.3f} (1 patient)" in text
    assert "| hippocampus | 0.500 | 1.000 | 0.000 | 50.0 | 0.500 | 1 | 1 | – | – |" in text
    # 28 masks, confidence 0.9, all right.
    assert Results("hand 1", tuple(parts)).calibration_error == pytest.approx(0.1)


def test_implicit_is_right_only_for_exactly_the_expected_sides(case: Case, labels: np.ndarray) -> None:
    entries = [
        {"id": str(n), "question": f"q{n}", "structures": s, "sides": side, "kind": "disease"}
        for n, (s, side) in enumerate(
            [(["thalamus"], "both"), (["thalamus"], "left"), (["brainstem"], "none"), (["putamen"], "right")]
            * 2
        )
    ]
    left, right = ("thalamus", Side.LEFT), ("thalamus", Side.RIGHT)
    replies = {
        "q0": [right, left], "q1": [left], "q2": [("brainstem", Side.NONE)], "q3": [("putamen", Side.RIGHT)],
        "q4": [left], "q5": [right], "q6": [], "q7": [("putamen", Side.RIGHT), left],
    }  # fmt: skip
    scores = list(implicit([case], lambda v: Knowing(v, labels, by_dictionary(replies)), silent, entries))
    assert [s.right for s in scores] == [True] * 4 + [False] * 4
    assert scores[0].expected == ("left thalamus", "right thalamus") and scores[7].found[0] == "left thalamus"
    assert "| thalamus | 0.500 | 2 | 4 | 1 |" in to_markdown(Results("hand", questions=tuple(scores)))


def test_held_out_questions_are_dealt_out_over_the_brains_once_each(case: Case, labels: np.ndarray) -> None:
    scores = list(implicit([case] * 7, lambda v: Knowing(v, labels, lambda q: ([], ())), silent))
    assert sorted(s.question for s in scores) == sorted(e["question"] for e in implicit_questions()["brain"])
    assert not any(s.right for s in scores)


def other_scan(folder: Path, region: str) -> Source:
    """A scan of another region; in the abdomen the liver and the left kidney are drawn."""
    drawn = np.zeros((3, 4, 5), np.uint8)
    drawn[1, 1, 1], drawn[2, 2, 2] = 1, 2
    files = folder / f"{region}.nii", folder / f"{region}_seg.nii"
    for file, array in zip(files, (np.arange(60, dtype=np.float32).reshape(3, 4, 5), drawn), strict=True):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(file))
    labels = (
        SourceLabel(files[1], 1, "liver", "liver"),
        SourceLabel(files[1], 2, "left kidney", "kidney", Side.LEFT),
    )
    return Source(region, region, files[0], labels, "MR", region, origin=region)


@pytest.mark.parametrize("behaviour", ["refuses", "shows all", "says nothing"])
def test_absent_and_present_are_asked_one_to_one(
    case: Case, labels: np.ndarray, behaviour: str, tmp_path: Path
) -> None:
    table = load_table()

    def opener(volume: Volume) -> Knowing:
        whole = volume.shape_kji == labels.shape and volume.name == "phantom"

        def reply(question: str) -> tuple[list, tuple[str, ...]]:
            named = [p for p in PROTOCOL.parts if table[p[0]].side_name(p[1]) in question]
            if behaviour == "shows all" and volume.shape_kji == labels.shape:
                return [("thalamus", Side.LEFT), ("hippocampus", Side.LEFT)], ()
            if behaviour == "refuses" and whole and named:
                return named[:1], ()
            return [], (("it",) if behaviour == "refuses" else ())

        return Knowing(volume, labels, reply)

    others = [other_scan(tmp_path, "abdomen"), other_scan(tmp_path, "heart")]
    scores = list(absent([case], others, OFFERED, opener, silent, per_kind=8))
    wanted = {"slab": 8, "half": 8, "abdomen": 4, "heart": 4, "not offered": 12, "unanswerable": 12}
    refusing = [s for s in scores if s.suite == "absent"]
    assert {kind: sum(s.kind == kind for s in refusing) for kind in wanted} == wanted
    assert len(scores) == 2 * len(refusing)
    named = [s for s in refusing if s.structures and s.structures[0] in OFFERED]
    assert len(named) * 2 == len(refusing)
    result = Results("hand", questions=tuple(scores))
    if behaviour == "refuses":
        assert result.share("absent") == 1.0 and result.share("present") == 1.0
    elif behaviour == "says nothing":
        assert result.share("absent") == 0.0 and result.share("present") == 0.0
    else:
        assert result.share("absent") < 0.5 and result.share("present") < 0.3
    assert "N-Acc" in to_markdown(result) and json.dumps(result.to_dict())


def test_other_regions_are_asked_for_what_they_cannot_show_and_as_often_for_what_is_drawn_there(
    case: Case, labels: np.ndarray, tmp_path: Path
) -> None:
    offered = (*OFFERED, "liver", "kidney", "spleen", "spinal_cord")
    others = [other_scan(tmp_path, "abdomen"), other_scan(tmp_path, "heart")]
    scores = list(
        absent([case], others, offered, lambda v: Knowing(v, labels, lambda q: ([], ())), silent, per_kind=8)
    )
    table = load_table()
    for region in ("abdomen", "heart"):
        mine = [s for s in scores if s.kind == region]
        gone, there = ([s for s in mine if s.suite == suite] for suite in ("absent", "present"))
        assert len(gone) == len(there) == 4
        # Nobody knows of a spleen or a cord that was not drawn.
        assert {s.structures[0] for s in gone} <= set(outside_of(region, table))
        assert {s.expected for s in there} <= {("liver",), ("left kidney",)}
    assert sum(s.suite == "absent" for s in scores) * 2 == len(scores)


def test_slabs_hold_no_voxel_of_what_they_miss(volume: Volume, labels: np.ndarray) -> None:
    pieces = list(slabs(volume, labels, PROTOCOL))
    assert len(pieces) == 2
    for piece, missing in pieces:
        # The phantom's grey values are its labels + 1.
        inside = np.rint(piece.voxels - 1).astype(int)
        assert missing and not any(PROTOCOL.mask(inside, part).any() for part in missing)
        assert PROTOCOL.mask(inside, ("cerebral_cortex", Side.LEFT)).any()
    (_, of_top), (_, of_bottom) = pieces
    assert ("brainstem", Side.NONE) in of_top and ("brainstem", Side.NONE) not in of_bottom


def test_a_crop_stays_where_it_lay(volume: Volume) -> None:
    for axis in range(3):
        piece = crop(volume, axis, 5, 30)
        corner = np.zeros(4)
        corner[3] = 1
        moved = corner.copy()
        moved[2 - axis] = 5
        assert np.allclose(piece.ijk_to_ras @ corner, volume.ijk_to_ras @ moved)
        assert np.array_equal(piece.voxels, np.take(volume.voxels, range(5, 30), axis))


def test_a_half_has_lost_one_side_and_nothing_of_the_other(volume: Volume, labels: np.ndarray) -> None:
    for piece, missing in halves(volume, labels, PROTOCOL):
        inside = np.rint(piece.voxels - 1).astype(int)
        (lost,) = {side for _, side in missing}
        assert len(missing) == 13 and piece.shape_kji == volume.shape_kji
        for part in PROTOCOL.parts:
            kept = int(PROTOCOL.mask(inside, part).sum())
            if part[1] is lost:
                assert kept == 0
            elif part[1] is lost.other:
                assert kept == int(PROTOCOL.mask(labels, part).sum())


def test_unscored_voxels_count_for_nothing_and_parity_draws_the_cortex() -> None:
    protocol = load_protocol("neuromorphometrics")
    labels = np.array([[[101, 103, 100, 71, 71, 48, 0]]])
    left = protocol.mask(labels, ("cerebral_cortex", Side.LEFT))
    assert left.tolist() == [[[True, True, False, False, False, False, False]]]
    shown = left.copy()
    shown[0, 0, 3:5] = True  # on the vermis
    found = {("cerebral_cortex", Side.LEFT): (shown, 0.5)}
    scores = {(s.structure, s.side): s for s in score_parts(found, labels, protocol, (1.0, 1.0, 1.0))}
    assert set(scores) == {
        ("cerebral_cortex", Side.LEFT), ("cerebral_cortex", Side.RIGHT), ("hippocampus", Side.LEFT),
    }  # fmt: skip
    assert scores["cerebral_cortex", Side.LEFT].dice == 1.0
    assert scores["hippocampus", Side.LEFT].dice == 0.0 and not scores["hippocampus", Side.LEFT].found


def test_the_protocols_are_those_that_everybody_judges_with(shared_data) -> None:
    theirs = json.loads((shared_data / "structures16.json").read_text(encoding="utf-8"))["structures"]
    for name in ("freesurfer", "neuromorphometrics"):
        protocol = load_protocol(name)
        ours = list(zip(protocol.parts, theirs, strict=True))
        assert len(ours) == 29
        for part, entry in ours:
            assert (entry["side"] or "none") == part[1].value
            ids = entry[name]
            if isinstance(ids, str):
                assert protocol.parity[part] == (100, {"odd>=100": 1, "even>=100": 0}[ids])
            else:
                assert protocol.labels[part] == tuple(ids)


def test_written_questions_name_what_they_ask_for_and_share_nothing_with_training() -> None:
    table = load_table()
    questions = written_questions()
    assert set(questions["structures16"]) == set(OFFERED)
    for name, question in questions["structures16"].items():
        called = (table[name].plural, *table[name].wordings)
        assert any(wording.lower() in question.lower() for wording in called), question
    stock = {run for q in load_stock().questions["unanswerable"] for run in four_word_runs(q)}
    assert [q for q in questions["unanswerable"] if four_word_runs(q) & stock] == []


def test_a_synthetic_head_is_fixed_by_its_seed_and_alike_on_both_sides(labels: np.ndarray) -> None:
    head = labels.copy()
    head[:, :2] = 502
    one = synthetic_volume(head, np.diag([-1.0, -1.0, 1.0, 1.0]), 3)
    assert one.fingerprint() == synthetic_volume(head, np.diag([-1.0, -1.0, 1.0, 1.0]), 3).fingerprint()
    assert one.fingerprint() != synthetic_volume(head, np.diag([-1.0, -1.0, 1.0, 1.0]), 4).fingerprint()
    assert one.shape_kji == labels.shape and one.voxels.min() >= 0
    tissues = tissue_of_labels(head)
    assert tissues[17] == tissues[53] != tissues[18] and tissues[14] == tissues[4] and 502 in tissues
    assert 0 not in tissues and one.voxels[head == 502].mean() > 3 * one.voxels[head == 0].mean()
