"""Folders as outputs appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from MedSegRLib.errors import OutputError
from MedSegRLib.imaging import atomic_folder


def test_the_folder_appears_when_the_body_is_done_and_not_before(tmp_path):
    wanted = tmp_path / "set"
    with atomic_folder(wanted) as partial:
        assert partial.parent == tmp_path
        (partial / "a").write_text("whole")
        assert not wanted.exists()
    assert (wanted / "a").read_text() == "whole" and os.listdir(tmp_path) == ["set"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "set").mkdir()
    with atomic_folder(tmp_path / "set") as partial:
        (partial / "a").touch()
    assert os.listdir(tmp_path / "set") == ["a"]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), atomic_folder(tmp_path / "set") as partial:
        (partial / "a").touch()
        raise KeyError("stop")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("make", [lambda p: p.write_text("old"), lambda p: (p.mkdir(), (p / "a").touch())])
def test_what_is_there_already_is_never_replaced(tmp_path, make):
    make(tmp_path / "set")
    ran = []
    with (
        pytest.raises(OutputError, match="set is there already; name a new folder"),
        atomic_folder(tmp_path / "set"),
    ):
        ran.append(True)
    assert not ran and os.listdir(tmp_path) == ["set"]


def test_a_missing_parent_is_told(tmp_path):
    with (
        pytest.raises(OutputError, match=r"there is no folder .*none"),
        atomic_folder(tmp_path / "none" / "set"),
    ):
        pass


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        pytest.raises(
            OutputError, match=r"set cannot be written \(No space left on device\); choose another"
        ),
        atomic_folder(tmp_path / "set") as partial,
    ):
        (partial / "a").touch()
        raise full
    assert os.listdir(tmp_path) == []


def test_a_kill_leaves_no_folder_of_that_name(tmp_path):
    program = (
        "import os, signal, sys\nfrom MedSegRLib.imaging import atomic_folder\n"
        "with atomic_folder(sys.argv[1]) as partial:\n"
        "    (partial / 'a').touch()\n    os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "set")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode != 0 and not (tmp_path / "set").exists()


def test_a_folder_that_may_be_replaced_goes_as_a_whole(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "old.json").write_text("{}")
    with atomic_folder(tmp_path / "set", replace=True) as partial:
        (partial / "new.json").write_text("{}")
        assert (tmp_path / "set" / "old.json").is_file(), "the older one stays until the new one is whole"
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["new.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_folder_that_may_be_replaced_stays_as_it_was_if_the_new_one_fails(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "old.json").write_text("{}")
    with pytest.raises(OutputError), atomic_folder(tmp_path / "set", replace=True) as partial:
        (partial / "new.json").write_text("{}")
        raise OSError(28, "No space left on device")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["old.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_file_is_never_replaced_by_a_folder(tmp_path):
    (tmp_path / "set").write_text("mine")
    with pytest.raises(OutputError, match="is there already"), atomic_folder(tmp_path / "set", replace=True):
        pass
    assert (tmp_path / "set").read_text() == "mine"
