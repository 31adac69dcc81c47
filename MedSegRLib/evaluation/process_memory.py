"""Process memory: the most that a process and those that it started ever held, as Linux keeps it."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

__all__ = ["run_measured"]

_SAMPLE_S = 0.2
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


def run_measured(
    command: list[str], log: Path, kill_after_s: float | None = None
) -> tuple[int, float, float]:
    """Run a program to its end, or kill it.

    Parameters
    ----------
    command
        Program and arguments.
    log
        Where what it prints goes.
    kill_after_s
        When to kill it; None for never.

    Returns
    -------
    Exit code (negative for a signal), seconds, and gigabytes: the peaks of its processes, added up; 0 where
    the system does not keep them.
    """
    start = time.monotonic()
    peaks: dict[int, int] = {}
    with open(log, "ab") as printed, subprocess.Popen(command, stdout=printed, stderr=printed) as process:
        while process.poll() is None:
            for pid in _family(process.pid):
                peaks[pid] = max(peaks.get(pid, 0), _peak_bytes(pid))
            if kill_after_s is not None and time.monotonic() - start > kill_after_s:
                process.kill()
            time.sleep(_SAMPLE_S)
    return process.returncode, time.monotonic() - start, sum(peaks.values()) / 1e9


def _family(pid: int) -> list[int]:
    found = [pid]
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = thread.read_text().split()
        except OSError:
            continue  # Ended just now.
        for child in children:
            found += _family(int(child))
    return found


def _peak_bytes(pid: int) -> int:
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0  # Ended just now, or a system without it.
    return 1024 * int(found.group(1)) if found else 0
