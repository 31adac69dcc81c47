"""What a data set's questions are scored with, against numbers worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import Side
from MedSegRLib.errors import DatasetError
from MedSegRLib.evaluation.figures import figures_of
from MedSegRLib.evaluation.gallery import Gallery
from MedSegRLib.evaluation.items import FORCED, medsegqa
from MedSegRLib.evaluation.markdown import to_markdown
from MedSegRLib.evaluation.results import PatientPart, QuestionScore, Results
from MedSegRLib.imaging import Volume

from .sets import BOXES, Scripted, exchange, item, mask_of, target, write, write_scan, write_set

LEFT, RIGHT, AMYGDALA = "left hippocampus", "right hippocampus", "left amygdala"
WHOLE = {name: mask_of(box) for name, box in BOXES.items()}
# One of the four slices of the left hippocampus less: 48 of 64 voxels.
SHORT = mask_of((slice(2, 5), slice(2, 6), slice(2, 6)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scan(tmp_path)
    return tmp_path


def judge(path: Path, script: Mapping[str, Any], **options: Any) -> tuple[Results, list[Scripted]]:
    sessions: list[Scripted] = []

    def opener(volume: Volume) -> Scripted:
        sessions.append(Scripted(volume, script))
        return sessions[-1]

    scores = list(medsegqa(path, opener, lambda _: None, **options))
    parts = tuple(s for s in scores if isinstance(s, PatientPart))
    return Results("hand", parts, tuple(s for s in scores if isinstance(s, QuestionScore))), sessions


def only(results: Results, suite: str = "medsegqa") -> QuestionScore:
    (score,) = [q for q in results.questions if q.suite == suite]
    return score


def figures(results: Results) -> dict[str, float]:
    return {figure.name: figure.value for figure in figures_of(results)}


def one(folder: Path, targets: list[dict[str, Any]], kind: str = "direct") -> Path:
    return write_set(folder / "set.jsonl", [item("a", "p", [exchange("q", kind, targets)])])


def test_a_short_mask_scores_as_counted_by_hand(folder: Path) -> None:
    path = one(folder, [target(LEFT)])
    results, _ = judge(path, {"q": ([(LEFT, SHORT, 0.8)], "Here.")})
    (part,) = results.parts
    assert part.score.dice == pytest.approx(2 * 48 / (48 + 64))
    # Rows and columns agree; the missing slice lies 2 mm away, within the tolerance.
    assert part.score.hd95_mm == pytest.approx(2.0) and part.score.surface_dice == 1.0
    assert (part.modality, part.kind, part.conversation, part.turn) == ("MR", "direct", "a", 1)
    masks = only(results).masks
    assert masks is not None and (masks.intersection, masks.union) == (48, 64) and masks.iou == 0.75
    assert (masks.expected, masks.shown, masks.matched, masks.misnamed) == (1, 1, 1, 0)
    assert results.told[0][1:] == (0.8, True)
    values = figures(results)
    assert values["MedSeg-QA: Dice"] == pytest.approx(6 / 7) and values["gIoU"] == values["cIoU"] == 0.75
    assert values["number of findings right"] == values["right target, sides included"] == 1.0


def test_masks_under_each_others_phrase_are_misnamed_and_match_nothing(folder: Path) -> None:
    path = one(folder, [target(LEFT), target(RIGHT)])
    swapped = [(LEFT, WHOLE[RIGHT], 0.9), (RIGHT, WHOLE[LEFT], 0.9)]
    results, _ = judge(path, {"q": (swapped, "Here.")})
    masks = only(results).masks
    assert masks is not None and (masks.matched, masks.misnamed, masks.shown) == (0, 2, 2)
    # The words and all masks together are right, and yet no mask is that of its phrase.
    assert only(results).right and masks.iou == 1.0
    values = figures(results)
    assert values["MedSeg-QA: Dice"] == 0.0
    assert values["phrase-to-mask match, F1 at IoU 0.5"] == 0.0
    assert values["good masks under a wrong phrase"] == 1.0
    assert [t.right for t in results.told] == [False, False]


def test_one_finding_too_many_is_the_wrong_number_and_the_wrong_target(folder: Path) -> None:
    path = one(folder, [target(LEFT)])
    shown = [(LEFT, WHOLE[LEFT], 0.9), (AMYGDALA, WHOLE[AMYGDALA], 0.7)]
    results, _ = judge(path, {"q": (shown, "Here.")})
    values = figures(results)
    assert values["number of findings right"] == values["right target, sides included"] == 0.0
    assert only(results, "present").right, "what was asked for is among the masks"
    assert values["phrase-to-mask match, F1 at IoU 0.5"] == pytest.approx(2 * 1 / (2 + 1))
    assert values["gIoU"] == pytest.approx(64 / 72)
    # The confidence of a mask that nobody asked for was shown to the user as well.
    assert [(t.confidence, t.right) for t in results.told] == [(0.9, True), (0.7, False)]


def test_giou_is_a_mean_and_ciou_a_ratio_of_sums(folder: Path) -> None:
    asked = [exchange("big", "direct", [target(LEFT)]), exchange("small", "direct", [target(AMYGDALA)])]
    path = write_set(folder / "set.jsonl", [item("a", "p", asked)])
    half = mask_of((slice(7, 8), *BOXES[AMYGDALA][1:]))
    script = {"big": ([(LEFT, WHOLE[LEFT], 0.9)], ""), "small": ([(AMYGDALA, half, 0.9)], "")}
    values = figures(judge(path, script)[0])
    assert values["gIoU"] == pytest.approx((1 + 4 / 8) / 2)
    assert values["cIoU"] == pytest.approx((64 + 4) / (64 + 8))


def test_the_same_part_shown_twice_is_two_findings(folder: Path) -> None:
    path = one(folder, [target(LEFT)])
    halves = [mask_of((slice(2, 4), *BOXES[LEFT][1:])), mask_of((slice(4, 6), *BOXES[LEFT][1:]))]
    results, _ = judge(path, {"q": ([(LEFT, half, 0.9) for half in halves], "Here.")})
    assert results.parts[0].score.dice == 1.0 and figures(results)["number of findings right"] == 0.0


def test_both_sides_shown_are_one_finding_where_nobody_told_the_sides_apart(folder: Path) -> None:
    labels = np.where(
        np.isin(sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "seg.nii.gz"))), (17, 53)), 1, 0
    )
    write(folder / "both.nii.gz", labels.astype(np.int16))
    drawn = {**target("hippocampus"), "structure": "hippocampus", "side": "none", "phrase": "hippocampi"}
    drawn["mask"] = {"file": "both.nii.gz", "labels": [1]}
    path = one(folder, [drawn])
    results, _ = judge(
        path, {"q": ([(LEFT, WHOLE[LEFT], 0.6), (RIGHT, WHOLE[RIGHT], 0.8)], "Here.")}, forced=True
    )
    assert all(q.right for q in results.questions) and only(results).found == only(results).expected
    masks = only(results).masks
    assert masks is not None and (masks.expected, masks.shown, masks.matched, masks.iou) == (1, 1, 1, 1.0)
    free = [p.score for p in results.parts if p.group != FORCED]
    assert [(s.structure, s.side, s.dice) for s in free] == [("hippocampus", Side.NONE, 1.0)]
    assert [(t.confidence, t.right) for t in results.told] == [(0.8, True)]
    # One of the two is half of what was drawn, and the right target all the same.
    results, _ = judge(path, {"q": ([(LEFT, WHOLE[LEFT], 0.6)], "Here.")})
    assert results.parts[0].score.dice == pytest.approx(2 / 3) and only(results).right
    results, _ = judge(path, {"q": ([(AMYGDALA, WHOLE[AMYGDALA], 0.6)], "Here.")})
    assert not only(results).right


def test_voxels_that_the_data_set_ignores_are_neither_right_nor_wrong(folder: Path) -> None:
    # The first of the four slices of the left hippocampus, and all of the right one, are not judged.
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "seg.nii.gz")))
    labels[2][labels[2] == 17] = 255
    labels[labels == 53] = 255
    write(folder / "seg.nii.gz", labels)
    unsure = target(LEFT)
    unsure["mask"]["ignored"] = [255]
    for shown in (WHOLE[LEFT] | WHOLE[RIGHT], mask_of((slice(3, 6), slice(2, 6), slice(2, 6)))):
        results, _ = judge(one(folder, [unsure]), {"q": ([(LEFT, shown, 0.8)], "Here.")})
        masks = only(results).masks
        assert results.parts[0].score.dice == 1.0
        assert masks is not None and (masks.intersection, masks.union) == (48, 48)
    # What is shown among them alone is shown to nobody.
    results, _ = judge(
        one(folder, [unsure]), {"q": ([(LEFT, WHOLE[LEFT], 0.8), (RIGHT, WHOLE[RIGHT], 0.9)], "")}
    )
    assert only(results).right
    unsure["mask"] = {"file": "seg.nii.gz", "labels": [], "ignored": [255, 18]}
    results, _ = judge(one(folder, [unsure]), {"q": ([(LEFT, WHOLE[LEFT], 0.8)], "Here.")})
    assert results.parts[0].score.dice == 1.0


NO = {
    "refused in words": ([], "There is no amygdala on this scan.", True, 1.0),
    "nothing shown and nothing refused": ([], "Look at the temporal lobe.", False, 1.0),
    "refused, and yet a mask": ([(AMYGDALA, WHOLE[AMYGDALA], 0.9)], "I cannot see it.", False, 0.0),
    "shown": ([(AMYGDALA, WHOLE[AMYGDALA], 0.9)], "Here it is.", False, 0.0),
}


@pytest.mark.parametrize("way", NO)
def test_what_is_not_there_is_right_only_without_a_mask_and_with_a_refusal(folder: Path, way: str) -> None:
    findings, text, right, giou = NO[way]
    results, _ = judge(one(folder, [target(AMYGDALA, False)], "absent"), {"q": (findings, text)})
    assert only(results).right is right and only(results, "absent").right is right
    values = figures(results)
    assert values["N-Acc: nothing is there, no mask and refused in words"] == float(right)
    assert values["gIoU"] == giou and values["number of findings right"] == giou
    assert "T-Acc: the parts asked for are among the masks" not in values and not results.parts
    assert math.isnan(values["cIoU"]) if giou else values["cIoU"] == 0.0


YES = {
    "no mask and a refusal": ([], "There is no hippocampus."),
    "no mask and no refusal": ([], "Here."),
    "the other side": ([(RIGHT, WHOLE[RIGHT], 0.9)], "Here."),
    "another structure": ([(AMYGDALA, WHOLE[AMYGDALA], 0.9)], "Here."),
    "a phrase that the table does not know": ([("gubbins", WHOLE[LEFT], 0.9)], "Here."),
}


@pytest.mark.parametrize("way", YES)
def test_what_is_there_and_not_shown_is_a_miss(folder: Path, way: str) -> None:
    results, _ = judge(one(folder, [target(LEFT)], "implicit"), {"q": YES[way]})
    assert not any(q.right for q in results.questions)
    assert {q.suite for q in results.questions} == {"medsegqa", "present", "implicit"}
    (part,) = results.parts
    assert (part.score.dice, part.score.hd95_mm, part.score.surface_dice) == (0.0, 100.0, 0.0)
    assert not part.score.found and figures(results)["phrase-to-mask match, F1 at IoU 0.5"] == 0.0


def test_a_conversation_about_some_slices_is_scored_on_them_alone(folder: Path) -> None:
    asked = [exchange("q", "direct", [target(LEFT)])]
    path = write_set(folder / "set.jsonl", [item("a", "p", asked, slices=[3, 3])])
    # Right on slice 3; what it shows elsewhere was not asked about.
    mask = mask_of((slice(3, 4), *BOXES[LEFT][1:])) | mask_of((slice(8, 10), slice(0, 4), slice(0, 4)))
    results, sessions = judge(path, {"q": ([(LEFT, mask, 0.9)], "Here.")})
    assert results.parts[0].score.dice == 1.0 and results.parts[0].score.hd95_mm == 0.0
    assert sessions[0].asked[0].slices == (3, 3)
    assert only(results).masks.union == 16  # type: ignore[union-attr]


def test_slices_are_counted_from_foot_to_head_however_the_scan_lies(folder: Path) -> None:
    for name in ("vol.nii.gz", "seg.nii.gz"):
        image = sitk.ReadImage(str(folder / name))
        image.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, -1))
        sitk.WriteImage(image, str(folder / name))
    asked = [exchange("q", "direct", [target(LEFT)])]
    path = write_set(folder / "set.jsonl", [item("a", "p", asked, slices=[5, 6])])
    # Canonical slices 5 and 6 of 10 are the array's 4 and 3; the part lies on 2 to 5 of the array.
    results, _ = judge(path, {"q": ([(LEFT, mask_of((slice(3, 4), *BOXES[LEFT][1:])), 0.9)], "Here.")})
    assert results.parts[0].score.dice == pytest.approx(2 / 3)
    write_set(folder / "set.jsonl", [item("a", "p", asked, slices=[0, 1])])
    with pytest.raises(DatasetError, match="its mask is empty"):
        judge(path, {"q": ([], "No.")})


def test_of_a_picture_without_a_size_there_are_no_millimetres(folder: Path) -> None:
    flat = np.zeros((1, 20, 20), np.uint8)
    flat[0, 4:9, 4:9] = 200
    for name, values in (("vol.png", flat), ("seg.png", (flat > 0).astype(np.uint8))):
        sitk.WriteImage(sitk.GetImageFromArray(values[0]), str(folder / name))
    asked = [exchange("q", "direct", [target(LEFT, file="seg.png", label=1)])]
    path = write_set(folder / "set.jsonl", [item("a", "p", asked, image="vol.png", slices=[0, 0])])
    results, _ = judge(path, {"q": ([(LEFT, flat > 0, 0.9)], "Here.")})
    score = results.parts[0].score
    assert score.dice == 1.0 and math.isnan(score.hd95_mm) and math.isnan(score.surface_dice)
    text = to_markdown(results)
    assert "| hippocampus | 1.000 | 1.000 |  | – | – | 0 | 1 | – | – |" in text
    json.dumps(results.to_dict(), allow_nan=False)


def test_tables_part_by_type_modality_and_turn_with_patients(folder: Path) -> None:
    first = [exchange("q", "direct", [target(LEFT)]), exchange("r", "absent", [target(AMYGDALA, False)])]
    second = [exchange("q", "direct", [target(LEFT)]), exchange("s", "implicit", [target(RIGHT)])]
    items = [item("a", "p", first), item("b", "o", second, modality="CT"), item("c", "o", second)]
    script = {
        "q": ([(LEFT, WHOLE[LEFT], 0.9)], "Here."),
        "r": ([], "No."),
        "s": ([(LEFT, WHOLE[LEFT], 0.9)], "Here."),
    }
    text = to_markdown(judge(write_set(folder / "set.jsonl", items), script)[0])
    header = (
        "N-Acc | T-Acc | right target | number right | match F1 | gIoU | cIoU | Dice | HD95 mm | "
        "surface Dice (2 mm) | questions | masks | patients |"
    )
    for kind in ("Question type", "Modality", "Turn"):
        assert f"| {kind} | {header}" in text
    for row in (
        "direct | – | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 | 0.0 | 1.000 | 3 | 3 | 2",
        "absent | 1.000 | – | – | 1.000 | – | 1.000 | – | – | – | – | 1 | 0 | 1",
        "implicit | – | 0.000 | 0.000 | 1.000 | 0.000 | 0.000 | 0.000 | 0.000 | 100.0 | 0.000 | 2 | 2 | 1",
    ):
        assert f"| {row} |" in text
    assert "| CT | – | 0.500 |" in text and "| 2 | 1.000 | 0.000 |" in text
    assert "so not to be offered: hippocampus" in text, "two patients are too few"


def test_the_fall_from_the_first_turn_to_the_fourth_is_of_conversations_that_reach_it(folder: Path) -> None:
    long = [exchange(q, "direct", [target(LEFT)]) for q in ("good", "good", "good", "short")]
    brief = [exchange("none", "direct", [target(LEFT)])]
    path = write_set(folder / "set.jsonl", [item("a", "p", long), item("b", "p", brief)])
    script = {
        "good": ([(LEFT, WHOLE[LEFT], 0.9)], "Here."),
        "short": ([(LEFT, SHORT, 0.9)], "Here."),
        "none": ([], "Here."),
    }
    fall = figures(judge(path, script)[0])["MedSeg-QA: fall of Dice from turn 1 to turn 4"]
    assert fall == pytest.approx(1 - 6 / 7)


def test_the_ece_is_that_of_its_definition_and_has_an_interval_over_patients(folder: Path) -> None:
    asked = [exchange(q, "direct", [target(LEFT)]) for q in ("good", "none")]
    items = [item(f"{n}", f"p{n}", asked) for n in range(3)]
    script = {"good": ([(LEFT, WHOLE[LEFT], 0.9)], ""), "none": ([(LEFT, WHOLE[RIGHT], 0.6)], "")}
    results, _ = judge(write_set(folder / "set.jsonl", items), script)
    (figure,) = [f for f in figures_of(results) if f.name.startswith("ECE")]
    assert figure.value == pytest.approx(0.5 * 0.1 + 0.5 * 0.6) == results.calibration_error
    assert (figure.low, figure.high) == pytest.approx((0.35, 0.35)) and figure.of == "6 masks"


def test_teacher_forced_masks_stand_apart_labelled_and_tell_no_confidence(folder: Path) -> None:
    asked = [
        exchange("q", "direct", [target(LEFT)]),
        exchange("r", "absent", [target(AMYGDALA, False)]),
    ]
    path = write_set(folder / "set.jsonl", [item("a", "p", asked)])
    script = {"q": ([], "There is none."), "r": ([], "No.")}
    free, sessions = judge(path, script)
    assert not sessions[0].grounded and {p.group for p in free.parts} == {"MedSeg-QA"}
    both, sessions = judge(path, script, forced=True)
    assert sessions[0].grounded == ["<p>left hippocampus</p>[SEG]"], "only of what has a mask"
    assert [(p.group, p.score.dice) for p in both.parts] == [("MedSeg-QA", 0.0), (FORCED, 1.0)]
    assert both.told == () and "teacher-forced" in to_markdown(both)
    own = {name: value for name, value in figures(both).items() if FORCED not in name}
    assert own == pytest.approx(figures(free), nan_ok=True)


def test_pictures_are_kept_of_what_was_missed_and_of_what_is_not_there(folder: Path) -> None:
    asked = [
        exchange("q", "direct", [target(LEFT), target(RIGHT)]),
        exchange("r", "absent", [target(AMYGDALA, False)]),
    ]
    path = write_set(folder / "set.jsonl", [item("a", "p", asked)])
    script = {
        "q": ([(LEFT, SHORT, 0.9), (RIGHT, WHOLE[RIGHT], 0.9)], "Here."),
        "r": ([(AMYGDALA, WHOLE[AMYGDALA], 0.9)], "Here."),
    }
    gallery = Gallery()
    judge(path, script, gallery=gallery)
    assert [(c.name, c.slice_index) for c in gallery.cases()] == [
        ("not there: left amygdala", 7), ("left hippocampus", 5),
    ]  # fmt: skip
    assert gallery.cases()[1].question == "q" and gallery.cases()[1].dice == pytest.approx(6 / 7)


def test_rejected_items_are_not_asked(folder: Path) -> None:
    asked = [exchange("q", "direct", [target(LEFT)])]
    path = write_set(folder / "set.jsonl", [item("a", "p", asked, review="rejected")])
    assert judge(path, {})[0].questions == ()


BAD = {
    "no file": (target(LEFT, file="none.nii.gz"), "There is no mask none.nii.gz beside"),
    "no image": (target(LEFT, file="words.nii.gz"), r"words\.nii\.gz cannot be read as a label map"),
    "empty": (target(LEFT, label=99), "'left hippocampus' of a is said to be there and its mask is empty"),
    "another grid": (
        target(LEFT, file="other.nii.gz"),
        r"other\.nii\.gz has 13 x 12 x 10 voxels and its scan vol.* 14 x 12 x 10",
    ),
}


@pytest.mark.parametrize("way", BAD)
def test_a_bad_mask_is_refused_in_a_sentence(folder: Path, way: str) -> None:
    (folder / "words.nii.gz").write_text("words")
    write(folder / "other.nii.gz", np.ones((10, 12, 13), np.int16))
    one_target, sentence = BAD[way]
    with pytest.raises(DatasetError, match=sentence):
        judge(one(folder, [one_target]), {"q": ([], "No.")})


def test_slices_that_the_scan_lacks_are_refused(folder: Path) -> None:
    asked = [exchange("q", "direct", [target(LEFT)])]
    path = write_set(folder / "set.jsonl", [item("a", "p", asked, slices=[8, 10])])
    with pytest.raises(DatasetError, match="a is about slices 8 to 10 of 10; validate the data set"):
        judge(path, {"q": ([], "No.")})
