"""Structures beyond the brain on phantoms: what is asked of which scan, and what counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import Side
from MedSegRLib.dataset.split import held_back
from MedSegRLib.evaluation.calibrate import development_scans
from MedSegRLib.evaluation.drawn import developed_on, few_scans
from MedSegRLib.evaluation.further import further
from MedSegRLib.evaluation.results import PatientPart
from MedSegRLib.evaluation.suites import written_questions
from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.model import MedSegRConfig

from .elsewhere import Saying

ASK = written_questions()["further"]
EVERYTHING = ("liver", "kidney", "spleen", "vertebra", "intervertebral_disc", "spinal_canal")
SAID = {
    ASK["liver"]: ("liver",), ASK["kidney"]: ("left kidney", "right kidney"),
    ASK["vertebra"]: ("vertebra",), ASK["spinal_canal"]: (),
}  # fmt: skip


def run(
    data: Path, offered=EVERYTHING, regions=("brain", "abdomen", "spine")
) -> tuple[list[PatientPart], list[Saying]]:  # type: ignore[no-untyped-def]
    opened: list[Saying] = []

    def opener(volume: Volume) -> Saying:
        opened.append(Saying(volume, SAID))
        return opened[-1]

    return list(further(data, offered, regions, opener, lambda _: None)), opened


def dice_of_everything(file: Path, *values: int) -> float:
    """Of a mask that is everywhere, by SimpleITK."""
    labels = sitk.ReadImage(str(file))
    truth = sitk.GetImageFromArray(np.isin(sitk.GetArrayFromImage(labels), values).astype(np.uint8))
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(truth, truth * 0 + 1)
    return float(overlap.GetDiceCoefficient(1))


def test_each_structure_that_a_scan_draws_is_asked_for_once_and_scored_part_by_part(data: Path) -> None:
    parts, opened = run(data)
    of_a = {(p.score.structure, p.score.side): p.score for p in parts if p.patient == "ct/a"}
    assert set(of_a) == {("liver", Side.NONE), ("kidney", Side.LEFT), ("kidney", Side.RIGHT)}
    assert opened[0].asked == [ASK["liver"], ASK["kidney"]] and opened[0].forgot == 2
    for part, value in ((("liver", Side.NONE), 1), (("kidney", Side.LEFT), 2), (("kidney", Side.RIGHT), 3)):
        assert of_a[part].dice == pytest.approx(dice_of_everything(data / "a_seg.nii", value))
    # The second patient has no left kidney, so nothing is scored of it.
    assert {p.score.side for p in parts if p.patient == "ct/b" and p.score.structure == "kidney"} == {
        Side.RIGHT
    }


def test_levels_count_together_and_what_is_not_shown_is_missed(data: Path) -> None:
    parts, _ = run(data)
    first = [p.score for p in parts if p.patient == "mr/c"][:3]
    assert [s.structure for s in first] == ["vertebra", "intervertebral_disc", "spinal_canal"]
    assert first[0].dice == pytest.approx(dice_of_everything(data / "c1_seg.png", 1, 2))
    assert [(s.dice, s.found) for s in first[1:]] == [(0.0, False), (0.0, False)]
    # A picture whose pixels have no known size has no distances.
    assert np.isnan(first[0].hd95_mm)


def test_kidneys_that_are_drawn_as_one_are_scored_as_one(data: Path) -> None:
    index = json.loads((data / "index.json").read_text())
    for entry in index:
        if entry["source"] == "ct":
            entry["labels"] = {"1": "liver", "2": "kidney", "3": "kidney"}
    (data / "index.json").write_text(json.dumps(index))
    parts, _ = run(data, ("kidney",))
    assert [(p.patient, p.score.side) for p in parts] == [("ct/a", Side.NONE), ("ct/b", Side.NONE)]
    assert parts[0].score.dice == pytest.approx(dice_of_everything(data / "a_seg.nii", 2, 3))


def test_regions_that_the_model_does_not_know_are_not_opened(data: Path) -> None:
    assert run(data, regions=("brain", "heart")) == ([], [])
    assert run(data, offered=("thalamus",)) == ([], [])
    assert {p.group for p in run(data, regions=("abdomen",))[0]} == {"ct"}


def test_of_a_patient_with_many_pictures_some_are_taken_evenly(data: Path) -> None:
    index = json.loads((data / "index.json").read_text())
    picture = next(entry for entry in index if entry["image"] == "c1.png")
    for number in range(20):
        own = {"image": f"more{number:02d}.png", "label": f"more{number:02d}_seg.png"}
        for key in own:
            (data / own[key]).write_bytes((data / picture[key]).read_bytes())
        index.append({**picture, **own, "patient": "e"})
    (data / "index.json").write_text(json.dumps(index))
    parts, _ = run(data, ("vertebra",))
    assert sum(p.patient == "mr/e" for p in parts) == 6
    assert [scan.patient for scan in few_scans(data)] == ["ct/a", "ct/b", "mr/c", "mr/d"]


def test_scans_to_develop_on_are_of_held_back_patients_that_may_be_trained_on(data: Path) -> None:
    index = json.loads((data / "index.json").read_text())
    scan = next(entry for entry in index if entry["image"] == "a.nii" and entry["split"] == "validation")
    for number in range(7):
        own = {"image": f"t{number}.nii", "label": f"t{number}_seg.nii"}
        for key in own:
            (data / own[key]).write_bytes((data / scan[key]).read_bytes())
        index.append({**scan, **own, "patient": f"t{number}", "split": "train", "source": "train"})
    (data / "index.json").write_text(json.dumps(index))
    found = [source.patient for source in developed_on(data, ("abdomen", "brain"))]
    assert found == sorted(held_back(f"train/t{number}" for number in range(7))) == ["train/t5"]
    # A model that knows more than brains is calibrated on them too.
    config = MedSegRConfig(offered=("liver",), regions=("brain", "abdomen"))
    ((volume, truth),) = development_scans(data, (), config)
    assert volume.modality is Modality.CT and set(truth) == {("liver", Side.NONE)}
    assert list(development_scans(data, (), config.with_(regions=("brain",)))) == []
