"""Outputs appear whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from MedSegRLib.errors import OutputError
from MedSegRLib.imaging import atomic_path


def test_the_file_appears_when_the_body_is_done_and_not_before(tmp_path):
    wanted = tmp_path / "answer.seg.nrrd"
    with atomic_path(wanted) as partial:
        assert partial.name.endswith("answer.seg.nrrd") and partial.parent == tmp_path
        partial.write_text("whole")
        assert not wanted.exists()
    assert wanted.read_text() == "whole"
    assert os.listdir(tmp_path) == ["answer.seg.nrrd"]


def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path):
    wanted = tmp_path / "report.html"
    wanted.write_text("old")
    with pytest.raises(KeyError), atomic_path(wanted) as partial:
        partial.write_text("half")
        raise KeyError("stop")
    assert wanted.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_missing_folder_is_told_before_the_body_runs(tmp_path):
    ran = []
    wanted = tmp_path / "none" / "a.json"
    with pytest.raises(OutputError, match=r"there is no folder .*none; create it first"), atomic_path(wanted):
        ran.append(True)
    assert not ran and os.listdir(tmp_path) == []


def test_a_folder_as_output_is_refused(tmp_path):
    with pytest.raises(OutputError, match="is a folder; name a file"), atomic_path(tmp_path):
        pass


def test_a_name_that_the_system_refuses_is_told(tmp_path):
    wanted = tmp_path / ("a" * 250)
    with pytest.raises(OutputError, match=r"cannot be written \(File name too long\)"), atomic_path(wanted):
        pass
    assert os.listdir(tmp_path) == []


def test_a_disk_that_takes_no_more_leaves_nothing_behind(tmp_path):
    # A limit on the size of files refuses the write in mid-file, as a full disk does.
    program = (
        "import resource, sys\n"
        "from MedSegRLib.imaging.atomic import atomic_path\n"
        "from MedSegRLib.errors import OutputError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with atomic_path(sys.argv[1]) as partial:\n"
        "        partial.write_bytes(b'x' * 5000)\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    wanted = tmp_path / "big.bin"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", program, str(wanted)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "big.bin cannot be written (File too large); choose another place" in done.stdout
    assert os.listdir(tmp_path) == []
