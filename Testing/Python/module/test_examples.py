"""The examples do what they say: the very files, in front of the shipped model."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
import slicer
import workplace
from workplace import pump

from MedSegRLib.imaging import read_segmentation

EXAMPLES = Path(__file__).resolve().parents[3] / "Examples"


def run_in_console(name: str) -> dict:
    """Run an example as the Python console does; the names that are there then."""
    names = {"__name__": "__main__"}
    exec((EXAMPLES / name).read_text(encoding="utf-8"), names)
    return names


def run_as_script(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: object) -> list[int]:
    """Run an example as `--python-script` does; the exit codes that it has asked for."""
    codes: list[int] = []
    monkeypatch.setattr(slicer.util, "exit", codes.append)
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    run_in_console(name)
    return codes


def segments_in_the_scene() -> list[str]:
    segmentations = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    found = [node.GetSegmentation() for node in segmentations]
    return [one.GetNthSegment(i).GetName() for one in found for i in range(one.GetNumberOfSegments())]


def test_every_example_is_tried_here_and_named_in_the_readme() -> None:
    names = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix == ".py")
    assert names == ["ask.py", "folder.py", "stream.py"]
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    assert [name for name in names if f"Examples/{name}" not in readme] == []


def test_the_lines_of_the_readme_for_the_console_work(
    widget, scene, capsys: pytest.CaptureFixture[str]
) -> None:
    workplace.put_brain("MRHead", step=4)
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    _, _, section = readme.partition("### Python console")
    _, _, block = section.partition("```python\n")
    # In the console Slicer's own names are there.
    names = {"slicer": slicer}
    exec(block.partition("```")[0], names)
    assert [finding.name for finding in names["answer"].findings] == ["left hippocampus"]
    assert "left hippocampus" in capsys.readouterr().out


def test_the_loaded_volume_is_asked_about_and_its_findings_are_told_in_millilitres(
    widget, head, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run_in_console("ask.py")["answer"]
    told = capsys.readouterr().out
    assert [finding.structure for finding in answer.findings] == ["hippocampus"] * len(answer.findings) != []
    voxel_ml = 2e-3  # 1 x 1 x 2 mm
    for finding in answer.findings:
        assert f"{finding.name}: {finding.mask.sum() * voxel_ml:.2f} ml, confidence" in told
    assert segments_in_the_scene() == [finding.name for finding in answer.findings]


def test_a_scan_that_is_named_is_loaded_where_none_is(
    widget, scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_scan(tmp_path / "scan.nrrd")
    assert run_as_script(monkeypatch, "ask.py", tmp_path / "scan.nrrd") == [], "Slicer stays open"
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode").GetName() == "scan"


def test_streaming_goes_on_at_once_tells_what_comes_and_stops_when_it_is_enough(
    widget, head, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run_in_console("stream.py")
    assert capsys.readouterr().out == "asked; Slicer goes on\n" and not names["asked"].done
    assert pump(lambda: names["asked"].done, 120)
    told = capsys.readouterr().out
    enough = names["ENOUGH_SLICES"]
    assert f"slice {enough} of " in told and "\nstopped\n" in told and "done" not in told
    # What was on its way when it was stopped may still have come.
    looked_at = len(names["asked"].answer.provenance.slices_looked_at)
    assert not names["asked"].answer.complete and enough <= looked_at < enough + 10


def put_scan(path: Path) -> None:
    """A file of a small brain: every fourth slice."""
    node = workplace.put_brain(step=4)
    assert slicer.util.saveNode(node, str(path))
    slicer.mrmlScene.RemoveNode(node)


def test_every_scan_of_a_folder_is_asked_about_and_the_bad_one_is_told(
    widget, scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scans, output = tmp_path / "scans", tmp_path / "output"
    scans.mkdir()
    put_scan(scans / "one.nrrd")
    put_scan(scans / "two.nii.gz")
    (scans / "broken.nrrd").write_text("not a scan")
    (scans / "notes.txt").write_text("no scan either")
    codes = run_as_script(monkeypatch, "folder.py", scans, output, "Where is the brainstem?")
    assert codes == [1], "one was not answered"
    with open(output / "findings.csv", newline="", encoding="utf-8") as file:
        lines = {line["scan"]: line for line in csv.DictReader(file)}
    assert lines.keys() == {"one.nrrd", "two.nii.gz", "broken.nrrd"}
    assert lines["broken.nrrd"]["finding"] == "" and "broken.nrrd" in lines["broken.nrrd"]["said"]
    for name in ("one.nrrd", "two.nii.gz"):
        assert lines[name]["finding"] == "brainstem" and "brainstem" in lines[name]["said"]
        (segment,) = read_segmentation(output / lines[name]["masks"])
        # Counted in the file that was written; voxels of 1 x 1 x 4 mm.
        assert float(lines[name]["volume_ml"]) == pytest.approx(segment.mask.sum() * 4e-3, abs=1e-3)
    assert slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") == []
    # What the first run wrote beside the scans is not taken for a scan.
    (scans / "broken.nrrd").unlink()
    (output / "one.nrrd.seg.nrrd").rename(scans / "one.nrrd.seg.nrrd")
    assert run_as_script(monkeypatch, "folder.py", scans, output, "Where is the brainstem?") == [0]


def test_a_folder_without_scans_and_a_wrong_call_end_with_another_code(
    widget, scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_as_script(monkeypatch, "folder.py", tmp_path, tmp_path / "out", "Where?") == [2]
    assert run_as_script(monkeypatch, "folder.py", tmp_path) == [2]
    assert not (tmp_path / "out").exists()
    with pytest.raises(FileNotFoundError):
        run_as_script(monkeypatch, "folder.py", tmp_path / "no", tmp_path / "out", "Where?")
