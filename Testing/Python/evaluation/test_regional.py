"""Questions about other regions, on phantoms: which scan each is asked about, and which answer is right."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.errors import DatasetError
from MedSegRLib.evaluation import regional as regional_module
from MedSegRLib.evaluation import suites
from MedSegRLib.evaluation.regional import regional
from MedSegRLib.evaluation.results import QuestionScore
from MedSegRLib.evaluation.runner import evaluate
from MedSegRLib.evaluation.suites import implicit_questions
from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.model import tiny_model

from .elsewhere import Saying

EVERYTHING = ("liver", "kidney", "spleen", "vertebra", "intervertebral_disc", "spinal_canal")


def entry(question: str, structures: str, sides: str = "none", levels: str = "") -> dict[str, Any]:
    asked = {"question": question, "structures": structures.split(), "sides": sides, "kind": "disease"}
    return {"id": question, **asked, **({"levels": levels.split()} if levels else {})}


Ask = Callable[..., tuple[list[QuestionScore], list[Saying], list[str]]]


@pytest.fixture
def ask(data: Path) -> Ask:
    """Scores, conversations and what was told."""

    def run(questions: Mapping[str, list[dict[str, Any]]], offered=EVERYTHING, **replies: tuple[str, ...]):
        opened: list[Saying] = []
        told: list[str] = []

        def opener(volume: Volume) -> Saying:
            opened.append(Saying(volume, replies))
            return opened[-1]

        return list(regional(data, offered, opener, told.append, questions)), opened, told

    return run


def test_each_question_is_asked_once_about_a_patient_whose_labels_hold_all_of_it(ask: Ask) -> None:
    questions = [entry(f"l{n}", "liver") for n in range(4)]
    questions += [entry("left", "kidney", "left"), entry("both", "kidney", "both")]
    questions += [entry("right0", "kidney", "right"), entry("right1", "liver kidney", "right")]
    scores, opened, told = ask({"abdomen": [*questions, entry("s", "spleen")]})
    where = {score.question: score.patient for score in scores}
    assert len(scores) == len(where) == 8 and {s.group for s in scores} == {"ct"}
    assert [where[f"l{n}"] for n in range(4)] == ["ct/a", "ct/b", "ct/a", "ct/b"]
    assert where["left"] == where["both"] == "ct/a"
    assert len(opened) == 2 and all(s.volume.modality is Modality.CT for s in opened)
    assert all(s.forgot == len(s.asked) for s in opened)
    assert told == [
        "implicit questions, abdomen: 0 of 8 right; 1 not asked, as no scan of it draws what they are about"
    ]


def test_of_a_patients_pictures_the_one_is_asked_about_that_shows_most(ask: Ask) -> None:
    scores, opened, _ = ask({"spine": [entry("q0", "spinal_canal"), entry("q1", "spinal_canal")]})
    assert [score.patient for score in scores] == ["mr/c", "mr/d"]
    # The second picture of c is the brighter one.
    assert [float(one.volume.voxels.max()) for one in opened] == [149.0, 139.0]
    assert all(one.volume.modality is Modality.MR for one in opened)


def test_right_is_exactly_what_is_meant_on_the_side_that_is_meant(ask: Ask) -> None:
    questions = [entry(name, "kidney", "left") for name in ("exact", "twin", "wrong", "none")]
    questions += [entry("pair", "liver kidney", "right"), entry("half", "liver kidney", "right")]
    scores, _, told = ask(
        {"abdomen": questions}, exact=("left kidney",), twin=("left kidney", "right kidney"),
        wrong=("right kidney",), pair=("liver", "right kidney"), half=("liver",),
    )  # fmt: skip
    assert {score.question: score.right for score in scores} == {
        "exact": True, "twin": False, "wrong": False, "none": False, "pair": True, "half": False,
    }  # fmt: skip
    assert told == ["implicit questions, abdomen: 2 of 6 right"]
    assert scores[0].suite == "implicit" and scores[0].structures == ("kidney",)


def test_kidneys_that_are_drawn_as_one_serve_questions_about_both_and_about_no_single_one(
    ask: Ask, data: Path
) -> None:
    index = json.loads((data / "index.json").read_text(encoding="utf-8"))
    undivided = {"1": "liver", "2": "kidney"}
    for entry_of_b in index:
        if entry_of_b["patient"] == "b":
            # Its right kidney becomes what a data set calls "kidney".
            entry_of_b["labels"] = {**undivided, "3": "kidney"} | {"2": "spleen"}
    (data / "index.json").write_text(json.dumps(index), encoding="utf-8")
    asked = [entry(name, "kidney", "both") for name in ("both0", "both1", "both2", "both3")]
    asked += [entry("left", "kidney", "left"), entry("right", "kidney", "right")]
    asked += [entry("more0", "liver kidney", "both"), entry("more1", "liver kidney", "both")]
    scores, _, told = ask(
        {"abdomen": asked}, both0=("left kidney", "right kidney"), both1=("left kidney", "right kidney"),
        both2=("right kidney",), both3=("right kidney",), more1=("liver",),
    )  # fmt: skip
    assert {score.question: (score.patient, score.right) for score in scores} == {
        "both0": ("ct/a", True), "both1": ("ct/b", True), "both2": ("ct/a", False), "both3": ("ct/b", True),
        "left": ("ct/a", False), "right": ("ct/a", False), "more0": ("ct/a", False), "more1": ("ct/b", False),
    }  # fmt: skip
    assert {s.expected for s in scores if s.question in ("both1", "both3")} == {("kidney",)}
    assert told == ["implicit questions, abdomen: 3 of 8 right"]


def test_a_level_that_is_meant_counts_as_its_structure_and_another_does_not(ask: Ask) -> None:
    both, last = "disc_l4_l5 disc_l5_s1", "disc_l5_s1"
    questions = [entry(name, "intervertebral_disc", levels=both) for name in ("all", "levels", "bone")]
    questions += [entry(name, "intervertebral_disc", levels=last) for name in ("last", "whole", "other")]
    questions.append(entry("unseen", "vertebra", levels="vertebra_l1"))
    scores, _, told = ask(
        {"spine": questions}, all=("intervertebral disc",), levels=("L4/L5 disc", "L5/S1 disc"),
        bone=("L5/S1 disc", "L5 vertebra"), last=("L5/S1 disc",), whole=("intervertebral disc",),
        other=("L4/L5 disc",),
    )  # fmt: skip
    assert {score.question: score.right for score in scores} == {
        "all": True, "levels": True, "bone": False, "last": True, "whole": True, "other": False,
    }  # fmt: skip
    assert scores[0].expected == ("intervertebral_disc",) and "1 not asked" in told[0]


def test_what_the_model_does_not_offer_is_not_asked(ask: Ask) -> None:
    questions = {
        "abdomen": [entry("l", "liver"), entry("lk", "liver kidney", "right")],
        "spine": [entry("d", "intervertebral_disc", levels="disc_l5_s1"), entry("c", "spinal_canal")],
        "pelvis": [entry("u", "urinary_bladder")],
    }
    scores, _, told = ask(questions, ("liver", "disc_l5_s1", "urinary_bladder"))
    assert [score.question for score in scores] == ["l", "d"]
    assert told[2].startswith("implicit questions, pelvis: 0 of 0 right; 1 not asked")


def test_a_model_of_brains_asks_as_before_and_opens_no_other_scan(tmp_path: Path) -> None:
    def opener(volume: Volume) -> Saying:
        raise AssertionError("a scan was opened")

    assert list(regional(tmp_path / "nowhere", ("hippocampus", "brainstem"), opener, print)) == []


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no readable index"):
        list(regional(tmp_path, ("liver",), lambda volume: Saying(volume, {}), print))


def test_the_suite_asks_about_brains_and_about_what_else_the_model_offers(
    data: Path, labels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(labels[::5].astype(np.int16)), str(data / "head.nii"))
    index = json.loads((data / "index.json").read_text(encoding="utf-8"))
    head = {"source": "brain_voxelmorph_test", "region": "brain", "patient": "h", "labels": {}}
    index.append({**index[0], **head, "image": "head.nii", "label": "head.nii"})
    (data / "index.json").write_text(json.dumps(index), encoding="utf-8")
    few = {region: entries[:30:10] for region, entries in implicit_questions().items()}
    for module in (suites, regional_module):
        monkeypatch.setattr(module, "implicit_questions", lambda: few)
    model, asked = tiny_model(0), []
    for offered in (("hippocampus",), ("hippocampus", "liver", "spleen")):
        model.config = replace(model.config, offered=offered)
        results = evaluate(model, data, suites=("implicit",), open_session=lambda v: Saying(v, {}))
        assert {q.suite for q in results.questions} == {"implicit"}
        asked.append([(q.group, q.structures[0]) for q in results.questions])
    brains, more = asked
    assert len(brains) == 3 and {group for group, _ in brains} == {"voxelmorph T1"}
    # No spleen is drawn in the phantoms.
    assert more == [*brains, ("ct", "liver"), ("ct", "liver")]
