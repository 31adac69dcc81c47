"""Parts of the benchmark of batches: scans that are broken, each in its way, and programs that are killed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from MedSegRLib.errors import ImageReadError, UnsupportedVolumeError
from MedSegRLib.evaluation import batch_benchmark as benchmark_module
from MedSegRLib.evaluation.batch_benchmark import BatchBenchmark, Timed, batch_markdown
from MedSegRLib.evaluation.batch_studies import BROKEN, make_studies
from MedSegRLib.evaluation.benchmark import Machine
from MedSegRLib.evaluation.process_memory import run_measured
from MedSegRLib.imaging import read_volume
from MedSegRLib.model import tiny_model

SENTENCES = {
    "cut": "cut short or damaged",
    "letter": "not an image|cut short or damaged",
    "nan": "not finite numbers",
    "constant": "is constant",
    "4d": "is 4-D with 2 volumes",
}


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "studies"
    make_studies(folder, 2, len(BROKEN))
    return folder


def test_good_scans_can_be_read_and_no_two_are_the_same(studies: Path) -> None:
    one, other = (read_volume(path) for path in sorted(studies.glob("good-*")))
    assert one.shape_kji == (40, 64, 64) and one.fingerprint() != other.fingerprint()


@pytest.mark.parametrize("why", BROKEN)
def test_a_broken_scan_is_refused_for_what_is_wrong_with_it(studies: Path, why: str) -> None:
    (path,) = studies.glob(f"broken-*-{why}.nii.gz")
    with pytest.raises((ImageReadError, UnsupportedVolumeError), match=SENTENCES[why]):
        read_volume(path)


def test_a_program_is_killed_when_its_time_is_up(tmp_path: Path) -> None:
    code, seconds, _ = run_measured(
        [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "log", kill_after_s=0.3
    )
    assert seconds < 300 and (code == 1 if sys.platform == "win32" else code == -signal.SIGKILL)


@pytest.mark.parametrize("in_child", [False, True], ids=["of its own", "of a child"])
def test_memory_is_the_most_that_was_held(tmp_path: Path, in_child: bool) -> None:
    program = "import time; held = b'x' * 100_000_000; time.sleep(2)"
    if in_child:
        program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}])"
    code, _, peak_gb = run_measured([sys.executable, "-c", program], tmp_path / "log")
    assert code == 0
    # Only Linux keeps it.
    assert 0.1 < peak_gb < 0.2 if sys.platform == "linux" else peak_gb == 0


@pytest.mark.parametrize(("tiles", "told"), [(True, "AVX512 and AMX"), (False, "AVX512")])
def test_a_machine_with_tiles_is_said_to_have_them(monkeypatch, tiles: bool, told: str) -> None:
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: tiles)
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX512")
    assert Machine.here().capability == told


def test_the_loop_that_a_batch_is_measured_against_leaves_what_a_batch_leaves(
    studies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark_module, "open_model", lambda name: tiny_model(0))
    asking, saving = benchmark_module._loop(studies, tmp_path / "loop", "tiny")
    assert asking.studies_per_hour > saving.studies_per_hour > 0
    kinds = [path.suffix for path in sorted((tmp_path / "loop").iterdir())]
    assert [kinds.count(kind) for kind in (".json", ".nrrd", ".html")] == [4, 4, 2]


def test_ratios_are_to_the_loop_that_writes() -> None:
    loop, saving, one = Timed(110.0, 2.0, 0.0), Timed(100.0, 2.0, 0.0), Timed(90.0, 3.0, 1.5)
    result = BatchBenchmark(Machine.here(), 2, 1, 2, (("cut", "why"),), 3, True, loop, saving, one, one, one)
    lines = batch_markdown(result).splitlines()
    assert "| loop of Session.ask, nothing written | 110 | 1.10 | 2.0 |  |" in lines
    assert "| batch, one worker | 90 | 0.90 | 3.0 | 1.50 |" in lines
    assert "Killed 3 times and continued: contents are the same, byte by byte." in lines
