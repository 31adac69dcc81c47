"""The lock of an output folder: held by one batch at a time, and by no dead one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from MedSegRLib.batch.lock import locked
from MedSegRLib.errors import OutputError

ROOT = Path(__file__).resolve().parents[3]
HOLDS = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from MedSegRLib.batch.lock import locked
with locked(Path({folder!r})):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock of the folder."""
    program = HOLDS.format(root=str(ROOT), folder=str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_batch_is_refused_with_the_number_of_the_first(tmp_path: Path, holder) -> None:
    with (
        pytest.raises(OutputError, match=f"Another batch \\(process {holder.pid}\\) is writing to"),
        locked(tmp_path),
    ):
        pass


def test_the_lock_of_a_process_that_was_killed_is_taken_over(tmp_path: Path, holder) -> None:
    os.kill(holder.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    holder.wait()
    with locked(tmp_path):
        assert (tmp_path / ".lock").read_text().strip() == str(os.getpid())


def test_a_batch_that_has_ended_leaves_its_folder_free(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            pass
    assert (tmp_path / ".lock").read_text() == ""
