"""Testing/Slicer as far as it can be tried without Slicer: the fake worker, and the script's exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from MedSegRLib.answers import FindingReady, Finished, Planned, Question, SliceDone, Text
from MedSegRLib.imaging import Modality, Volume
from MedSegRLib.service.hello import Hello, why_not
from MedSegRLib.service.packing import Unpacker
from MedSegRLib.service.protocol import Frame, FrameReader, message
from MedSegRLib.service.voxel_files import VoxelFiles

ROOT = Path(__file__).resolve().parents[3]
STAND_INS = ROOT / "Testing" / "Python" / "stand_ins"
RING = ROOT / "Testing" / "Slicer"

# A Slicer that has loaded a module with this test, and takes note of the code it is to end with.
SLICER = """
import runpy, sys, types
sys.path[:0] = {paths!r}
import slicer_glue, scripted_modules
slicer_glue.start()
scripted_modules.install()
import slicer
slicer.util.exit = lambda code: print("exit code", code)
module = types.ModuleType("MedSegR")
class MedSegRTest(slicer.ScriptedLoadableModule.ScriptedLoadableModuleTest):
    worker_command = None
{test}
module.MedSegRTest = MedSegRTest
sys.modules["MedSegR"] = module
{loaded}
runpy.run_path({script!r}, run_name="__main__")
"""
LOADED = "slicer.modules.medsegr = object()"
PASSES = "    def test_a(self): print('worker', self.worker_command)"
FAILS_WITH_THE_MODEL = "    def test_a(self): self.assertIn('fake_worker.py', ' '.join(self.worker_command))"


def run_ring(test: str, loaded: str = LOADED) -> list[str]:
    """Lines that the ring prints, inside such a Slicer."""
    program = SLICER.format(
        paths=[str(STAND_INS), str(ROOT)], test=test, loaded=loaded, script=str(RING / "run_tests.py")
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)
    return done.stdout.splitlines()


def test_the_ring_asks_both_workers_and_ends_well() -> None:
    lines = run_ring(PASSES)
    assert lines[-1] == "exit code 0"
    fake, shipped = (line for line in lines if "worker [" in line)
    assert "fake_worker.py" in fake and "worker_main.py" in shipped


@pytest.mark.parametrize(
    ("test", "loaded"),
    [
        (PASSES, "pass"),
        (FAILS_WITH_THE_MODEL, LOADED),
        ("    def test_a(self): self.skipTest('not today')", LOADED),
        ("    def no_test_at_all(self): pass", LOADED),
        (PASSES, f"{LOADED}\nsys.modules['MedSegRLib'] = None"),
    ],
    ids=["not loaded", "a failure", "a skip", "no test", "an error of the script"],
)
def test_the_ring_ends_badly_whatever_went_wrong(test: str, loaded: str) -> None:
    assert run_ring(test, loaded)[-1] == "exit code 1"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The fake worker, at work in the private folder `tmp_path / "private"`."""
    (tmp_path / "private").mkdir()
    command = [sys.executable, "-I", str(RING / "fake_worker.py"), str(ROOT), str(tmp_path / "private")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        yield process
        process.stdin.close()
        assert process.wait(timeout=30) == 0
    # The last thing it does is to take the scans away.
    assert not (tmp_path / "private").exists()


def frames(worker: subprocess.Popen[bytes]) -> Iterator[Frame]:
    reader = FrameReader()
    while data := os.read(worker.stdout.fileno(), 1 << 16):
        reader.feed(data)
        while (frame := reader.take()) is not None:
            if frame.header["type"] != "alive":
                yield frame


def test_the_fake_worker_answers_as_a_worker_does(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).normal(100, 20, (6, 9, 12))
    volume = Volume(voxels, np.diag([-2.0, -2.0, 3.0, 1.0]), Modality.MR, "made-up head")
    question = Question("Where is the left hippocampus?")
    told = frames(worker)
    header = next(told).header
    assert why_not(header) == "" and Hello.from_header(header).models[0].name == "mini"
    handed = VoxelFiles(tmp_path / "private").hand_over(volume)
    asked = message("ask", id=7, question=question.to_dict(), model="mini", volume=handed, earlier=[])
    worker.stdin.write(asked.to_bytes())
    begun = next(told).header
    assert (begun["type"], begun["id"], begun["plane"]) == ("begun", 7, "axial")
    unpacker = Unpacker(question, volume)
    events = [unpacker.unpack(next(told)) for _ in range(6)]
    assert [type(event) for event in events] == [
        *(Planned, Text, SliceDone, SliceDone, FindingReady, Finished),
    ]
    (finding,) = events[-1].answer.findings
    # A third of 6 x 9 x 12 voxels along each axis.
    assert (finding.name, int(finding.mask.sum())) == ("left hippocampus", 2 * 3 * 4)
    assert events[-1].answer.volume is volume
