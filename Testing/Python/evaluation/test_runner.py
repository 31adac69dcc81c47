"""The whole way with a real session: a tiny model with random weights, asked about a phantom."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegRLib.anatomy import load_table
from MedSegRLib.dataset.building.builder import Builder
from MedSegRLib.dataset.building.checks import Checker
from MedSegRLib.dataset.building.journal import ITEMS
from MedSegRLib.dataset.building.offline import RegionAnnotator
from MedSegRLib.dataset.building.phrasings import load_phrasings
from MedSegRLib.dataset.building.units import Share
from MedSegRLib.dataset.importing.freesurfer import freesurfer_names
from MedSegRLib.dataset.source import Source, SourceLabel
from MedSegRLib.errors import DatasetError, UserInputError
from MedSegRLib.evaluation.benchmark import benchmark, benchmark_markdown
from MedSegRLib.evaluation.markdown import to_markdown
from MedSegRLib.evaluation.runner import evaluate
from MedSegRLib.imaging import Volume
from MedSegRLib.model import MedSegR, tiny_model


@pytest.fixture(scope="module")
def model() -> MedSegR:
    return tiny_model(0)


def write(path: Path, array: np.ndarray) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path))


@pytest.fixture
def data(tmp_path: Path, labels: np.ndarray) -> Path:
    """A folder of scans with an index: one brain and one abdomen."""
    small = labels[::4]
    write(tmp_path / "seg.nii.gz", small.astype(np.int16))
    write(tmp_path / "vol.nii.gz", small.astype(np.float32) + 1)
    write(tmp_path / "mr.nii.gz", np.random.default_rng(0).random((4, 40, 40), np.float32))
    liver = np.zeros((4, 40, 40), np.uint8)
    liver[1:3, 10:20, 10:20] = 1
    write(tmp_path / "mr_seg.nii.gz", liver)
    common = {"split": "validation", "kind": "volume", "modality": "MR", "labels": {}}
    brain = {"source": "brain_voxelmorph_test", "region": "brain", "patient": "b"}
    belly = {"source": "belly", "region": "abdomen", "patient": "a", "labels": {"1": "liver"}}
    files = {"image": "vol.nii.gz", "label": "seg.nii.gz"}
    others = {"image": "mr.nii.gz", "label": "mr_seg.nii.gz"}
    index = [{**common, **brain, **files}, {**common, **belly, **others}]
    (tmp_path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return tmp_path


def test_a_folder_of_scans_gives_every_table(model: MedSegR, data: Path) -> None:
    told: list[str] = []
    results = evaluate(model, data, suites=("structures16", "absent"), tell=told.append, per_kind=2)
    assert len(results.parts) == 29 and {p.patient for p in results.parts} == {"b"}
    kinds = [q.kind for q in results.questions if q.suite == "absent"]
    assert "abdomen" in kinds and "half" in kinds and kinds.count("unanswerable") == 3
    assert len([q for q in results.questions if q.suite == "present"]) == len(kinds)
    text = to_markdown(results)
    assert "# Evaluation of tiny" in text and "hippocampus" in text and "T-Acc" in text and told
    json.dumps(results.to_dict(), allow_nan=False)


@pytest.fixture
def built(data: Path) -> Path:
    """Three conversations about the brain."""
    table, file = load_table(), data / "seg.nii.gz"
    names = freesurfer_names(table)
    drawn = [SourceLabel(file, n.value, n.name, n.structure, n.side) for n in names if n.value is not None]
    source = Source("b", "1", data / "vol.nii.gz", tuple(drawn), "MR", "brain", split="validation")
    annotator = RegionAnnotator(table, load_phrasings())
    builder = Builder(data / "built", {}, annotator, Checker(table), table, seed=5, turns=(1, 3))
    builder.run([source], [Share(every=0, scans=3)])
    return data / "built" / ITEMS


def test_a_medsegqa_file_is_asked_in_its_order(model: MedSegR, built: Path) -> None:
    path = built
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    results = evaluate(model, path)
    exchanges = [e for i in lines for e in i["exchanges"]]
    by_suite = {
        suite: [q.question for q in results.questions if q.suite == suite]
        for suite in ("medsegqa", "absent", "present", "implicit")
    }
    there = [any(t["present"] for t in e["targets"]) for e in exchanges]
    assert by_suite["medsegqa"] == [e["question"] for e in exchanges]
    assert by_suite["present"] == [e["question"] for e, t in zip(exchanges, there, strict=True) if t]
    assert by_suite["absent"] == [e["question"] for e, t in zip(exchanges, there, strict=True) if not t]
    assert by_suite["implicit"] == [e["question"] for e in exchanges if e["question_type"] == "implicit"]
    present = [t for i in lines for e in i["exchanges"] for t in e["targets"] if t["present"]]
    assert [p.score.structure for p in results.parts] == [t["structure"] for t in present]
    text = to_markdown(results)
    assert "MedSeg-QA" in text and "T-Acc" in text and "N-Acc" in text and "implicit questions" in text


def test_a_mask_that_lies_elsewhere_is_refused(model: MedSegR, data: Path, built: Path) -> None:
    image = sitk.ReadImage(str(data / "seg.nii.gz"))
    image.SetOrigin((5.0, 0.0, 0.0))
    sitk.WriteImage(image, str(data / "seg.nii.gz"))
    with pytest.raises(DatasetError, match=r"seg\.nii\.gz lies elsewhere than its scan vol"):
        evaluate(model, built)


def test_wrong_input_is_said(model: MedSegR, tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="no suite 'speed'"):
        evaluate(model, tmp_path, suites=("speed",))
    with pytest.raises(UserInputError, match="index"):
        evaluate(model, tmp_path)
    (tmp_path / "index.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UserInputError, match="none of the brains"):
        evaluate(model, tmp_path)


def test_the_benchmark_tells_what_it_measured(model: MedSegR, labels: np.ndarray) -> None:
    volume = Volume(labels[::10].astype(np.float32), np.diag([-1.0, -1.0, 10.0, 1.0]))
    result = benchmark(model, volume)
    assert min(result.first, result.follow_up, result.again, result.generate_first) > 0
    assert result.peak_gb > 0.05 and result.slices >= 1 and result.machine.threads >= 1
    text = benchmark_markdown(result)
    assert result.machine.capability in text and "generate / ground" in text and "Peak memory" in text
